"""Weaving in batches: however rows are cut into batches, each record stands in its parent, whole and once."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from backup.output import Output
from backup.render import Query, queries
from backup.weave import OpaqueXml, References, Weaver
from courses import bulk, structure
from courses.activities.forum import Forum, ForumDiscussion, ForumPost, ForumRating
from courses.fields import Rendering
from courses.structure import Element, Wrapper

FORUM = 7
Tree = dict[int, dict[int, list[int]]]
"""Numbers of ratings in posts in discussions, by ids."""


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A forum; the ids of posts of one discussion lie between those of others."""
    posts = iter(draw(st.permutations(range(1, 13))))
    found: Tree = {}
    rating = iter(range(1, 1000))
    for discussion in range(1, draw(st.integers(0, 4)) + 1):
        own = sorted(next(posts) for _ in range(draw(st.integers(0, 3))))
        found[discussion] = {
            post: [next(rating) for _ in range(draw(st.sampled_from((0, 0, 1, 2, 7))))] for post in own
        }
    return found


def rows_of(tree: Tree, element: Element) -> list[tuple[int, int]]:
    """The rows of an element's query as pairs of ids: the parent's and its own, in the order of the query."""
    if element.model is Forum:
        return [(FORUM, FORUM)]
    if element.model is ForumDiscussion:
        return [(FORUM, one) for one in tree]
    if element.model is ForumPost:
        return [(one, post) for one, posts in tree.items() for post in posts]
    if element.model is ForumRating:
        return [(post, one) for posts in tree.values() for post, ratings in posts.items() for one in ratings]
    return []


def cut(rows: list[Any], sizes: Iterator[int]) -> Iterator[list[Any]]:
    """Rows in batches of these sizes."""
    while rows:
        size = next(sizes)
        yield rows[:size]
        rows = rows[size:]


def row(query: Query, parent: int, number: int) -> tuple[Any, ...]:
    """A row of a query; every third record has opaque elements if the query has such records."""
    opaque = f"<own{number}/>".encode() if query.close and number % 3 == 0 else None
    xml = f"<{query.element.tag}{number}>".encode()
    others = [None] * (len(query.references) + len(query.lists))
    return (parent, number, xml, opaque, *others, *([1] if query.inline else []))


def one_by_one(compiled: dict[int, Query], tree: Tree, node: Wrapper | Element, parent: int) -> str:
    """What stands in a parent: every record looked for among all rows, without batches."""
    if isinstance(node, Wrapper):
        inside = "".join(one_by_one(compiled, tree, one, parent) for one in node.body)
        there = any(above == parent for one in node.elements() for above, _ in rows_of(tree, one))
        return f"<{node.tag}>{inside}</{node.tag}>" if there or not node.sparse else ""
    query, text = compiled[id(node)], ""
    for above, number in rows_of(tree, node):
        if above == parent:
            _, _, xml, opaque, *_ = row(query, above, number)
            text += xml.decode() + (opaque.decode() if opaque else "")
            text += "".join(one_by_one(compiled, tree, one, number) for one in query.body)
            text += query.close.strip()
    return text


def compiled_queries() -> list[Query]:
    """The queries of a forum's member."""
    body = (structure.element(Forum),)
    return list(queries(body, owner=None, rendering=Rendering(), opaque=frozenset()))


def as_leaves(text: str, references: References, people: bool) -> OpaqueXml:
    """Stored elements as they are."""
    return OpaqueXml(leaves=text)


@settings(deadline=None)
@given(trees(), st.lists(st.integers(1, 4), min_size=1))
def test_however_rows_are_cut_into_batches_records_stand_in_their_parents(
    tree: Tree, sizes: list[int]
) -> None:
    compiled = compiled_queries()
    element_of = {query.sql: query for query in compiled}

    def stream(sql: str, *_: object, **__: object) -> Iterator[list[tuple[Any, ...]]]:
        query = element_of[sql]
        rows = [row(query, parent, number) for parent, number in rows_of(tree, query.element)]
        return cut(rows, iter(sizes * 1000))

    body = (structure.element(Forum),)
    sent = io.BytesIO()
    output = Output(sent, root="http://site.example")
    with (
        patch.object(bulk, "stream", stream),
        Weaver(compiled, body=body, parameters={}, opaque=as_leaves) as weaver,
    ):
        for _ in weaver.write(FORUM, output, defaultdict(set), people=True):
            pass
    output.flush()
    by_element = {id(query.element): query for query in compiled}
    expected = one_by_one(by_element, tree, body[0], FORUM)
    assert "".join(sent.getvalue().decode().split()) == "".join(expected.split())
    assert weaver.records == 1 + len(tree) + sum(
        len(posts) + sum(map(len, posts.values())) for posts in tree.values()
    )
