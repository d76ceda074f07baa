"""An assignment: what was handed in, with its files, grade and feedback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q

from courses.activities.assign import (
    AssignCommentFeedback,
    AssignFileFeedback,
    AssignFileSubmission,
    AssignGrade,
    AssignOverride,
    AssignPdfAnnotation,
    AssignPdfComment,
    AssignSubmission,
    AssignTextSubmission,
    AssignUserFlag,
)
from courses.models import GroupMember
from viewer.codes import WORKFLOW
from viewer.grading import fillings, forms_of
from viewer.page_context import Desk, fact, facts, marks, table, when
from viewer.panels import Entry, Panel, Table
from viewer.presentation import Form
from viewer.words import many, seconds

STATES = {"new": "Nothing handed in", "draft": "Draft", "submitted": "Handed in", "reopened": "Reopened"}
TEXT = "assignsubmission_onlinetext/submissions_onlinetext"
COMMENTS = "assignsubmission_comments/submission_comments"
FEEDBACK_FILES = ("assignfeedback_file/feedback_files", "assignfeedback_editpdf/download")


def present(desk: Desk) -> Iterator[Panel]:
    """The submissions with their grades, grades without a submission, and what holds for single people."""
    assign = desk.content
    yield from forms_of(desk)
    handed = AssignSubmission._base_manager.filter(assign=assign).order_by(
        "userid", "groupid", "attemptnumber", "pk"
    )
    yield desk.listed("Submissions", handed, lambda rows: _submissions(desk, rows), work=True)
    same = AssignSubmission._base_manager.filter(
        assign=assign, userid=OuterRef("userid"), attemptnumber=OuterRef("attemptnumber")
    )
    alone = (
        AssignGrade._base_manager.filter(assign=assign)
        .filter(~Exists(same))
        .order_by("userid", "attemptnumber")
    )
    title = "Grades of the members of groups" if assign.teamsubmission else "Grades without a submission"
    yield desk.listed(title, alone, lambda rows: _grades(desk, rows), name="grades", work=True)
    overrides = AssignOverride._base_manager.filter(assign=assign).order_by("pk")
    if not desk.people:
        overrides = overrides.filter(userid=None)
    yield desk.listed(
        "Other dates for some", overrides, lambda rows: _overrides(desk, rows), name="overrides"
    )
    flags = AssignUserFlag._base_manager.filter(assign=assign).order_by("pk")
    yield desk.listed(
        "Extensions, locks and marking", flags, lambda rows: _flags(desk, rows), name="flags", work=True
    )


def _submissions(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    texts = desk.below(AssignTextSubmission, "attempt", rows)
    numbers = desk.below(AssignFileSubmission, "attempt", rows)
    people = {row.userid for row in rows if row.userid}
    found = AssignGrade._base_manager.filter(Q(assign=desk.content) & Q(userid__in=people))
    graded = dict(
        zip(((one.userid, one.attemptnumber) for one in found), _graded(desk, list(found)), strict=True)
    )
    members: dict[int, list[Any]] = {}
    for group, person in GroupMember.objects.filter(group__in=[row.groupid for row in rows]).values_list(
        "group", "userid"
    ):
        members.setdefault(group, []).append(desk.person(person))
    for row in rows:
        grade = graded.get((row.userid, row.attemptnumber))
        handed = numbers.get(row.pk)
        yield Entry(
            title=desk.person(row.userid)
            if row.userid
            else desk.named("group", row.groupid, instead="No group"),
            when=row.timemodified,
            marks=(
                STATES.get(row.status or "", row.status),
                *((f"Attempt {row.attemptnumber + 1}",) if row.attemptnumber else ()),
                *marks(Not_the_latest=not row.latest),
            ),
            texts=tuple(
                desk.text("", one.onlinetext, one.onlineformat, f"{desk.contextid}/{TEXT}/{row.pk}")
                for one in texts.get(row.pk, ())
            ),
            files=desk.files(row.pk, "assignsubmission_file/submission_files"),
            facts=facts(
                fact("Handed in", many(handed[0].numfiles, "file") if handed and handed[0].numfiles else ""),
                fact("Begun", row.timestarted or "", "moment"),
                *(fact("Member", one) for one in members.get(row.groupid, ()) if not row.userid),
            ),
            comments=desk.comments(row.pk, COMMENTS),
            below=(grade,) if grade else (),
        )


def _grades(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    for row, entry in zip(rows, _graded(desk, rows), strict=True):
        yield Entry(title=desk.person(row.userid), below=(entry,))


def _graded(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    """The grade and feedback of each row, as an entry of its own."""
    said = desk.below(AssignCommentFeedback, "of", rows)
    returned = desk.below(AssignFileFeedback, "of", rows)
    notes = desk.below(AssignPdfComment, "grade", rows, order=("pageno", "pk"))
    drawn = desk.counts(AssignPdfAnnotation, "grade", rows)
    filled = fillings(desk, [row.pk for row in rows], "submissions")
    for row in rows:
        back = returned.get(row.pk)
        yield Entry(
            title="Grade",
            when=row.timemodified,
            marks=(
                desk.graded(row.grade, desk.content.grade)
                if (row.grade or 0) >= 0 and row.grade is not None
                else "not graded",
            ),
            texts=tuple(
                desk.rich(
                    "Feedback", one, "commenttext", area="assignfeedback_comments/feedback", item=row.pk
                )
                for one in said.get(row.pk, ())
            ),
            files=desk.files(row.pk, *FEEDBACK_FILES),
            facts=facts(
                fact("Marked by", desk.person(row.grader)),
                fact("Attempt", row.attemptnumber + 1 if row.attemptnumber else ""),
                fact("Files given back", back[0].numfiles if back and back[0].numfiles else ""),
                fact("Marks on the pages", drawn.get(row.pk, "")),
                *(fact(f"Note on page {one.pageno + 1}", one.rawtext) for one in notes.get(row.pk, ())),
            ),
            below=tuple(filled.get(row.pk, ())),
        )


def _overrides(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "For | Opens | Due | Closes | Time limit",
        (
            (
                desk.person(row.userid) if row.userid else desk.group(row.groupid),
                when(row.allowsubmissionsfromdate),
                when(row.duedate),
                when(row.cutoffdate),
                seconds(row.timelimit) if row.timelimit else "",
            )
            for row in rows
        ),
    )


def _flags(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Person | Extension | Locked | Stage of marking | Marker",
        (
            (
                desk.person(row.userid),
                when(row.extensionduedate),
                "Locked" if row.locked else "",
                WORKFLOW.get(row.workflowstate or "", row.workflowstate or ""),
                desk.person(row.allocatedmarker),
            )
            for row in rows
        ),
    )


FORM = Form(
    present,
    covers=(
        AssignSubmission,
        AssignTextSubmission,
        AssignFileSubmission,
        AssignGrade,
        AssignCommentFeedback,
        AssignFileFeedback,
        AssignPdfComment,
        AssignOverride,
        AssignUserFlag,
    ),
)
