"""The workshop itself: its phases, its dates and its rules."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, Moment, Number, RichText, Text


class Workshop(Content):
    """A workshop of the course. `strategy` names the grading strategy of submissions, `evaluation` that of assessments."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        logged_ids={
            "workshopid": "workshop",
            "mod_workshop/submissionid": "workshop_submission",
        }
    )

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    instructauthors = RichText(null=True)
    instructauthorsformat = Int()
    instructreviewers = RichText(null=True)
    instructreviewersformat = Int()
    timemodified = Moment()
    phase = Int(null=True, default=0)
    useexamples = Int(null=True, default=0)
    usepeerassessment = Int(null=True, default=0)
    useselfassessment = Int(null=True, default=0)
    grade = Number(max_digits=10, decimal_places=5, null=True, default=80)
    gradinggrade = Number(max_digits=10, decimal_places=5, null=True, default=20)
    strategy = Text(30)
    evaluation = Text(30)
    gradedecimals = Int(null=True, default=0)
    submissiontypetext = Int(default=1)
    submissiontypefile = Int(default=1)
    nattachments = Int(null=True, default=1)
    submissionfiletypes = Text(255, null=True)
    latesubmissions = Int(null=True, default=0)
    maxbytes = Int(null=True, default=100000)
    examplesmode = Int(null=True, default=0)
    submissionstart = Moment(null=True, default=0, shifts=True)
    submissionend = Moment(null=True, default=0, shifts=True)
    assessmentstart = Moment(null=True, default=0, shifts=True)
    assessmentend = Moment(null=True, default=0, shifts=True)
    conclusion = RichText(null=True)
    conclusionformat = Int(default=1)
    overallfeedbackmode = Int(null=True, default=1)
    overallfeedbackfiles = Int(null=True, default=0)
    overallfeedbackfiletypes = Text(255, null=True)
    overallfeedbackmaxbytes = Int(null=True, default=100000)

    links = (
        ("WORKSHOPVIEWBYID", "/mod/workshop/view.php?id=$1", ("course_module",)),
        ("WORKSHOPINDEX", "/mod/workshop/index.php?id=$1", ("course",)),
    )
