"""Comparison of two records: values, files and parts count; people, moments and ids in links do not."""

from __future__ import annotations

import pytest

from courses import structure
from courses.fields import Moment, UserRef
from courses.models import Course
from courses.structure import Element
from restore.match.compared import UNKNOWN, ComparedSide, Row, resolved_here
from restore.match.values import ComparedColumns, ComparedReference, without_ids

HERE, THERE = "https://here.example", "http://there.example/moodle"
ROOTS = (HERE, THERE)


def compared_by_content() -> list[ComparedColumns]:
    """The columns of all elements that are compared by all that they say."""
    found: list[ComparedColumns] = []

    def add(element: Element, inside: frozenset[str]) -> None:
        meta = element.model.archive_meta
        if not meta.same_by and not meta.single:
            found.append(ComparedColumns(element, ROOTS, inside))
            for child in element.children():
                add(child, inside)

    for path in structure.members_of(Course):
        tops = list(structure.elements_of(structure.elements_in(Course, path)))
        inside = frozenset(one.item_type for top in tops for one in top.walk())
        for top in tops:
            if top.model.archive_meta.compared_key:
                add(top, inside)
    return found


def test_all_columns_count_but_people_and_the_moments_of_a_record() -> None:
    left: set[str] = set()
    for columns in compared_by_content():
        element = columns.element
        for field in (*element.attributes, *element.leaves):
            plain = isinstance(field, UserRef) or (isinstance(field, Moment) and not field.shifts)
            if field not in columns.fields and not plain:
                left.add(f"{element.model.__name__}.{field.name}")
    assert left == {"Question.stamp", "QuestionComment.contextid"}


def test_columns_that_tell_records_apart_are_there() -> None:
    for model in structure.archived_models():
        meta = model.archive_meta
        names = {field.name for field in model._meta.concrete_fields}
        assert {*meta.natural_key, *meta.same_by, *meta.may_differ} <= names, model._meta.label
        assert meta.natural_key or not (meta.same_by or meta.single or meta.single_for or meta.may_differ)
        assert meta.compared or (meta.natural_key and meta.single and not meta.same_by), model._meta.label


@pytest.mark.parametrize(
    "text",
    [
        "see $@FORUMVIEWBYID*31@$",
        f"see {HERE}/mod/forum/view.php?id=5",
        f"see {THERE}/mod/forum/view.php?id=77",
    ],
)
def test_a_link_counts_by_its_kind(text: str) -> None:
    assert without_ids(text, ROOTS) == "see $@FORUMVIEWBYID*@$"


def test_a_link_of_another_kind_and_other_words_count() -> None:
    page = without_ids("see $@PAGEVIEWBYID*31@$", ROOTS)
    assert page != without_ids("see $@FORUMVIEWBYID*31@$", ROOTS)
    assert without_ids("$@NOTALINK@$ costs 5", ROOTS) == "$@NOTALINK@$ costs 5"
    assert without_ids("", ("", HERE)) == ""


def element_named(name: str) -> Element:
    """The compared element of a model, by the model's name."""
    return next(one.element for one in compared_by_content() if one.element.model.__name__ == name)


def row(columns: ComparedColumns, **texts: str | None) -> Row:
    """A row with these texts of its columns; all others are empty."""
    found = Row(columns, 1, "5")
    values = columns.values(texts, {field.name: texts.get(field.name, "") for field in columns.fields})
    found.say(values, (), resolved_here)
    return found


def test_a_number_counts_by_its_value() -> None:
    columns = ComparedColumns(element_named("QuestionAnswer"), ROOTS, frozenset())
    side = ComparedSide(resolved_here, lambda _: ())
    one = side.digest(row(columns, fraction="1", answertext="x"))
    assert one == side.digest(row(columns, fraction="1.0000000", answertext="x"))
    assert one != side.digest(row(columns, fraction="1.0000001", answertext="x"))


def test_a_reference_counts_by_the_record_that_is_here() -> None:
    columns = ComparedColumns(element_named("CalendarEvent"), ROOTS, frozenset({"event"}))
    event = row(columns, name="x", timestart="5", groupid="41", repeatid="9")
    same = row(columns, name="x", timestart="5", groupid="41", repeatid="8")
    other = row(columns, name="x", timestart="5", groupid="42", repeatid="9")
    side = ComparedSide(resolved_here, lambda _: ())
    assert side.digest(event) == side.digest(same), "the other event is known only after the comparison"
    assert side.digest(event) != side.digest(other)
    assert event.value("groupid") == ComparedReference("group", 41)
    assert UNKNOWN not in {resolved_here(value) for value in event.values}


def test_values_and_their_borders_cannot_be_confused() -> None:
    columns = ComparedColumns(element_named("QuestionHint"), ROOTS, frozenset())
    side = ComparedSide(resolved_here, lambda _: ())
    assert side.digest(row(columns, hint="ab", options="c")) != side.digest(
        row(columns, hint="a", options="bc")
    )
    assert side.digest(row(columns, options=None)) != side.digest(row(columns, options=""))
