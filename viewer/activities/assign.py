"""Assignment: submissions with their files, grades and feedback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q

from courses.activities.assign import (
    AssignAllocatedMarker,
    AssignCommentFeedback,
    AssignFileFeedback,
    AssignFileSubmission,
    AssignGrade,
    AssignMark,
    AssignOverride,
    AssignPdfAnnotation,
    AssignPdfComment,
    AssignSubmission,
    AssignTextSubmission,
    AssignUserFlag,
)
from courses.models import GroupMember
from viewer.grading import fillings, forms_of
from viewer.page_context import PageContext, fact, facts, marks, table, when
from viewer.panels import Entry, Panel, Table
from viewer.presentation import Presentation
from viewer.words import duration_text, many, number

STATES = {"new": "Nothing handed in", "draft": "Draft", "submitted": "Handed in", "reopened": "Reopened"}
TEXT = "assignsubmission_onlinetext/submissions_onlinetext"
COMMENTS = "assignsubmission_comments/submission_comments"
MARKERS_FEEDBACK = ("assignfeedback_comments/feedback_marker", "assignfeedback_file/feedback_marker")
FEEDBACK_FILES = ("assignfeedback_file/feedback_files", "assignfeedback_editpdf/download")


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the submissions with their grades, grades without a submission, and overrides for single people or groups."""
    assign = page.content
    yield from forms_of(page)
    handed = AssignSubmission._base_manager.filter(assign=assign).order_by(
        "userid", "groupid", "attemptnumber", "pk"
    )
    yield page.listed("Submissions", handed, lambda rows: _submissions(page, rows), userdata=True)
    same = AssignSubmission._base_manager.filter(
        assign=assign, userid=OuterRef("userid"), attemptnumber=OuterRef("attemptnumber")
    )
    alone = (
        AssignGrade._base_manager.filter(assign=assign)
        .filter(~Exists(same))
        .order_by("userid", "attemptnumber")
    )
    title = "Grades of the members of groups" if assign.teamsubmission else "Grades without a submission"
    yield page.listed(title, alone, lambda rows: _grades(page, rows), name="grades", userdata=True)
    overrides = AssignOverride._base_manager.filter(assign=assign).order_by("pk")
    if not page.people:
        overrides = overrides.filter(userid=None)
    yield page.listed(
        "Other dates for some", overrides, lambda rows: _overrides(page, rows), name="overrides"
    )
    flags = AssignUserFlag._base_manager.filter(assign=assign).order_by("pk")
    yield page.listed(
        "Extensions, locks and marking", flags, lambda rows: _flags(page, rows), name="flags", userdata=True
    )
    yield from _marking(page)


def _marking(page: PageContext) -> Iterator[Panel]:
    """Yield who marks whose work, where somebody does."""
    markers = AssignAllocatedMarker._base_manager.filter(assign=page.content).order_by("student", "pk")
    yield page.listed("Markers", markers, lambda rows: _markers(page, rows), name="markers", userdata=True)


