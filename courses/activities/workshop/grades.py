"""The grades of an assessment, one for each dimension: four strategies in three kinds of assessment."""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.examples import WorkshopExampleAssessment, WorkshopReferenceAssessment
from courses.activities.workshop.submissions import WorkshopAssessment
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Number, Ref, RichText, Within

WORK: ArchiveMeta = ArchiveMeta(userdata=True)


def _path(strategy: str, of: str, grade: str) -> str:
    """Return the path of the grades of a strategy inside an assessment."""
    return f"subplugin_workshopform_{strategy}_{of}/workshopform_{strategy}_{grade}"


class AccumulativeGrade(ArchivedModel):
    """The grade for an aspect, and a comment."""

    dimensionid = Ref("workshopform_accumulative_dimension")
    grade = Number(max_digits=10, decimal_places=5, null=True)
    peercomment = RichText(null=True)
    peercommentformat = Int(null=True, default=0)

    class Meta:
        abstract = True


class CommentsGrade(ArchivedModel):
    """A comment on an aspect."""

    dimensionid = Ref("workshopform_comments_dimension")
    peercomment = RichText(null=True)
    peercommentformat = Int(null=True, default=0)

    class Meta:
        abstract = True


class NumerrorsGrade(ArchivedModel):
    """The verdict on an assertion, and a comment."""

    dimensionid = Ref("workshopform_numerrors_dimension")
    grade = Number(max_digits=10, decimal_places=5, null=True)
    peercomment = RichText(null=True)
    peercommentformat = Int(null=True, default=0)

    class Meta:
        abstract = True


class RubricGrade(ArchivedModel):
    """The chosen level of a criterion, identified by its grade."""

    dimensionid = Ref("workshopform_rubric_dimension")
    grade = Number(max_digits=10, decimal_places=5, default=0)

    class Meta:
        abstract = True


class WorkshopAccumulativeReferenceGrade(AccumulativeGrade):
    """An aspect in the teacher's assessment of an example."""

    assessment = Within(
        WorkshopReferenceAssessment, _path("accumulative", "referenceassessment", "referencegrade")
    )


class WorkshopCommentsReferenceGrade(CommentsGrade):
    """A comment in the teacher's assessment of an example."""

    assessment = Within(
        WorkshopReferenceAssessment, _path("comments", "referenceassessment", "referencegrade")
    )


class WorkshopNumerrorsReferenceGrade(NumerrorsGrade):
    """An assertion in the teacher's assessment of an example."""

    assessment = Within(
        WorkshopReferenceAssessment, _path("numerrors", "referenceassessment", "referencegrade")
    )


class WorkshopRubricReferenceGrade(RubricGrade):
    """A criterion in the teacher's assessment of an example."""

    assessment = Within(WorkshopReferenceAssessment, _path("rubric", "referenceassessment", "referencegrade"))


class WorkshopAccumulativeExampleGrade(AccumulativeGrade):
    """An aspect in a person's assessment of an example."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopExampleAssessment, _path("accumulative", "exampleassessment", "examplegrade"))


class WorkshopCommentsExampleGrade(CommentsGrade):
    """A comment in a person's assessment of an example."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopExampleAssessment, _path("comments", "exampleassessment", "examplegrade"))


class WorkshopNumerrorsExampleGrade(NumerrorsGrade):
    """An assertion in a person's assessment of an example."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopExampleAssessment, _path("numerrors", "exampleassessment", "examplegrade"))


class WorkshopRubricExampleGrade(RubricGrade):
    """A criterion in a person's assessment of an example."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopExampleAssessment, _path("rubric", "exampleassessment", "examplegrade"))


class WorkshopAccumulativeGrade(AccumulativeGrade):
    """An aspect in an assessment of a submission."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopAssessment, _path("accumulative", "assessment", "grade"))


class WorkshopCommentsGrade(CommentsGrade):
    """A comment in an assessment of a submission."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopAssessment, _path("comments", "assessment", "grade"))


class WorkshopNumerrorsGrade(NumerrorsGrade):
    """An assertion in an assessment of a submission."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopAssessment, _path("numerrors", "assessment", "grade"))


class WorkshopRubricGrade(RubricGrade):
    """A criterion in an assessment of a submission."""

    archive_meta: ClassVar[ArchiveMeta] = WORK

    assessment = Within(WorkshopAssessment, _path("rubric", "assessment", "grade"))
