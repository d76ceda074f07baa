"""Rendering: a query says which column of its rows is what, and inline records are in their parent's row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backup.render import XML_COLUMN, Batch, Query, queries
from courses import structure
from courses.fields import Rendering
from courses.models import Course
from courses.models.completion import CompletionCriterion, CriterionCompletion


def query(**changes: object) -> Query:
    """A query with two references and two lists, and inline records."""
    plain = Query(
        structure.element(CompletionCriterion),
        sql="",
        body=(),
        references=("user", "role"),
        lists=("user", "scale"),
        inline=True,
        close="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


ROWS = [
    (7, 11, b"<a/>", None, 31, None, b"31,32", None, 3),
    (7, 12, b"<b/>", b"<own/>", 32, 5, None, b"9", 2),
]


def test_the_columns_of_rows_have_names() -> None:
    assert query().batch(ROWS) == Batch(
        parent_ids=(7, 7),
        record_ids=(11, 12),
        xml=(b"<a/>", b"<b/>"),
        opaque=(None, b"<own/>"),
        references=(("user", (31, 32)), ("role", (None, 5))),
        lists=(("user", (b"31,32", None)), ("scale", (None, b"9"))),
        counts=(3, 2),
    )
    assert ROWS[0][XML_COLUMN] == b"<a/>"


def test_a_row_without_inline_records_is_one_record_and_has_no_lists() -> None:
    batch = query(lists=(), inline=False).batch([row[:6] for row in ROWS])
    assert batch.counts is None
    assert batch.lists == ()
    assert batch.references == (("user", (31, 32)), ("role", (None, 5)))


def test_no_rows_are_an_empty_batch() -> None:
    assert query().batch([]) == Batch()


def compiled(opaque: frozenset[str] = frozenset()) -> dict[type, Query]:
    """The queries of `completion.xml`, by the model of their records."""
    found = queries(
        structure.elements_in(Course, "completion.xml"),
        owner=structure.element(Course),
        rendering=Rendering(),
        opaque=opaque,
    )
    return {one.element.model: one for one in found}


def test_a_query_ends_its_records_itself_unless_something_follows_in_them() -> None:
    plain = compiled()
    assert plain[CompletionCriterion].close
    assert plain[CriterionCompletion].close == ""
    item_type = structure.item_type_of(CriterionCompletion)
    assert compiled(frozenset({item_type}))[CriterionCompletion].close


def test_inline_records_are_columns_of_the_row_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = replace(CriterionCompletion.archive_meta, inline=True)
    monkeypatch.setattr(CriterionCompletion, "archive_meta", meta)
    found = compiled()
    assert CriterionCompletion not in found
    assert found[CompletionCriterion].inline
    assert found[CompletionCriterion].lists == ("user",)