def _submissions(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    texts = page.below(AssignTextSubmission, "attempt", rows)
    numbers = page.below(AssignFileSubmission, "attempt", rows)
    people = {row.userid for row in rows if row.userid}
    found = AssignGrade._base_manager.filter(Q(assign=page.content) & Q(userid__in=people))
    graded = dict(
        zip(((one.userid, one.attemptnumber) for one in found), _graded(page, list(found)), strict=True)
    )
    members: dict[int, list[Any]] = {}
    for group, person in GroupMember.objects.filter(group__in=[row.groupid for row in rows]).values_list(
        "group", "userid"
    ):
        members.setdefault(group, []).append(page.person(person))
    for row in rows:
        grade = graded.get((row.userid, row.attemptnumber))
        handed = numbers.get(row.pk)
        yield Entry(
            title=page.person(row.userid)
            if row.userid
            else page.named("group", row.groupid, instead="No group"),
            when=row.timemodified,
            marks=(
                STATES.get(row.status or "", row.status),
                *((f"Attempt {row.attemptnumber + 1}",) if row.attemptnumber else ()),
                *marks(Not_the_latest=not row.latest),
            ),
            texts=tuple(
                page.text("", one.onlinetext, one.onlineformat, f"{page.contextid}/{TEXT}/{row.pk}")
                for one in texts.get(row.pk, ())
            ),
            files=page.files(row.pk, "assignsubmission_file/submission_files"),
            facts=facts(
                fact("Handed in", many(handed[0].numfiles, "file") if handed and handed[0].numfiles else ""),
                fact("Begun", row.timestarted or "", "moment"),
                *(fact("Member", one) for one in members.get(row.groupid, ()) if not row.userid),
            ),
            comments=page.comments(row.pk, COMMENTS),
            below=(grade,) if grade else (),
        )


def _grades(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row, entry in zip(rows, _graded(page, rows), strict=True):
        yield Entry(title=page.person(row.userid), below=(entry,))


def _graded(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    """Yield one entry for the grade and feedback of each row."""
    said = page.below(AssignCommentFeedback, "of", rows)
    returned = page.below(AssignFileFeedback, "of", rows)
    notes = page.below(AssignPdfComment, "grade", rows, order=("pageno", "pk"))
    drawn = page.counts(AssignPdfAnnotation, "grade", rows)
    filled = fillings(page, [row.pk for row in rows], "submissions")
    given = _given_marks(rows)
    for row in rows:
        back = returned.get(row.pk)
        yield Entry(
            title="Grade",
            when=row.timemodified,
            marks=(
                page.graded(row.grade, page.content.grade)
                if (row.grade or 0) >= 0 and row.grade is not None
                else "not graded",
            ),
            texts=_grade_texts(page, row, said.get(row.pk, [])),
            files=page.files(row.pk, *FEEDBACK_FILES),
            facts=facts(
                fact("Marked by", page.person(row.grader)),
                fact("Attempt", row.attemptnumber + 1 if row.attemptnumber else ""),
                fact("Files given back", back[0].numfiles if back and back[0].numfiles else ""),
                fact("Penalty", f"{number(row.penalty, 2)} %" if row.penalty else ""),
                fact("Marks on the pages", drawn.get(row.pk, "")),
                *(fact(f"Note on page {one.pageno + 1}", one.rawtext) for one in notes.get(row.pk, ())),
            ),
            below=(
                *filled.get(row.pk, ()),
                *(
                    _marks(page, mark, [one for one in said.get(row.pk, ()) if one.mark == mark.pk])
                    for mark in given.get(row.pk, ())
                ),
            ),
        )


def _given_marks(rows: list[Any]) -> dict[int, list[AssignMark]]:
    """Return the marks that the markers gave, by the id of the grade that is made of them."""
    found: dict[int, list[AssignMark]] = {}
    for mark in AssignMark._base_manager.filter(gradeid__in=[row.pk for row in rows]).order_by("pk"):
        found.setdefault(mark.gradeid, []).append(mark)
    return found


def _grade_texts(page: PageContext, row: Any, said: list[Any]) -> tuple[Any, ...]:
    """Return the feedback on a grade, without that of single markers."""
    area = "assignfeedback_comments/feedback"
    return tuple(
        page.rich("Feedback", one, "commenttext", area=area, item=row.pk) for one in said if not one.mark
    )


def _overrides(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "For | Opens | Due | Closes | Time limit | Reason",
        (
            (
                page.person(row.userid) if row.userid else page.group(row.groupid),
                when(row.allowsubmissionsfromdate),
                when(row.duedate),
                when(row.cutoffdate),
                duration_text(row.timelimit) if row.timelimit else "",
                page.text("", row.reason, row.reasonformat),
            )
            for row in rows
        ),
    )


def _markers(page: PageContext, rows: list[Any]) -> Table:
    return table("Person | Marker", ((page.person(row.student), page.person(row.marker)) for row in rows))


def _marks(page: PageContext, row: Any, feedback: list[Any]) -> Entry:
    """Return the entry of the mark of one marker, with the feedback that belongs to it."""
    return Entry(
        title=page.person(row.marker),
        when=row.timemodified,
        marks=(
            number(row.mark, 2) if row.mark is not None else "no mark",
            *((WORKFLOW.get(row.workflowstate, row.workflowstate),) if row.workflowstate else ()),
        ),
        texts=tuple(
            page.rich("Feedback", one, "commenttext", area=MARKERS_FEEDBACK[0], item=row.pk)
            for one in feedback
        ),
        files=page.files(row.pk, *MARKERS_FEEDBACK),
    )


def _flags(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Extension | Locked | Stage of marking | Marker",
        (
            (
                page.person(row.userid),
                when(row.extensionduedate),
                "Locked" if row.locked else "",
                WORKFLOW.get(row.workflowstate or "", row.workflowstate or ""),
                page.person(row.allocatedmarker),
            )
            for row in rows
        ),
    )


WORKFLOW = {
    "notmarked": "not marked",
    "inmarking": "being marked",
    "readyforreview": "ready for review",
    "inreview": "being reviewed",
    "readyforrelease": "ready for release",
    "released": "released",
}

MEANINGS: dict[str, dict[Any, str]] = {
    "assign.multimarkmethod": {
        "manual": "by hand",
        "max": "the highest mark",
        "average": "the mean of the marks",
    },
    "assign.attemptreopenmethod": {"none": "never", "manual": "by a teacher", "untilpass": "until passed"},
    "assign.maxattempts": {-1: "unlimited"},
    "assignuserflag.workflowstate": WORKFLOW,
}

PRESENTATION = Presentation(
    present,
    covers=(
        AssignSubmission,
        AssignTextSubmission,
        AssignFileSubmission,
        AssignGrade,
        AssignMark,
        AssignAllocatedMarker,
        AssignCommentFeedback,
        AssignFileFeedback,
        AssignPdfComment,
        AssignOverride,
        AssignUserFlag,
    ),
    meanings=MEANINGS,
)
