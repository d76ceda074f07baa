"""Advanced grading: grading areas, guides and rubrics, and the forms that were filled in."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import GradedItemRef, Int, LongText, Moment, Number, Ref, RichText, Text, UserRef, Within
from courses.models.course import Activity

GUIDE = "plugin_gradingform_guide_definition"
RUBRIC = "plugin_gradingform_rubric_definition"


class GradingArea(ArchivedModel):
    """A gradable area of an activity, and its active grading method."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="grading_area")

    activity = Within(Activity, "area", member="grading.xml")
    areaname = Text(100)
    activemethod = Text(100, null=True)


class GradingDefinition(ArchivedModel):
    """The definition of a guide or a rubric."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grading_definition", files=("grading/description",)
    )

    area = Within(GradingArea, "definitions/definition")
    method = Text(100)
    name = Text(255)
    description = RichText(null=True)
    descriptionformat = Int(null=True)
    status = Int()
    timecreated = Moment()
    timemodified = Moment()
    options = LongText(null=True)


class GuideCriterion(ArchivedModel):
    """A criterion of a guide."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="gradingform_guide_criterion")

    definition = Within(GradingDefinition, f"{GUIDE}/guidecriteria/guidecriterion")
    sortorder = Int()
    shortname = Text(255)
    description = LongText(null=True)
    descriptionformat = Int(null=True)
    descriptionmarkers = LongText(null=True)
    descriptionmarkersformat = Int(null=True)
    maxscore = Number(max_digits=10, decimal_places=5, default=0)


class GuideComment(ArchivedModel):
    """A frequently used comment of a guide."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="gradingform_guide_comment")

    definition = Within(GradingDefinition, f"{GUIDE}/guidecomments/guidecomment")
    sortorder = Int()
    description = LongText(null=True)
    descriptionformat = Int(null=True)


class RubricCriterion(ArchivedModel):
    """A criterion of a rubric."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="gradingform_rubric_criterion")

    definition = Within(GradingDefinition, f"{RUBRIC}/criteria/criterion")
    sortorder = Int()
    description = LongText(null=True)
    descriptionformat = Int(null=True)


class RubricLevel(ArchivedModel):
    """A level of a criterion of a rubric."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="gradingform_rubric_level")

    criterion = Within(RubricCriterion, "levels/level")
    score = Number(max_digits=10, decimal_places=5, default=0)
    definition = LongText(null=True)
    definitionformat = Int(null=True)


class GradingInstance(ArchivedModel):
    """A grading form that was filled in for one grade."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grading_instance", userdata=True, shared=True
    )

    definition = Within(GradingDefinition, "instances/instance")
    raterid = UserRef()
    itemid = GradedItemRef(null=True)
    rawgrade = Number(max_digits=10, decimal_places=5, null=True)
    status = Int()
    feedback = LongText(null=True)
    feedbackformat = Int(null=True)
    timemodified = Moment()


class GuideFilling(ArchivedModel):
    """A marker's points and remark for a criterion of a guide."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    instance = Within(GradingInstance, "plugin_gradingform_guide_instance/fillings/filling")
    criterionid = Ref("gradingform_guide_criterion")
    remark = LongText(null=True)
    remarkformat = Int(null=True)
    score = Number(max_digits=10, decimal_places=5, default=0)


class RubricFilling(ArchivedModel):
    """The level that a marker chose for a criterion of a rubric."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    instance = Within(GradingInstance, "plugin_gradingform_rubric_instance/fillings/filling")
    criterionid = Ref("gradingform_rubric_criterion")
    levelid = Ref("gradingform_rubric_level", null=True)
    remark = LongText(null=True)
    remarkformat = Int(null=True)
