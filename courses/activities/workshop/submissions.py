"""Submissions of a workshop, their assessments, and the total grades for assessing."""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.activity import Workshop
from courses.activities.workshop.examples import ASSESSMENT_FILES, SUBMISSION_FILES, Review
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Moment, Number, RichText, Text, UserRef, Within
from courses.fields.special import SharedId


class WorkshopSubmission(ArchivedModel):
    """A person's submission. `gradeoverby` is the person who overrode the grade."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshop_submission", userdata=True, files=SUBMISSION_FILES
    )

    id = SharedId("courses_workshopexamplesubmission")
    workshop = Within(Workshop, "submissions/submission")
    authorid = UserRef()
    timecreated = Moment()
    timemodified = Moment()
    title = Text(255)
    content = RichText(null=True)
    contentformat = Int()
    contenttrust = Int()
    attachment = Int(null=True, default=0)
    grade = Number(max_digits=10, decimal_places=5, null=True)
    gradeover = Number(max_digits=10, decimal_places=5, null=True)
    gradeoverby = UserRef(null=True)
    feedbackauthor = RichText(null=True)
    feedbackauthorformat = Int(null=True, default=0)
    timegraded = Moment(null=True)
    published = Int(null=True, default=0)
    late = Int()


class WorkshopAssessment(Review):
    """A person's assessment of another's submission; without a grade it is allocated and not yet done."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshop_assessment", userdata=True, files=ASSESSMENT_FILES
    )

    id = SharedId("courses_workshopreferenceassessment")
    submission = Within(WorkshopSubmission, "assessments/assessment")


class WorkshopAggregation(ArchivedModel):
    """The total grade of a person for all their assessments."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="workshop_aggregation", userdata=True)

    workshop = Within(Workshop, "aggregations/aggregation")
    userid = UserRef()
    gradinggrade = Number(max_digits=10, decimal_places=5, null=True)
    timegraded = Moment(null=True)
