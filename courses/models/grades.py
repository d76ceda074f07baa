"""Grades: scales, outcomes, the gradebook of the course, the grade items of activities, and their history."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import (
    LONGEST_NAME,
    Code,
    Formula,
    GradeItemInstance,
    Int,
    LongText,
    Moment,
    Number,
    Ref,
    RefPath,
    RichText,
    Text,
    UserRef,
    Within,
)
from courses.models.course import Activity, Course

GRADEBOOK = "gradebook.xml"
GRADES = "grades.xml"
HISTORY = "grade_history.xml"


def _grade(default: int | None = None) -> Number:
    return Number(max_digits=10, decimal_places=5, null=default is None, default=default)


def _archive_paths(path: str, *, of_activity: str, of_course: str) -> list[ArchivePath]:
    """Return the paths of rows in their activity's own member, or in the course's if they belong to no activity."""
    return [
        ArchivePath("courses.Activity", path, member=of_activity, column="activity_id", parent_column="id"),
        ArchivePath(
            "courses.Course",
            path,
            member=of_course,
            column="course_id",
            parent_column="id",
            where="{row}.activity_id IS NULL",
        ),
    ]


class Scale(ArchivedModel):
    """A scale: words from bad to good, separated by commas."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="scale", files=("grade/scale",), natural_key=("name",), same_by=("scale",)
    )

    course = Within(Course, "scale", member="scales.xml")
    courseid = Ref("course")
    userid = UserRef()
    name = Text(255)
    scale = LongText()
    description = RichText()
    descriptionformat = Int()
    timemodified = Moment()


class Outcome(ArchivedModel):
    """An outcome that work is graded for, on a scale."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="outcome",
        files=("grade/outcome",),
        natural_key=("shortname",),
        same_by=("shortname", "scaleid"),
    )

    course = Within(Course, "outcome", member="outcomes.xml")
    courseid = Ref("course", null=True)
    userid = UserRef(null=True, optional=True)
    shortname = Text(255)
    fullname = LongText()
    scaleid = Ref("scale", null=True)
    description = RichText(null=True)
    descriptionformat = Int()
    timecreated = Moment(null=True)
    timemodified = Moment(null=True)
    usermodified = UserRef(null=True)


class GradebookAttributes(ArchivedModel):
    """Attributes of the whole gradebook: the version at which its calculations were frozen."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        numbered=False, natural_key=("course",), single=True, compared=False
    )

    course = Within(Course, "attributes", member=GRADEBOOK)
    calculations_freeze = Text(255, null=True, optional=True)


class GradeCategory(ArchivedModel):
    """A category of the gradebook; `path` has the ids of its ancestors and its own: `/4/5/`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="grade_category")

    course = Within(Course, "grade_categories/grade_category", member=GRADEBOOK)
    parent = Ref("grade_category", null=True)
    depth = Int()
    path = RefPath("grade_category", null=True)
    fullname = Text(255)
    aggregation = Int()
    keephigh = Int()
    droplow = Int()
    aggregateonlygraded = Int()
    aggregateoutcomes = Int()
    timecreated = Moment()
    timemodified = Moment()
    hidden = Int()


class GradeItem(ArchivedModel):
    """A grade item: of an activity, a category, the course, or one that a teacher added by hand."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade_item",
        archive_paths=_archive_paths("grade_items/grade_item", of_activity=GRADES, of_course=GRADEBOOK),
    )

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="grade_items")
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, null=True, related_name="grade_items")
    categoryid = Ref("grade_category", null=True)
    itemname = Text(LONGEST_NAME, null=True)
    itemtype = Text(30)
    itemmodule = Text(30, null=True)
    iteminstance = GradeItemInstance(null=True)
    itemnumber = Int(null=True)
    iteminfo = LongText(null=True)
    idnumber = Text(255, null=True)
    calculation = Formula(null=True)
    gradetype = Int(default=1)
    grademax = _grade(100)
    grademin = _grade(0)
    scaleid = Ref("scale", null=True)
    outcomeid = Ref("outcome", null=True)
    gradepass = _grade(0)
    multfactor = _grade(1)
    plusfactor = _grade(0)
    aggregationcoef = _grade(0)
    aggregationcoef2 = _grade(0)
    weightoverride = Int()
    sortorder = Int()
    display = Int()
    decimals = Int(null=True)
    hidden = Int()
    locked = Int()
    locktime = Moment(shifts=True)
    needsupdate = Int()
    timecreated = Moment(null=True)
    timemodified = Moment(null=True)


class GivenGrade(ArchivedModel):
    """The columns that a grade and an entry of its history share."""

    userid = UserRef()
    rawgrade = _grade()
    rawgrademax = _grade(100)
    rawgrademin = _grade(0)
    rawscaleid = Ref("scale", null=True)
    usermodified = UserRef(null=True)
    finalgrade = _grade()
    hidden = Int()
    locked = Int()
    locktime = Moment(shifts=True)
    exported = Int()
    overridden = Int()
    excluded = Int()
    feedback = RichText(null=True)
    feedbackformat = Int()
    information = LongText(null=True)
    informationformat = Int()

    class Meta:
        abstract = True


class GradeGrade(GivenGrade):
    """The grade of a person for an item."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade_grades",
        userdata=True,
        files=("grade/feedback",),
        natural_key=("item", "userid"),
        single=True,
        compared=False,
    )

    item = Within(GradeItem, "grade_grades/grade_grade")
    timecreated = Moment(null=True)
    timemodified = Moment(null=True)
    aggregationstatus = Code(10, default="unknown")
    aggregationweight = _grade()


class GradeLetter(ArchivedModel):
    """The letter for grades from a boundary upwards, in a course or an activity."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade_letter",
        natural_key=("lowerboundary",),
        same_by=("lowerboundary", "letter"),
        archive_paths=[
            ArchivePath("courses.Activity", "grade_letters/grade_letter", member=GRADES),
            ArchivePath("courses.Course", "grade_letters/grade_letter", member=GRADEBOOK),
        ],
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    lowerboundary = _grade(0)
    letter = Text(255)


class OutcomeOfActivity(ArchivedModel):
    """An outcome without a scale that an activity has: no grade item says so."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(unique=False, tag="outcome_module")

    activity = Within(Activity, "outcomes_modules/outcome_module", member=GRADES, since="5.3")
    outcomeid = Ref("outcome", owning=True)


class GradeSetting(ArchivedModel):
    """A setting of the gradebook."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade_setting", unique=False, natural_key=("course", "name"), single=True, compared=False
    )

    course = Within(Course, "grade_settings/grade_setting", member=GRADEBOOK)
    name = Text(255)
    value = LongText(null=True)


class GradeHistory(GivenGrade):
    """An entry of the grade history: a grade at a moment, and who changed it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade_grades_history",
        userdata=True,
        files=("grade/historyfeedback",),
        archive_paths=_archive_paths("grade_grades/grade_grade", of_activity=HISTORY, of_course=HISTORY),
    )

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, null=True, related_name="+")
    action = Int()
    oldid = Ref("grade_grades")
    source = Code(255, null=True)
    loggeduser = UserRef(null=True)
    itemid = Ref("grade_item")
    timemodified = Moment(null=True)
    # The history does not move with the start date.
    locktime = Moment()
