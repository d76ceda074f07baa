"""The loader: records are written when they are complete, under their parents' new ids, and nothing of a member is lost."""

from __future__ import annotations

import io
from typing import Any

import pytest
from lxml import etree

from archive.errors import InvalidValue
from courses import structure
from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.bulk import NULL, CopyTable
from courses.fields import Reading
from courses.models import OpaqueElement
from restore.ids import IdMap
from restore.loader import Loader, Top
from restore.readers import LONGEST_KEPT, MOST_KEPT, Column, Reader, Texts, _Kept

FORUM = """
<activity id="1">
  <forum id="1">
    <name>News</name>
    <discussions>
      <discussion id="4"><name>Hello</name><userid>5</userid><firstpost>9</firstpost>
        <posts>
          <post id="9"><parent>0</parent><subject>Hi</subject><message>$@FORUMVIEWBYID*3@$</message></post>
          <post id="10"><parent>9</parent><subject>Re: Hi</subject><message>x</message><extra>1</extra></post>
        </posts>
      </discussion>
      <discussion id="5"><name>Bye</name><posts><post id="11"><subject>So long</subject></post></posts></discussion>
    </discussions>
  </forum>
  <beside/>
</activity>
"""

Row = dict[str, str | None]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Row]]:
    """The rows that are sent, in their order: the table of each, and its values by column."""
    found: list[tuple[str, Row]] = []

    def add_line(table: CopyTable, line: str) -> None:
        row = [None if value == NULL else value for value in line.split("\t")]
        found.append((table.name, dict(zip(table.columns, row, strict=True))))

    monkeypatch.setattr(CopyTable, "add_line", add_line)
    return found


def loader(*, people: bool = True, **options: Any) -> Loader:
    """A loader on a site whose next free id is 7,000 for each item type; nobody is known."""
    ids = IdMap(
        lambda counts: dict.fromkeys(counts, 7000), numbered={"forum", "forum_discussion", "forum_post"}
    )
    ids.give("user", {})
    return Loader(
        ids,
        reading=Reading(ids),
        course=2,
        preserve=lambda element, people: etree.tostring(element, with_tail=False).decode(),
        people=people,
        **options,
    )


def reader_of_posts(into: Loader) -> Reader:
    """A reader of posts, for the tables of a loader."""
    return Reader(
        next(structure.element(ForumDiscussion).children()),
        fixed={},
        reading=into.reading,
        tables=into.table,
        accept=None,
        fresh=into.fresh("forum_post"),
    )


def load(into: Loader, text: str = FORUM, **options: Any) -> list[int]:
    elements = (structure.element(Forum),)
    stream = io.BytesIO(text.encode())
    return list(into.load(stream, member="forum.xml", elements=elements, root=("activity",), **options))


def of(model: Any, rows: list[tuple[str, Row]], *columns: str) -> list[tuple[str | None, ...]]:
    """Some columns of the rows of a model."""
    return [tuple(row[name] for name in columns) for table, row in rows if table == model._meta.db_table]


def test_records_are_written_when_they_end_and_belong_to_the_record_around_them(
    rows: list[tuple[str, Row]],
) -> None:
    assert load(loader()) == [6]
    assert of(ForumPost, rows, "id", "discussion_id", "subject", "parent") == [
        ("7009", "7004", "Hi", "0"),
        ("7010", "7004", "Re: Hi", "7009"),
        ("7011", "7005", "So long", "0"),
    ]
    assert of(ForumDiscussion, rows, "id", "forum_id", "firstpost") == [
        ("7004", "7001", "7009"),
        ("7005", "7001", "0"),
    ]
    assert of(Forum, rows, "id", "name") == [("7001", "News")]
    written = [table for table, _ in rows if table != OpaqueElement._meta.db_table]
    assert written == [
        model._meta.db_table
        for model in (ForumPost, ForumPost, ForumDiscussion, ForumPost, ForumDiscussion, Forum)
    ]


def test_an_element_that_no_field_describes_is_stored_for_its_record_or_for_its_member(
    rows: list[tuple[str, Row]],
) -> None:
    load(loader(), top=Top("activity:forum.xml", 31))
    assert of(OpaqueElement, rows, "item_type", "record", "xml", "course_id") == [
        ("forum_post", "7010", "<extra>1</extra>", "2"),
        ("activity:forum.xml", "31", "<beside/>", "2"),
    ]


