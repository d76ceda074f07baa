"""Rendering: a query says which column of its rows is what, and inline records are in their parent's row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from backup import anonymise
from backup.expressions import CAST_COLUMN
from backup.render import XML_COLUMN, Batch, Query, queries
from courses import services, structure
from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.fields import ArchiveField, Rendering
from courses.models import Course
from courses.models.completion import CompletionCriterion, CriterionCompletion
from demo.samples.course import make_sample


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


def rows_read(plan: dict[str, Any], table: str) -> Iterator[int]:
    """The numbers of rows of a table that the nodes of an executed plan read."""
    if plan.get("Relation Name") == table:
        yield round(plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)))
    for inner in plan.get("Plans", ()):
        yield from rows_read(inner, table)


@pytest.mark.django_db
def test_the_first_row_of_nested_records_is_there_before_all_of_them_are_sorted() -> None:
    make_sample("XS", seed=1)
    forum = Forum.objects.earliest("pk")
    discussions = ForumDiscussion.objects.bulk_create(ForumDiscussion(forum=forum) for _ in range(40))
    ForumPost.objects.bulk_create(ForumPost(discussion=one) for one in discussions * 50)
    found = queries(
        (structure.element(Forum),), owner=None, rendering=Rendering(), opaque=frozenset(), depth=0
    )
    posts = next(one for one in found if one.element.model is ForumPost)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM ({posts.sql}) rows LIMIT 1",
            {"all": [forum.pk], "people": [forum.pk], "skip": 0},
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert 0 < sum(rows_read(plan, ForumPost._meta.db_table)) < 40 * 50 / 10


def test_the_server_plans_the_joins_of_what_people_did_not_make() -> None:
    found = queries(
        structure.elements_in(Course, "questions.xml"),
        owner=structure.element(Course),
        rendering=Rendering(),
        opaque=frozenset(),
    )
    row_by_row = {one.element.model for one in found if " LATERAL (SELECT * " in one.sql}
    assert all(model.archive_meta.userdata for model in row_by_row)


@pytest.mark.django_db
def test_the_rows_inside_a_record_are_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.relname, a.attname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]"
        )
        indexed = {*cursor.fetchall()}
    inside = {
        (one.table, one.column)
        for top, _ in services.tops()
        for one in top.walk()
        if one is not top and one.column
    }
    assert inside
    assert inside <= indexed


def test_only_columns_of_numbers_stand_in_the_xml_without_a_cast() -> None:
    renderings = [
        anonymise.rendering(people=people, anonymize=hidden)
        for people in (True, False)
        for hidden in (True, False)
    ]
    bare = {
        str(one.db_type(connection)).partition("(")[0]
        for model in structure.archived_models()
        for one in model._meta.concrete_fields
        for rendering in renderings
        if isinstance(one, ArchiveField) and CAST_COLUMN.match(one.sql(f't0."{one.column}"', rendering))
    }
    assert "bigint" in bare
    assert bare <= {"bigint", "integer", "smallint", "numeric", "double precision"}
