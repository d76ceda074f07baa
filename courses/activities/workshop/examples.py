"""Example submissions: the teacher's practice submissions, and the assessments of them."""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.activity import Workshop
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Moment, Number, RichText, Text, UserRef, Within
from courses.fields.special import SharedId

SUBMISSION_FILES = ("mod_workshop/submission_content", "mod_workshop/submission_attachment")
ASSESSMENT_FILES = ("mod_workshop/overallfeedback_content", "mod_workshop/overallfeedback_attachment")


class WorkshopExampleSubmission(ArchivedModel):
    """A practice submission. Its ids come from the sequence of the submissions, because their files share one area."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="workshop_submission", files=SUBMISSION_FILES)

    workshop = Within(Workshop, "examplesubmissions/examplesubmission")
    timecreated = Moment()
    timemodified = Moment()
    title = Text(255)
    content = RichText(null=True)
    contentformat = Int()
    contenttrust = Int()
    attachment = Int(null=True, default=0)


class WorkshopReferenceAssessment(ArchivedModel):
    """The teacher's own assessment of an example. All three kinds of assessment take their ids from one sequence."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="workshop_assessment", files=ASSESSMENT_FILES)

    submission = Within(WorkshopExampleSubmission, "referenceassessment")
    timecreated = Moment(null=True, default=0)
    timemodified = Moment(null=True, default=0)
    grade = Number(max_digits=10, decimal_places=5, null=True)
    feedbackauthor = RichText(null=True)
    feedbackauthorformat = Int(null=True, default=0)
    feedbackauthorattachment = Int(null=True, default=0)


class Review(ArchivedModel):
    """The columns of a person's assessment and of its grade. `gradinggradeoverby` is the person who overrode that grade."""

    reviewerid = UserRef()
    weight = Int(default=1)
    timecreated = Moment(null=True, default=0)
    timemodified = Moment(null=True, default=0)
    grade = Number(max_digits=10, decimal_places=5, null=True)
    gradinggrade = Number(max_digits=10, decimal_places=5, null=True)
    gradinggradeover = Number(max_digits=10, decimal_places=5, null=True)
    gradinggradeoverby = UserRef(null=True)
    feedbackauthor = RichText(null=True)
    feedbackauthorformat = Int(null=True, default=0)
    feedbackauthorattachment = Int(null=True, default=0)
    feedbackreviewer = RichText(null=True)
    feedbackreviewerformat = Int(null=True, default=0)

    class Meta:
        abstract = True


class WorkshopExampleAssessment(Review):
    """A person's assessment of an example, for practice."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshop_assessment", userdata=True, files=ASSESSMENT_FILES
    )

    id = SharedId("courses_workshopreferenceassessment")
    submission = Within(WorkshopExampleSubmission, "exampleassessments/exampleassessment")