def test_opaque_elements_of_a_member_that_is_read_before_the_course_wait_for_it(
    rows: list[tuple[str, Row]],
) -> None:
    early = loader()
    load(early, top=Top("course:course.xml"))
    assert [(name, element.tag) for name, element in early.waiting] == [("course:course.xml", "beside")]


def test_rows_with_links_are_noted_by_their_column(rows: list[tuple[str, Row]]) -> None:
    into = loader()
    load(into)
    noted = {(column.table, column.field.tag): list(ids) for column, ids in into.linked.items()}
    assert noted == {(ForumPost._meta.db_table, "message"): [7009]}


def test_userdata_is_left_out_with_all_that_is_in_it(rows: list[tuple[str, Row]]) -> None:
    assert load(loader(people=False)) == [1]
    assert {table for table, _ in rows} == {Forum._meta.db_table}


def test_a_top_record_that_is_not_wanted_is_left_out_with_all_that_is_in_it(
    rows: list[tuple[str, Row]],
) -> None:
    unwanted = loader()
    assert load(unwanted, wanted=lambda element, old: old != 1) == [6], "they are counted as here already"
    assert (unwanted.records, unwanted.already_here) == (0, 6)
    assert rows == []


def test_a_record_that_is_not_accepted_is_left_out(rows: list[tuple[str, Row]]) -> None:
    accepts = {ForumPost._meta.db_table: lambda texts, owner: texts["subject"] != "Re: Hi"}
    load(loader(accepts=accepts))
    assert of(ForumPost, rows, "subject") == [("Hi",), ("So long",)]


def test_fixed_columns_are_of_top_records_only_and_of_those_that_have_them(
    rows: list[tuple[str, Row]],
) -> None:
    load(loader(), fixed={"owner_id": "31", "no_such_column": "3"})
    assert of(Forum, rows, "owner_id") == [("31",)]
    assert all("owner_id" not in row for table, row in rows if table != Forum._meta.db_table)
    assert all("no_such_column" not in row for _, row in rows)


@pytest.mark.parametrize(
    ("change", "sentence", "where"),
    [
        (('<post id="10">', '<post id="9">'), "Two <post> have the id 9", "forum.xml, line 9"),
        (('<post id="10">', '<post id="x">'), "The id of <post> should be a number", "forum.xml, line 9"),
        (("<parent>9<", "<parent>no<"), "The value", "forum.xml, <post id=10>, <parent>"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_its_place(
    rows: list[tuple[str, Row]], change: tuple[str, str], sentence: str, where: str
) -> None:
    with pytest.raises(InvalidValue, match=sentence) as caught:
        load(loader(), FORUM.replace(*change))
    assert caught.value.where == where


def test_a_reader_has_a_named_column_for_each_field_and_appends_the_ids() -> None:
    into = loader()
    reader = reader_of_posts(into)
    assert [column.key for column in reader.columns][:2] == ["parent", "userid"]
    assert all(isinstance(column, Column) for column in reader.columns)
    assert reader.table.columns[-2:] == ("id", "discussion_id")
    assert len(reader.parse({})) == len(reader.columns)
    absent = dict(zip((column.key for column in reader.columns), reader.parse({}), strict=True))
    assert absent["subject"] == ""
    assert absent["deleted"] == NULL


def test_a_value_that_comes_again_is_looked_up_and_not_parsed_again_if_it_is_no_reference() -> None:
    into = loader()
    reader = reader_of_posts(into)
    parsed: list[str] = []

    def noting(column: Column) -> Column:
        def parse(text: str) -> str | None:
            parsed.append(column.key)
            return column.parse(text)

        return column._replace(parse=parse)

    reader.columns = [noting(column) for column in reader.columns]
    given: Texts = {"created": " 5 ", "parent": "4", "subject": "a"}
    before = reader.parse(given)
    into.ids.give("forum_post", {4: 88})
    after = reader.parse(given)
    assert parsed == ["parent", "created", "subject", "parent", "subject"]
    assert before[0] == "7004"
    assert after == ["88", *before[1:]]


def test_only_some_short_values_of_a_column_are_kept() -> None:
    asked: list[str | None] = []

    def value_of(text: str | None) -> str:
        asked.append(text)
        return "v"

    kept = _Kept(value_of)
    asked.clear()
    texts = [str(number) for number in range(2 * MOST_KEPT)] + ["x" * LONGEST_KEPT]
    for _ in range(2):
        assert {kept[text] for text in texts} == {"v"}
    assert len(kept) == MOST_KEPT
    assert asked == [*texts, *texts[MOST_KEPT - 1 :]]
