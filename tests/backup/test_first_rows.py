"""The first rows of several queries come in one request, each with the columns of its own query."""

from __future__ import annotations

import pytest

from backup import first_rows
from backup.first_rows import FirstRows
from backup.render import Batch, Query
from courses import cursors, structure
from courses.models.completion import CourseCompletion


def query(sql: str, *, references: int = 0, lists: int = 0, inline: bool = False) -> Query:
    """A query of this SQL, with so many references and lists."""
    return Query(
        structure.element(CourseCompletion),
        sql,
        body=(),
        references=("user",) * references,
        lists=("scale",) * lists,
        inline=inline,
        close="",
    )


PLAIN = query("SELECT 1, n, '<a/>'::text, NULL FROM generate_series(1, 3) n ORDER BY n DESC")
WIDE = query(
    "SELECT 0, 9::bigint, '<b/>'::text, 'own', 4, NULL::bigint, '5,6', 7", references=2, lists=1, inline=True
)
OF_IDS = query(
    "SELECT 1, n, '<a/>'::text, NULL FROM generate_series(0, 9) n WHERE n = ANY(%(all)s) ORDER BY n"
)
NONE = query("SELECT 1, 2, '', NULL, 3 WHERE false", references=1)


def test_each_query_has_its_own_columns_in_its_own_order(transactional_db: None) -> None:
    with cursors.snapshot():
        rows = FirstRows((NONE, PLAIN, WIDE), {})
        assert rows.take(0) == (Batch(), True)
        assert rows.take(1) == (Batch((1, 1, 1), (3, 2, 1), (b"<a/>",) * 3, (None,) * 3), True)
        wide, _ = rows.take(2)
        assert wide == Batch(
            (0,),
            (9,),
            (b"<b/>",),
            (b"own",),
            references=(("user", (4,)), ("user", (None,))),
            lists=(("scale", (b"5,6",)),),
            counts=(7,),
        )


@pytest.mark.parametrize(("most", "are_all"), [(3, False), (4, True)])
def test_as_many_rows_as_are_read_may_not_be_all(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, most: int, are_all: bool
) -> None:
    monkeypatch.setattr(first_rows, "FIRST", most)
    with cursors.snapshot():
        rows = FirstRows((PLAIN,), {})
        batch, all_of_them = rows.take(0)
        assert len(batch.xml) == 3
        assert all_of_them == are_all


def test_nothing_is_read_together_if_the_request_had_too_many_ids(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "MOST_IDS", 3)
    with cursors.snapshot():
        few, many = (FirstRows((OF_IDS,), {"all": list(range(count))}) for count in (3, 4))
        assert few.take(0)[0].record_ids == (0, 1, 2)
        assert many.take(0) == (Batch(), False)
