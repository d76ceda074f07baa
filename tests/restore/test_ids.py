"""IdMap: new ids keep the order of the old ones, nobody gets two, and what never came is known."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice, pairwise
from typing import Any

import pytest
from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from courses import bulk
from courses.bulk import RESERVING, CopyTable, reserve, reserve_ahead, reserve_all, sending_ahead
from courses.locks import lock_until_commit
from courses.models import Activity, Context
from restore.ids import BLOCK, IdMap

OLD = st.integers(0, 5 * BLOCK)
FAR = st.integers(0, 60 * BLOCK)
KIND = st.sampled_from(["post", "file"])


class Sequences:
    """One sequence for each kind, as in the database; notes how often it was asked."""

    def __init__(self) -> None:
        self.next: dict[str, int] = defaultdict(lambda: 70_000)
        self.asked = 0

    def __call__(self, counts: Mapping[str, int]) -> Mapping[str, int]:
        firsts = {kind: self.next[kind] for kind in counts}
        for kind, count in counts.items():
            self.next[kind] += count
        self.asked += 1
        return firsts


def fresh(*, ahead: bool = False) -> IdMap:
    sequences = Sequences()
    return IdMap(sequences, numbered={"post", "file"}, ahead=partial(partial, sequences) if ahead else None)


@given(st.lists(OLD, unique=True))
def test_ids_of_one_block_keep_their_order(olds: list[int]) -> None:
    ids = fresh()
    news = {old: arrived for old in olds if (arrived := ids.arrive("post", old)) is not None}
    assert len(news) == len(olds)
    for one in olds:
        for other in olds:
            if one < other and one // BLOCK == other // BLOCK:
                assert news[other] - news[one] == other - one


@given(st.lists(st.tuples(KIND, FAR), unique=True), st.booleans())
def test_no_two_records_of_a_kind_get_the_same_id(records: list[tuple[str, int]], ahead: bool) -> None:
    ids = fresh(ahead=ahead)
    news = [(kind, ids.arrive(kind, old)) for kind, old in records]
    assert len(set(news)) == len(news)
    assert None not in {new for _, new in news}


@given(st.lists(st.tuples(st.booleans(), KIND, OLD)))
def test_whoever_mentions_a_record_first_or_last_it_has_one_id(events: list[tuple[bool, str, int]]) -> None:
    ids = fresh()
    known: dict[tuple[str, int], int | None] = {}
    came: set[tuple[str, int]] = set()
    for arrives, kind, old in events:
        if arrives and (kind, old) in came:
            assert ids.arrive(kind, old) is None
            continue
        new = ids.arrive(kind, old) if arrives else ids.mention(kind, old)
        assert known.setdefault((kind, old), new) == new
        came |= {(kind, old)} if arrives else set()
        assert ids.known(kind, old) == (new if (kind, old) in came else None)
    lost = {(kind, old) for kind, olds in ids.missing().items() for old in olds}
    assert lost == known.keys() - came


@given(st.lists(OLD, unique=True))
def test_missing_ids_are_in_ascending_order(olds: list[int]) -> None:
    ids = fresh()
    for old in olds:
        ids.mention("post", old)
    assert ids.missing() == ({"post": sorted(olds)} if olds else {})


def test_a_block_is_reserved_once_for_a_thousand_neighbours() -> None:
    sequences = Sequences()
    ids = IdMap(sequences, numbered={"post"})
    for old in range(BLOCK, 2 * BLOCK):
        ids.mention("post", old)
    assert sequences.asked == 1
    ids.mention("post", 2 * BLOCK)
    ids.mention("post", BLOCK - 1)
    assert sequences.asked == 2


def test_the_first_ids_of_all_expected_kinds_are_reserved_together() -> None:
    sequences = Sequences()
    ids = IdMap(sequences, numbered={"post", "file", "group"}, expected={"post", "file"})
    assert sequences.asked == 0
    new = [ids.mention(kind, 1) for kind in ("file", "post")]
    assert sequences.asked == 1
    assert new == [70_001, 70_001]
    assert ids.mention("group", 1) == 70_001
    assert sequences.asked == 2
    assert sequences.next["post"] == 70_000 + BLOCK


def test_a_kind_that_was_expected_and_never_came_has_no_new_ids() -> None:
    ids = IdMap(Sequences(), numbered={"post", "file"}, expected={"post", "file"})
    ids.mention("file", 1)
    assert (ids.first_new("file"), ids.first_new("post")) == (70_000, None)


def test_of_a_kind_that_needs_many_ids_more_are_reserved_at_a_time() -> None:
    sequences = Sequences()
    ids = IdMap(sequences, numbered={"post"})
    new = [ids.mention("post", number * BLOCK) for number in range(100)]
    assert len(set(new)) == 100
    assert sequences.asked < 10


def test_of_a_kind_that_needs_many_ids_the_next_are_asked_for_before_they_are_needed() -> None:
    sequences = Sequences()
    begun: list[int] = []
    waited: list[int] = []

    def ahead(counts: Mapping[str, int]) -> Callable[[], Mapping[str, int]]:
        begun.append(counts["post"])
        firsts = sequences(counts)

        def wait() -> Mapping[str, int]:
            waited.append(counts["post"])
            return firsts

        return wait

    ids = IdMap(sequences, numbered={"post"}, ahead=ahead)
    new = [ids.mention("post", number * BLOCK) for number in range(4)]
    assert (begun, sequences.asked) == ([16 * BLOCK], 3), "one block, four, and sixteen in advance"
    assert waited == []
    new += [ids.mention("post", number * BLOCK) for number in range(4, 100)]
    assert len(set(new)) == 100
    assert waited == begun == [16 * BLOCK, 32 * BLOCK, 32 * BLOCK, 32 * BLOCK]
    ids.mention("post", 110 * BLOCK)
    assert sequences.asked == 6


def test_what_was_given_goes_before_all_else() -> None:
    ids = fresh()
    ids.give("post", {5: 9, 6: None})
    assert (ids.mention("post", 5), ids.arrive("post", 5), ids.known("post", 5)) == (9, 9, 9)
    assert (ids.mention("post", 6), ids.arrive("post", 6), ids.known("post", 6)) == (None, None, None)
    assert ids.arrive("post", 7) == ids.mention("post", 7) == 70_007
    assert ids.missing() == {}


def test_of_a_kind_that_is_only_given_nothing_else_is_anybody() -> None:
    ids = fresh()
    ids.give("user", {})
    assert ids.mention("user", 2) is None
    ids.give("user", {2: 31})
    ids.give("user", {3: 32})
    assert [ids.mention("user", old) for old in (2, 3, 4)] == [31, 32, None]


def test_an_id_of_a_kind_that_is_not_described_stays() -> None:
    ids = fresh()
    assert ids.mention("competency", 7) == 7
    assert ids.known("competency", 7) is None
    assert ids.missing() == {}


def test_only_the_first_one_can_claim_an_id_and_none_that_was_given_before() -> None:
    ids = fresh()
    ids.give("file", {1: 900})
    assert ids.claim("file", 1) is None
    first = ids.claim("file", 2)
    assert first is not None
    assert ids.claim("file", 2) is None
    assert ids.mention("file", 2) == first


def test_a_claim_is_what_was_mentioned_before() -> None:
    ids = fresh()
    mentioned = ids.mention("post", 12)
    assert ids.claim("post", 12) == mentioned
    assert ids.missing() == {}


def test_an_id_as_large_as_the_database_can_hold_is_mapped() -> None:
    ids = fresh()
    assert ids.arrive("post", 2**63 - 1) == 70_000 + BLOCK - 1


def test_records_without_an_id_get_fresh_ones_that_no_other_has() -> None:
    ids = fresh()
    numbers = list(islice(ids.fresh("post"), BLOCK + 5))
    others = [ids.arrive("post", old) for old in range(20)]
    assert len({*numbers, *others}) == len(numbers) + len(others)


@pytest.mark.django_db
def test_models_of_one_sequence_get_ids_that_no_other_has_in_one_query() -> None:
    wanted: list[tuple[type[Model], int]] = [(Context, 300), (Activity, 7), (Context, 5), (Activity, 300)]
    with CaptureQueriesContext(connection) as asked:
        firsts = reserve_all(wanted)
    assert len([query for query in asked.captured_queries if "nextval" in query["sql"]]) == 1
    for model in (Context, Activity):
        blocks = [
            range(first, first + count)
            for first, (of, count) in zip(firsts, wanted, strict=True)
            if of is model
        ]
        assert len({number for block in blocks for number in block}) == sum(map(len, blocks))


@pytest.mark.django_db(transaction=True)
def test_only_what_another_session_came_between_is_reserved_again() -> None:
    asked: list[list[int]] = []

    def disturbed(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if RESERVING not in sql:
            return execute(sql, parameters, many, context)
        *before, positions, tables, keys, counts = parameters
        asked.append(positions)
        if len(asked) == 1:
            # As if another session had taken an id of the first in the middle.
            counts = [counts[0] - 1, *counts[1:]]
        return execute(sql, [*before, positions, tables, keys, counts], many, context)

    with connection.execute_wrapper(disturbed):
        firsts = reserve_all([(Context, 16), (Activity, 16)])
    assert asked == [[0, 1], [0]]
    assert len(firsts) == 2


@pytest.mark.django_db
def test_the_last_attempt_to_reserve_ids_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ATTEMPTS", 1)
    assert reserve(Context, 1) > 0


@pytest.mark.django_db(transaction=True)
def test_ids_follow_one_another_also_while_others_take_from_the_same_sequence() -> None:
    ended = threading.Event()
    taken: list[int] = []

    def take() -> None:
        with connection.cursor() as cursor:
            while not ended.is_set():
                cursor.execute("SELECT nextval(pg_get_serial_sequence('courses_context', 'id'))")
                taken.append(cursor.fetchone()[0])
        connection.close()

    other = threading.Thread(target=take)
    other.start()
    try:
        while not taken:
            time.sleep(0.001)
        firsts = [reserve(Context, 16) for _ in range(60)]
    finally:
        ended.set()
        other.join()
    own = {first + index for first in firsts for index in range(16)}
    assert taken
    assert len(own) == 60 * 16
    assert own.isdisjoint(taken)


@pytest.mark.django_db(transaction=True)
def test_restores_at_the_same_time_reserve_their_ids_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "ATTEMPTS", 1)
    wanted: list[tuple[type[Model], int]] = [(Context, 2_000), (Activity, 2_000)]
    begin = threading.Barrier(3)

    def restore() -> list[list[int]]:
        try:
            begin.wait()
            with transaction.atomic():
                return [reserve_all(wanted) for _ in range(20)]
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        found = [firsts for one in [threads.submit(restore) for _ in range(3)] for firsts in one.result()]
    for position in range(len(wanted)):
        taken = sorted(firsts[position] for firsts in found)
        assert all(after - before >= 2_000 for before, after in pairwise(taken))


@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_server_while_ids_are_reserved_lets_others_reserve() -> None:
    def broken(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        return execute(f"{sql}; SELECT 1 / 0" if RESERVING in sql else sql, parameters, many, context)

    with transaction.atomic():
        with pytest.raises(DataError, match="division by zero"), connection.execute_wrapper(broken):
            reserve_all([(Context, 5)])
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(reserve_and_close).result(timeout=60) > 0
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_error_of_rows_that_were_sent_is_not_hidden_by_a_reservation() -> None:
    table = CopyTable(Context._meta.db_table, ("id",))
    table.add(["no number"])
    with transaction.atomic(), sending_ahead():
        table.flush()
        with pytest.raises(DatabaseError, match="invalid input syntax"):
            reserve(Context, 5)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_ids_are_reserved_ahead_while_rows_are_on_their_way() -> None:
    table = CopyTable(Context._meta.db_table, ("id",))
    locked, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE courses_context IN ACCESS EXCLUSIVE MODE")
                locked.set()
                goes_on.wait(timeout=300)
        finally:
            connection.close()

    own = reserve(Context, 1)
    with ThreadPoolExecutor(1) as other, transaction.atomic(), sending_ahead():
        holding = other.submit(hold)
        try:
            assert locked.wait(timeout=30)
            table.add([str(own)])
            table.flush()
            firsts = reserve_ahead([(Context, 16), (Activity, 16)])
            assert not holding.done(), "the rows wait for the lock, and nobody waits for them"
        finally:
            goes_on.set()
        holding.result()
        assert len(firsts()) == 2
        assert Context.objects.filter(pk=own).exists()
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_a_reservation_that_failed_with_its_transaction_is_made_again_in_the_next() -> None:
    table = CopyTable(Context._meta.db_table, ("id",))
    table.add(["no number"])
    with transaction.atomic(), sending_ahead():
        point = transaction.savepoint()
        table.flush()
        firsts = reserve_ahead([(Context, 5)])
        with pytest.raises(DatabaseError, match="invalid input syntax"):
            Context.objects.count()
        transaction.savepoint_rollback(point)
        assert firsts()[0] > 0
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_error_of_rows_that_were_sent_is_not_hidden_by_a_reservation_ahead() -> None:
    table = CopyTable(Context._meta.db_table, ("id",))
    table.add(["no number"])
    with transaction.atomic(), sending_ahead():
        table.flush()
        firsts = reserve_ahead([(Context, 5)])
        with pytest.raises(DatabaseError, match="invalid input syntax"):
            firsts()
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_ids_that_another_session_came_between_are_reserved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_take", lambda cursor, asked: [(position, 1, 20) for position in asked[0]])
    with transaction.atomic(), sending_ahead():
        firsts = reserve_ahead([(Context, 16)])
        monkeypatch.undo()
        (first,) = firsts()
        assert first > 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('courses_context', 'id'))")
            assert cursor.fetchone()[0] == first + 16
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_outside_of_what_is_sent_ahead_ids_are_reserved_when_they_are_asked_for() -> None:
    assert reserve_ahead([(Context, 3)])()[0] > 0


@pytest.mark.django_db(transaction=True)
def test_a_process_that_stands_still_does_not_keep_others_from_reserving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "LOCK_SECONDS", 0.05)
    with transaction.atomic():
        lock_until_commit("reserve ids")
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(reserve_and_close).result(timeout=60) > 0


def reserve_and_close() -> int:
    """Reserve an id on a connection of this thread, in a transaction that goes on."""
    try:
        with transaction.atomic():
            first = reserve(Context, 1)
            return max(first, reserve(Context, 1))
    finally:
        connection.close()
