"""Weaving: records stand in those that they belong to, in the order of their ids, and XML can hold all that is written."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive import xml
from backup.first_rows import FirstRows
from backup.output import FLUSH, Output
from backup.render import LISTED, Query, queries
from backup.rows import Rows
from backup.weave import OpaqueXml, References, Weaver
from courses import cursors, structure
from courses.fields import Rendering
from courses.models import Course, OpaqueElement, Role
from courses.models.completion import CompletionCriterion, CourseCompletion, CriterionCompletion
from courses.services import create_course, ensure_site

ROOT = "http://site.example"
MEMBER = "completion.xml"
DONE = structure.item_type_of(CriterionCompletion)
EVERY_CONTROL = "".join(map(chr, (*range(32), 127)))


def sent(*texts: str) -> str:
    """The text that an `Output` writes to its stream when it gets these texts."""
    stream = io.BytesIO()
    output = Output(stream, root=ROOT)
    for text in texts:
        output.write(text)
    output.flush()
    return stream.getvalue().decode()


@given(st.text())
def test_whatever_is_in_a_value_it_is_sent_as_a_reader_escapes_it(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert sent(f"<a>{escaped}</a>") == f"<a>{xml.escape(text)}</a>"


def test_control_characters_are_left_out_and_line_ends_are_line_feeds() -> None:
    assert sent(f"<a>x{EVERY_CONTROL}y</a>") == "<a>x\t\n\ny</a>"
    assert sent("<a>one\r\ntwo\rthree\n</a>") == "<a>one\ntwo\nthree\n</a>"
    assert sent("<a>x\ufffe\uffffy</a>") == "<a>xy</a>"


def test_what_is_sent_in_blocks_is_what_was_written() -> None:
    part = "<b>ä€😀 </b>\n"
    many = 2 * FLUSH // len(part)
    assert sent(*[part] * many) == part * many


def test_addresses_of_this_site_are_sent_as_tokens_wherever_a_block_ends() -> None:
    link = f"<b>{ROOT}/mod/forum/view.php?id=7</b>"
    for fill in (0, 1, FLUSH - 1, FLUSH, FLUSH + 1):
        found = sent("x" * fill, link, "x" * FLUSH, link)
        assert found.count("<b>$@FORUMVIEWBYID*7@$</b>") == 2
        assert ROOT not in found


@pytest.fixture(autouse=True)
def streaming() -> Iterator[None]:
    """Rows can be read."""
    with cursors.streaming():
        yield


@pytest.fixture
def course() -> Course:
    """A course whose completion takes two things, of which people have done one or the other."""
    ensure_site()
    return with_criteria(create_course("ONE", "One"))


def with_criteria(course: Course) -> Course:
    """Gives a course criteria and what people have done; the second criterion comes first in the table."""
    for number in (1, 2):
        criterion = CompletionCriterion.objects.create(
            within=course,
            course=course.pk,
            criteriatype=number,
            role=Role.objects.get(shortname="student").pk,
        )
        for person in (31, 32)[:number]:
            CriterionCompletion.objects.create(
                criterion=criterion, userid=person, unenrolled=7 if person == 32 else None
            )
    CourseCompletion.objects.create(
        within=course, userid=31, course=course.pk, timeenrolled=1, timestarted=2, reaggregate=0
    )
    return course


def as_leaves(text: str, references: References, people: bool) -> OpaqueXml:
    """The stored XML as leaves, unchanged."""
    return OpaqueXml(leaves=text)


def woven(
    courses: Sequence[Course],
    *,
    among: Sequence[Course] | None = None,
    people: bool = True,
    opaque: Mapping[str, str] | None = None,
) -> tuple[str, References]:
    """`completion.xml` of courses, written by queries for all courses in `among`."""
    stream = io.BytesIO()
    output = Output(stream, root=ROOT)
    references: References = defaultdict(set)
    numbers = [course.pk for course in (courses if among is None else among)]
    body = structure.elements_in(Course, MEMBER)
    compiled = queries(
        body,
        owner=structure.element(Course),
        rendering=Rendering(people=people),
        opaque=frozenset(opaque or ()),
    )
    parameters: dict[str, Any] = {"all": numbers, "people": numbers if people else []}
    with Weaver(compiled, body=body, parameters=parameters, opaque=as_leaves) as weaver:
        for course in courses:
            output.write("<course>\n")
            _all(weaver.write(course.pk, output, references, people=people))
            output.write("</course>\n")
    output.flush()
    return stream.getvalue().decode(), references


def asked(*, opaque: str = "") -> list[Query]:
    """The queries of `completion.xml`."""
    body = structure.elements_in(Course, MEMBER)
    known = frozenset({opaque} - {""})
    return list(queries(body, owner=structure.element(Course), rendering=Rendering(), opaque=known))


def _all(counts: Iterator[int]) -> None:
    for _ in counts:
        pass


def read(text: str) -> etree._Element:
    return etree.fromstring(f"<all>{text}</all>")


@pytest.mark.django_db
def test_records_stand_in_their_own_parents_in_the_order_of_their_ids(course: Course) -> None:
    root = read(woven([course])[0])
    criteria = root.findall("course/course_completion_criteria")
    assert [int(one.get("id") or 0) for one in criteria] == sorted(
        CompletionCriterion.objects.values_list("pk", flat=True)
    )
    for one in criteria:
        inside = one.findall("course_completion_crit_completions/course_completion_crit_compl")
        own = CriterionCompletion.objects.filter(criterion=int(one.get("id") or 0)).order_by("pk")
        assert [int(each.get("id") or 0) for each in inside] == [row.pk for row in own]
        assert [each.findtext("userid") for each in inside] == [str(row.userid) for row in own]
    assert [str(one.tag) for one in root[0]] == [*["course_completion_criteria"] * 2, "course_completions"]


@pytest.mark.django_db
def test_an_element_that_repeats_its_parents_id_says_it(course: Course) -> None:
    for one in read(woven([course])[0]).iter("course_completion_criteria"):
        assert {each.text for each in one.iter("criteriaid")} == {one.get("id")}


@pytest.mark.django_db
def test_an_optional_element_is_left_out_when_it_has_no_value_and_others_say_null(course: Course) -> None:
    found = {
        each.findtext("userid"): each
        for each in read(woven([course])[0]).iter("course_completion_crit_compl")
    }
    assert found["31"].find("unenrolled") is None
    assert found["32"].findtext("unenrolled") == "7"
    assert found["31"].findtext("timecompleted") == "$@NULL@$"
    assert [str(leaf.tag) for leaf in found["32"]] == [
        *("userid", "gradefinal", "unenrolled", "timecompleted"),
        "criteriaid",
    ]


@pytest.mark.django_db
def test_without_people_their_records_are_left_out_and_the_rest_stays(course: Course) -> None:
    root = read(woven([course], people=False)[0])
    assert len(root.findall("course/course_completion_criteria")) == 2
    assert root.findall(".//userid") == []


@pytest.mark.django_db
def test_the_ids_that_records_refer_to_are_noted(course: Course) -> None:
    _, references = woven([course])
    assert set(references) <= LISTED
    assert references["user"] == {31, 32}
    assert references["role"] == {Role.objects.get(shortname="student").pk}


@pytest.mark.django_db
def test_each_owner_gets_its_own_records(course: Course) -> None:
    other = with_criteria(create_course("TWO", "Two"))
    together = read(woven([course, other])[0])
    alone = [read(woven([one])[0])[0] for one in (course, other)]
    assert [etree.tostring(one) for one in together] == [etree.tostring(one) for one in alone]


@pytest.mark.django_db
def test_opaque_elements_of_a_record_are_written_in_it(course: Course) -> None:
    first = CompletionCriterion.objects.order_by("pk")[0]
    OpaqueElement.objects.create(
        course=course, item_type="course_completion_criteria", record=first.pk, xml="<own>1</own>"
    )
    text, _ = woven([course], opaque={"course_completion_criteria": ""})
    criteria = list(read(text).iter("course_completion_criteria"))
    assert [one.findtext("own") for one in criteria] == ["1", None]


@pytest.mark.django_db
@pytest.mark.parametrize("inside", ["inline", "transactional"])
def test_opaque_leaves_stand_before_what_nests_in_their_record(
    course: Course, inside: str, request: pytest.FixtureRequest
) -> None:
    if inside == "inline":
        request.getfixturevalue("inline")
    for criterion in CompletionCriterion.objects.all():
        OpaqueElement.objects.create(
            course=course, item_type="course_completion_criteria", record=criterion.pk, xml="<own>1</own>"
        )
    root = read(woven([course], opaque={"course_completion_criteria": ""})[0])
    orders = [[child.tag for child in one] for one in root.iter("course_completion_criteria")]
    assert all(order.index("own") < order.index("course_completion_crit_completions") for order in orders)
    assert len(list(root.iter("course_completion_crit_compl"))) == CriterionCompletion.objects.count() > 0


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the completions of a criterion inline."""
    monkeypatch.setattr(
        CriterionCompletion, "archive_meta", replace(CriterionCompletion.archive_meta, inline=True)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("people", [True, False])
def test_inline_records_have_the_same_xml_as_records_with_rows_of_their_own(
    course: Course, people: bool, request: pytest.FixtureRequest
) -> None:
    other = with_criteria(create_course("TWO", "Two"))
    apart = woven([course, other], people=people)
    request.getfixturevalue("inline")
    assert woven([course, other], people=people) == apart
    assert len(asked()) == len(asked(opaque=DONE)) - 1


@pytest.mark.django_db
def test_opaque_elements_of_an_inline_record_are_written_in_it(course: Course, inline: None) -> None:
    last = CriterionCompletion.objects.order_by("pk").last()
    assert last is not None
    OpaqueElement.objects.create(course=course, item_type=DONE, record=last.pk, xml="<own>1</own>")
    found = read(woven([course], opaque={DONE: ""})[0])
    assert [
        one.findtext("userid")
        for one in found.iter("course_completion_crit_compl")
        if one.findtext("own") == "1"
    ] == [str(last.userid)]


@pytest.mark.django_db
def test_rows_that_belong_to_no_record_are_an_error_and_no_silent_loss(course: Course) -> None:
    other = with_criteria(create_course("TWO", "Two"))
    with pytest.raises(RuntimeError, match="belong to no record"):
        woven([course], among=[course, other])
    with pytest.raises(RuntimeError, match="courses_completioncriterion"):
        woven([other], among=[course, other])


@pytest.mark.django_db
def test_an_error_in_between_is_not_hidden_by_what_was_left_over(course: Course) -> None:
    body = structure.elements_in(Course, MEMBER)
    compiled = queries(body, owner=structure.element(Course), rendering=Rendering(), opaque=frozenset())
    parameters = {"all": [course.pk], "people": [course.pk]}
    with (
        pytest.raises(OSError, match="full"),
        Weaver(compiled, body=body, parameters=parameters, opaque=as_leaves),
    ):
        raise OSError("The disk is full.")


def fed(monkeypatch: pytest.MonkeyPatch, batches: list[list[tuple[Any, ...]]]) -> Rows:
    """Rows of a query whose batches are these, with one reference."""
    element = structure.element(CourseCompletion)
    query = Query(element, "", (), references=("user",), lists=(), inline=False, close="")
    first, *others = batches
    monkeypatch.setattr(cursors, "stream", lambda *sql, **how: iter(others))
    monkeypatch.setattr(cursors, "read_ahead", lambda *sql: list)
    monkeypatch.setattr(FirstRows, "take", lambda rows, number: (query.batch(first), not others))
    return Rows(query, {}, FirstRows((query,), {}), 0)


def test_the_rows_of_a_parent_are_taken_from_as_many_batches_as_hold_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = fed(monkeypatch, [[(1, 10, b"a", None, 0), (2, 11, b"b", None, 5)], [(2, 12, b"c", None, 5)]])
    taken = [[batch.xml[first:last] for batch, first, last in rows.runs(parent)] for parent in (1, 2, 3)]
    assert taken == [[(b"a",)], [(b"b",), (b"c",)], []]
    assert not rows.has_untaken()


def test_rows_of_which_none_were_read_together_come_from_their_query(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = fed(monkeypatch, [[], [(1, 10, b"a", None, 0)]])
    assert [batch.xml[first:last] for batch, first, last in rows.runs(1)] == [(b"a",)]


def test_rows_of_another_parent_wait_and_are_left_if_nobody_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = fed(monkeypatch, [[(2, 11, b"b", None, 5)]])
    assert not rows.has_untaken(), "rows that nobody asked for are not left over"
    assert not rows.has(1)
    assert list(rows.runs(1)) == []
    assert rows.has(2)
    assert rows.has_untaken()
