"""Weaving in batches: however rows are cut into batches, each record stands in its parent, whole and once."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.first_rows import FirstRows
from backup.output import Output
from backup.render import Batch, Query, queries
from backup.weave import OpaqueXml, References, Weaver
from courses import cursors, structure
from courses.activities.forum import Forum
from courses.activities.quiz import Quiz
from courses.fields import Rendering
from courses.models import Activity, Course
from courses.structure import Element, Wrapper

OWNER = 7
Body = tuple[Wrapper | Element, ...]
Rows = dict[int, list[tuple[int, int]]]
"""The rows of each element, by its `id()`: the parent's id and their own, in the order of the query."""

BODIES: dict[str, tuple[Body, Element | None]] = {
    "forum": ((structure.element(Forum),), None),
    "quiz": ((structure.element(Quiz),), None),
    # Sparse wrappers, some around a wrapper that is always written.
    "grading": (structure.elements_in(Activity, "grading.xml"), structure.element(Activity)),
    "questions": (structure.elements_in(Course, "questions.xml"), structure.element(Course)),
}


def made_rows(body: Body, top: list[int], random: Random) -> Rows:
    """Rows of all elements of a body: the ids of those in one parent lie between those in others."""
    rows: Rows = {}
    for element in structure.elements_of(body):
        numbers = [random.choice((0, 0, 1, 2, 5)) for _ in top]
        left = list(range(1, 2 * sum(numbers) + 1))
        random.shuffle(left)
        found = []
        for parent, number in zip(top, numbers, strict=True):
            own = sorted(left.pop() for _ in range(number))
            found += [(parent, one) for one in own]
        rows[id(element)] = found
        # Deep trees of many would take too long.
        rows |= made_rows(element.body, [one for _, one in found][:12], random)
    return rows


def record(query: Query, parent: int, number: int) -> tuple[Any, ...]:
    """A row of a query; every third record has opaque elements if the query has such records."""
    opaque = f"own{number}".encode() if query.close and number % 3 == 0 else None
    ids = [number % 5 or None for _ in query.references]
    lists = [f"{number % 7},{number % 4}".encode() for _ in query.lists]
    return (
        parent,
        number,
        f"<{query.element.tag}{number}>".encode(),
        opaque,
        *ids,
        *lists,
        *([1] if query.inline else []),
    )


def as_both(text: str, references: References, people: bool) -> OpaqueXml:
    """Stored elements as leaves, and as elements with others inside."""
    return OpaqueXml(leaves=f"<leaf>{text}</leaf>", nested=f"<nested>{text}</nested>")


def one_by_one(
    by_element: dict[int, Query], rows: Rows, body: Sequence[Wrapper | Element], parent: int
) -> str:
    """The XML inside a parent; every record is looked for among all rows, without batches."""
    text = ""
    for node in body:
        if isinstance(node, Wrapper):
            there = any(above == parent for one in node.elements() for above, _ in rows[id(one)])
            if there or not node.sparse:
                text += f"<{node.tag}>{one_by_one(by_element, rows, node.body, parent)}</{node.tag}>"
            continue
        query = by_element[id(node)]
        for number in [number for above, number in rows[id(node)] if above == parent]:
            _, _, xml, opaque, *_ = record(query, parent, number)
            leaves, nested = as_both(opaque.decode(), defaultdict(set), True) if opaque else ("", "")
            text += (
                xml.decode()
                + leaves
                + one_by_one(by_element, rows, query.body, number)
                + nested
                + query.close
            )
    return text


def expected_references(compiled: list[Query], rows: Rows) -> dict[str, set[int]]:
    """The ids that all rows refer to, by item type."""
    found: dict[str, set[int]] = defaultdict(set)
    for query in compiled:
        for parent, number in rows[id(query.element)]:
            values = record(query, parent, number)[4:]
            for item_type, one in zip(query.references, values, strict=False):
                found[item_type] |= {one} - {None}
            for item_type, text in zip(query.lists, values[len(query.references) :], strict=False):
                found[item_type] |= {int(one) for one in text.split(b",")} - {0}
    return {item_type: ids for item_type, ids in found.items() if ids}


def cut(rows: list[Any], sizes: Iterator[int]) -> Iterator[list[Any]]:
    """Rows in batches of these sizes."""
    while rows:
        size = next(sizes)
        yield rows[:size]
        rows = rows[size:]


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 6), min_size=1), opaque=st.booleans())
def test_however_rows_are_cut_into_batches_records_stand_in_their_parents(
    name: str, seed: int, sizes: list[int], opaque: bool
) -> None:
    body, owner = BODIES[name]
    rows = made_rows(body, [OWNER], Random(seed))
    types = {element.item_type for top in structure.elements_of(body) for element in top.walk()}
    of_types = frozenset(types if opaque else ())
    compiled = list(queries(body, owner=owner, rendering=Rendering(), opaque=of_types))
    by_sql = {query.sql: query for query in compiled}

    def all_rows(query: Query) -> list[tuple[Any, ...]]:
        return [record(query, *ids) for ids in rows[id(query.element)]]

    def stream(sql: str, parameters: dict[str, int], **_: object) -> Iterator[list[tuple[Any, ...]]]:
        return cut(all_rows(by_sql[sql])[parameters["skip"] :], iter(sizes * 10_000))

    def first(asked: FirstRows, number: int) -> tuple[Batch, bool]:
        query = compiled[number]
        rows = all_rows(query)
        return query.batch(rows[: sizes[0]]), len(rows) <= sizes[0]

    sent, references = io.BytesIO(), defaultdict[str, set[int]](set)
    output = Output(sent, root="http://site.example")
    with (
        patch.object(cursors, "stream", stream),
        patch.object(cursors, "read_ahead"),
        patch.object(FirstRows, "take", first),
        Weaver(compiled, body=body, parameters={}, opaque=as_both) as weaver,
    ):
        for _ in weaver.write(OWNER, output, references, people=True):
            pass
    output.flush()
    expected = one_by_one({id(query.element): query for query in compiled}, rows, body, OWNER)
    assert "".join(sent.getvalue().decode().split()) == "".join(expected.split())
    noted = {
        item_type: ids
        for item_type, ids in references.items()
        if ids and not item_type.startswith("written ")
    }
    assert noted == expected_references(compiled, rows)
    assert weaver.records == sum(
        len(rows[id(query.element)]) for query in compiled if not query.element.shown
    )
