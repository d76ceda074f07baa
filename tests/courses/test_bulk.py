"""Rows in bulk: pending rows are sent before any other statement, and errors of the server do not quote rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from courses import bulk
from courses.bulk import FLUSH, CopyTable, sending_ahead

ROWS = 3 * FLUSH // 100


@pytest.fixture
def probe(transactional_db: None) -> Iterator[CopyTable]:
    """A table of numbers and texts."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE probe (id bigint, said text)")
    yield CopyTable("probe", ("id", "said"))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE probe")


def counted() -> int:
    """How many rows the server has, asked on the same connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM probe")
        return int(cursor.fetchone()[0])


def refused(table: CopyTable, *, rows: int = 0, error: Exception | None = None) -> None:
    """Sends a row that does not fit, then others, and may fail by itself."""
    with transaction.atomic(), sending_ahead():
        table.add(["no number", "secret"])
        table.flush()
        fill(table, rows)
        if error is not None:
            raise error


def refused_among_others(table: CopyTable) -> None:
    """Sends a row that does not fit, and blocks behind it, all before anything waits."""
    with transaction.atomic(), sending_ahead():
        table.add(["no number", ""])
        table.flush()
        for _ in range(bulk.AHEAD - 1):
            fill(table, 1)
            table.flush()
        counted()


def fill(table: CopyTable, rows: int) -> None:
    for number in range(rows):
        table.add([str(number), "x" * 100])


def test_a_question_is_answered_when_the_rows_on_their_way_have_arrived(probe: CopyTable) -> None:
    with transaction.atomic(), sending_ahead():
        fill(probe, ROWS)
        assert 0 < counted() < ROWS
        probe.flush()
        assert counted() == ROWS
    assert counted() == ROWS


def test_all_has_arrived_when_the_transaction_ends(probe: CopyTable) -> None:
    with transaction.atomic(), sending_ahead():
        fill(probe, ROWS)
        probe.flush()
    assert counted() == ROWS


@pytest.mark.parametrize("after", [0, ROWS])
def test_the_error_of_a_row_that_the_server_refuses_does_not_quote_the_row(
    probe: CopyTable, after: int
) -> None:
    with pytest.raises(DataError) as caught:
        refused(probe, rows=after)
    assert "secret" not in str(caught.value)
    assert counted() == 0


def test_the_first_of_two_errors_is_raised_though_more_was_on_its_way(probe: CopyTable) -> None:
    with pytest.raises(DataError):
        refused_among_others(probe)
    assert counted() == 0


def test_an_error_in_between_is_not_hidden_by_what_the_server_says(probe: CopyTable) -> None:
    with pytest.raises(OSError, match="full"):
        refused(probe, error=OSError("The disk is full."))
    assert counted() == 0


@pytest.fixture
def parent(probe: CopyTable) -> Iterator[CopyTable]:
    """A table of numbers to which the numbers of `probe` refer."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parent (id bigint PRIMARY KEY)")
        cursor.execute(
            "ALTER TABLE probe ADD CONSTRAINT of_parent FOREIGN KEY (id) REFERENCES parent DEFERRABLE INITIALLY DEFERRED"
        )
    yield CopyTable("parent", ("id",))
    bulk._foreign_keys.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE parent CASCADE")


def test_what_rows_refer_to_is_sent_before_them_and_checked_when_they_arrive(
    probe: CopyTable, parent: CopyTable
) -> None:
    probe.before.append(parent)
    with transaction.atomic(), sending_ahead():
        bulk.check_on_arrival(["probe"])
        parent.add(["1"])
        probe.add(["1", ""])
        probe.flush()
        assert counted() == 1
        probe.add(["2", ""])
        probe.flush()
        with pytest.raises(IntegrityError):
            counted()
        transaction.set_rollback(True)


def test_rows_that_were_sent_are_checked_and_later_ones_may_still_come_before_what_they_refer_to(
    probe: CopyTable, parent: CopyTable
) -> None:
    keys = [("probe", "parent")]
    with transaction.atomic(), sending_ahead():
        for number in ("1", "2"):
            probe.add([number, ""])
            probe.flush()
            parent.add([number])
            parent.flush()
            bulk.check_what_was_sent(keys)
        assert counted() == 2
        probe.add(["3", ""])
        probe.flush()
        bulk.check_what_was_sent(keys)
        with pytest.raises(IntegrityError):
            counted()
        transaction.set_rollback(True)
