"""The dimensions of the four grading strategies. A workshop may hold dimensions of several strategies."""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.activity import Workshop
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Number, RichText, ScaleOrMaximum, Text, Within

ACCUMULATIVE = "subplugin_workshopform_accumulative_workshop"
COMMENTS = "subplugin_workshopform_comments_workshop"
NUMERRORS = "subplugin_workshopform_numerrors_workshop"
RUBRIC = "subplugin_workshopform_rubric_workshop"


class Dimension(ArchivedModel):
    """The columns of a dimension: one aspect of a submission to grade, and its position."""

    sort = Int(null=True, default=0)
    description = RichText(null=True)
    descriptionformat = Int(null=True, default=0)

    class Meta:
        abstract = True


class WorkshopAccumulativeDimension(Dimension):
    """An aspect that is graded with points or a word of a scale, with a weight."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshopform_accumulative_dimension", files=("workshopform_accumulative/description",)
    )

    workshop = Within(Workshop, f"{ACCUMULATIVE}/workshopform_accumulative_dimension")
    grade = ScaleOrMaximum()
    weight = Int(null=True, default=1)


class WorkshopCommentsDimension(Dimension):
    """An aspect that is commented on and not graded."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshopform_comments_dimension", files=("workshopform_comments/description",)
    )

    workshop = Within(Workshop, f"{COMMENTS}/workshopform_comments_dimension")


class WorkshopNumerrorsMap(ArchivedModel):
    """The grade in per cent for a number of errors."""

    workshop = Within(Workshop, f"{NUMERRORS}/workshopform_numerrors_map")
    nonegative = Int()
    grade = Number(max_digits=10, decimal_places=5, default=0)


class WorkshopNumerrorsDimension(Dimension):
    """An assertion that is true or false; `grade0` and `grade1` are the words for it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshopform_numerrors_dimension", files=("workshopform_numerrors/description",)
    )

    workshop = Within(Workshop, f"{NUMERRORS}/workshopform_numerrors_dimension")
    grade0 = Text(50, null=True)
    grade1 = Text(50, null=True)
    weight = Int(null=True, default=1)


class WorkshopRubricConfig(ArchivedModel):
    """Whether a rubric is shown as a list or as a grid."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    workshop = Within(Workshop, f"{RUBRIC}/workshopform_rubric_config")
    layout = Text(30, null=True, default="list")


class WorkshopRubricDimension(Dimension):
    """A criterion with levels."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="workshopform_rubric_dimension", files=("workshopform_rubric/description",)
    )

    workshop = Within(Workshop, f"{RUBRIC}/workshopform_rubric_dimension")


class WorkshopRubricLevel(ArchivedModel):
    """A level of a criterion: its description and grade."""

    dimension = Within(WorkshopRubricDimension, "workshopform_rubric_level")
    grade = Number(max_digits=10, decimal_places=5, default=0)
    definition = RichText(null=True)
    definitionformat = Int(null=True, default=0)
