"""The walk through a growing tree: whatever the blocks are, records come in the order of the document, and none is lost."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from archive import xml
from courses import structure
from courses.activities.forum import Forum, ForumDiscussion, ForumPost, ForumSubscription
from courses.bulk import CopyTable
from courses.fields import Reading
from courses.models import Group, Grouping, GroupMember, OpaqueElement
from courses.structure import Wrapper
from restore.ids import IdMap
from restore.loader import Loader, Top
from restore.readers import Reader
from restore.walk import Walk

FORUM, DISCUSSION, POST, OPAQUE = (
    model._meta.db_table for model in (Forum, ForumDiscussion, ForumPost, OpaqueElement)
)

DISCUSSIONS = "".join(f'<discussion id="{number}"/>' for number in range(3000))

OPAQUE_ELEMENTS = st.sampled_from(
    ["", "<extra>1</extra>", "<own><post id='9'/></own>", "<extra><posts/></extra>", "<extra/><extra/>"]
)


class Post(NamedTuple):
    """A post to write: its subject, an opaque element before and behind it in its list, and one in it."""

    subject: str
    before: str
    inside: str
    behind: str


class Discussion(NamedTuple):
    """A discussion to write: its posts, and an opaque element in it."""

    posts: list[Post]
    inside: str


POSTS = st.builds(
    Post, st.sampled_from(["a", "&amp;", "b c"]), OPAQUE_ELEMENTS, OPAQUE_ELEMENTS, OPAQUE_ELEMENTS
)
FORUMS = st.lists(st.builds(Discussion, st.lists(POSTS, max_size=5), OPAQUE_ELEMENTS), max_size=4)


def document(forums: list[list[Discussion]]) -> str:
    """The XML of forums; the ids of all discussions and of all posts count from 1."""
    posts, discussions = count(1), count(1)

    def post(one: Post) -> str:
        number = next(posts)
        return (
            f'{one.before}<post id="{number}"><subject>{one.subject}</subject>{one.inside}</post>{one.behind}'
        )

    def discussion(one: Discussion) -> str:
        number = next(discussions)
        listed = "\n".join(map(post, one.posts))
        return f'<discussion id="{number}">{one.inside}<posts>\n{listed}</posts><name>D</name></discussion>'

    written = [
        f'<forum id="{number}"><discussions>{"".join(map(discussion, forum))}</discussions><name>F</name></forum>'
        for number, forum in enumerate(forums, 1)
    ]
    return f"<activity>{''.join(written)}<beside/></activity>"


def expected(forums: list[list[Discussion]]) -> Iterator[tuple[str, str]]:
    """The tables and the new ids of the records, in the order in which they end."""
    posts, discussions = count(1), count(1)
    for number, forum in enumerate(forums, 1):
        for discussion in forum:
            yield from ((POST, str(7000 + next(posts))) for _ in discussion.posts)
            yield DISCUSSION, str(7000 + next(discussions))
        yield FORUM, str(7000 + number)


class Noting(Loader):
    """A loader that notes what starts, with its position, and what it is asked to keep."""

    def __init__(self, **options: Any) -> None:
        kinds = {"forum", "forum_discussion", "forum_post"}
        ids = IdMap(lambda counts: dict.fromkeys(counts, 7000), numbered=kinds)
        ids.give("user", {})
        self.kept: list[str] = []
        self.started: list[tuple[int, str, str]] = []
        super().__init__(ids, reading=Reading(ids), course=2, preserve=self.preserved, people=True, **options)

    def preserved(self, element: etree._Element, people: bool) -> str:
        self.kept.append(etree.tostring(element, with_tail=False).decode())
        return self.kept[-1]

    def new_id(self, reader: Reader, node: etree._Element, member: str) -> str:
        self.started.append((self.position, node.tag, node.get("id", "")))
        return super().new_id(reader, node, member)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The rows that were written, each with its table."""
    found: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        CopyTable, "add_line", lambda table, line: found.append((table.name, line.split("\t")))
    )
    return found


def load(into: Loader, text: str, *, block: int, **options: Any) -> int:
    """Load a member block by block; returns the number of records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml, "CHUNK", block)
        of_a_forum = {
            "elements": (structure.element(Forum),),
            "root": ("activity",),
            "top": Top("activity:forum.xml", 31),
        }
        return sum(into.load(io.BytesIO(text.encode()), member="x.xml", **{**of_a_forum, **options}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FORUMS, max_size=2), st.integers(1, 400))
def test_records_end_in_the_order_of_the_document_whatever_the_blocks_are(
    written: list[tuple[str, list[str]]], forums: list[list[Discussion]], block: int
) -> None:
    written.clear()
    text, records = document(forums), list(expected(forums))
    assert load(Noting(), text, block=block) == len(records)
    rows = [(table, row) for table, row in written if table != OPAQUE]
    assert [table for table, _ in rows] == [table for table, _ in records]
    assert all(number in row for (_, row), (_, number) in zip(rows, records, strict=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FORUMS, max_size=2), st.integers(1, 400))
def test_what_no_model_describes_is_kept_once_whatever_the_blocks_are(
    written: list[tuple[str, list[str]]], forums: list[list[Discussion]], block: int
) -> None:
    written.clear()
    text = document(forums)
    whole, pieces = Noting(), Noting()
    load(whole, text, block=len(text) + 1)
    rows = sorted(written)
    written.clear()
    load(pieces, text, block=block)
    assert sorted(written) == rows
    assert pieces.kept == whole.kept
    one_by_one = "".join(whole.kept)
    for mark in ("<extra>1</extra>", "<own>"):
        assert one_by_one.count(mark) == text.count(mark)


@given(FORUMS, FORUMS, st.integers(1, 400), st.booleans())
def test_the_position_of_a_record_does_not_depend_on_what_is_restored_before_it(
    first: list[Discussion], second: list[Discussion], block: int, here: bool
) -> None:
    text = document([first, second])
    all_of_it, some = Noting(), Noting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CopyTable, "add_line", lambda table, line: None)
        load(all_of_it, text, block=block)
        load(some, text, block=block, wanted=lambda element, old: True if old == 2 else not here and None)
    assert [position for position, _, _ in all_of_it.started] == list(range(1, len(all_of_it.started) + 1))
    assert some.started == all_of_it.started[len(all_of_it.started) - len(some.started) :]
    assert len(some.started) == 1 + len(second) + sum(len(one.posts) for one in second)


@pytest.mark.parametrize("block", [15, 1000])
def test_of_a_record_that_is_here_only_those_inside_with_a_natural_key_are_restored(
    written: list[tuple[str, list[str]]], block: int
) -> None:
    text = document([[Discussion([Post("a", "", "", "")], "")]])
    forum = Noting()
    assert load(forum, text, block=block, same={1: 88}) == 3
    assert (forum.already_here, forum.records) == (3, 0)
    assert written == [(OPAQUE, ["2", "activity:forum.xml", "31", "<beside/>"])]
    written.clear()
    text = (
        '<groups><group id="1"><name>A</name><group_members><group_member id="5"><timeadded>9</timeadded></group_member>'
        '<group_member id="6"><timeadded>8</timeadded></group_member></group_members></group></groups>'
    )
    group = Noting()
    body = (structure.element(Group),)
    assert load(group, text, block=block, elements=body, root=("groups",), top=None, same={1: 88, 3: 99}) == 3
    assert (group.already_here, group.records) == (2, 1)
    assert [(table, "9" in row, "88" in row) for table, row in written] == [
        (GroupMember._meta.db_table, True, True)
    ]


@pytest.mark.parametrize("block", [15, 1000])
@pytest.mark.parametrize("turned", [False, True])
def test_records_in_two_lists_of_a_record_come_in_the_order_of_the_document(
    written: list[tuple[str, list[str]]], turned: bool, block: int
) -> None:
    lists = [
        '<discussions><discussion id="1"><name>D</name></discussion></discussions>',
        '<subscriptions><subscription id="1"><userid>0</userid></subscription></subscriptions>',
    ]
    listed = "".join(reversed(lists) if turned else lists)
    load(
        Noting(), f'<activity><forum id="1">{listed}<name>F</name></forum></activity>', block=block, top=None
    )
    tables = [DISCUSSION, ForumSubscription._meta.db_table]
    assert [table for table, _ in written] == [*(reversed(tables) if turned else tables), FORUM]


OF_GROUPS = {
    "elements": (structure.element(Group), Wrapper("groupings", (structure.element(Grouping),))),
    "root": ("groups",),
}


@pytest.mark.parametrize(
    ("start", "end", "options"),
    [
        (
            f'<activity><forum id="1">{"<x/>" * 3000}<discussions>{DISCUSSIONS}',
            "</discussions></forum></activity>",
            {},
        ),
        (
            f'<activity><forum id="1"><discussions><discussion id="1">{"<posts/>" * 3000}',
            "</discussion></discussions></forum></activity>",
            {},
        ),
        (f"<groups>{'<groupings/>' * 3000}", "</groups>", OF_GROUPS),
    ],
    ids=["opaque elements before records", "empty lists", "empty lists beside records"],
)
def test_what_was_looked_at_is_not_looked_at_again_with_each_block(
    monkeypatch: pytest.MonkeyPatch, start: str, end: str, options: dict[str, Any]
) -> None:
    looked = 0

    def counting(function: Any) -> Any:
        def counted(one: Any, first: Any, *rest: Any, **named: Any) -> Any:
            nonlocal looked
            looked += len(first) if isinstance(first, list) else 1
            return function(one, first, *rest, **named)

        return counted

    monkeypatch.setattr(CopyTable, "add_line", lambda table, line: None)
    monkeypatch.setattr(Walk, "_take", counting(Walk._take))
    monkeypatch.setattr(Loader, "_store_rest", counting(Loader._store_rest))
    load(Noting(), f"{start}{end}", block=200, top=None, **options)
    assert 3000 < looked < 13_000


def test_no_record_that_was_removed_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also none that was open before, and had records in it."""

    class Watched(Walk):
        def read(self, root: etree._Element, *, ended: bool) -> None:
            super().read(root, ended=ended)
            assert ended or all(root in one.iterancestors() for one in self._last)

    deep = [Discussion([Post("a", "", "", "")] * 30, ""), *[Discussion([], "")] * 30]
    monkeypatch.setattr("restore.loader.Walk", Watched)
    monkeypatch.setattr(CopyTable, "add_line", lambda table, line: None)
    assert load(Noting(), document([deep, [], deep]), block=100) == 3 + 2 * (31 + 30)


def test_a_tree_holds_a_block_and_what_is_open() -> None:
    """Also while a discussion of 20,000 posts goes on."""
    text = document([[Discussion([Post("a", "", "", "")] * 20_000, "")]])
    held: list[int] = []

    class Counting(Noting):
        def new_id(self, reader: Reader, node: etree._Element, member: str) -> str:
            held.append(len(list(node.itersiblings(preceding=True))))
            return super().new_id(reader, node, member)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CopyTable, "add_line", lambda table, line: None)
        assert load(Counting(), text, block=4096) == 20_002
    assert max(held) < 200
