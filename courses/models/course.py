"""Courses, their sections and their activities."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import (
    LONGEST_NAME,
    Code,
    ConditionTree,
    DelegateRef,
    Echo,
    ForeignRef,
    FormatOptionValue,
    Int,
    LongText,
    Moment,
    Ref,
    RefList,
    RichText,
    Text,
    Within,
)
from courses.models.site import Category


class Course(ArchivedModel):
    """A course: `course/course.xml`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="course", file_options={"course/legacy": "legacyfiles"}
    )

    contextid = Ref("context", attribute=True, unique=True)
    shortname = Text(255)
    fullname = Text(LONGEST_NAME)
    idnumber = Text(100)
    summary = RichText(null=True)
    summaryformat = Int(default=1)
    format = Text(21, default="topics")
    showgrades = Int(default=1)
    newsitems = Int(default=1)
    startdate = Moment(shifts=True)
    enddate = Moment(shifts=True)
    marker = Int()
    maxbytes = Int()
    legacyfiles = Int()
    showreports = Int()
    visible = Int(default=1)
    groupmode = Int()
    groupmodeforce = Int()
    defaultgroupingid = Ref("grouping")
    lang = Text(30)
    theme = Text(50)
    timecreated = Moment()
    timemodified = Moment()
    requested = Int()
    showactivitydates = Int()
    showcompletionconditions = Int(null=True)
    pdfexportfont = Text(50, null=True)
    enablecompletion = Int()
    # Moodle's sites no longer have this column; its archives still have the element.
    completionstartonenrol = Int(null=True, optional=True)
    completionnotify = Int()
    enableaitools = Int(null=True, since="5.1")
    origin_release = Text(20, default="", omit="it is the release in the manifest")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="courses")

    class Meta:
        ordering = ("fullname", "id")

    def __str__(self) -> str:
        return str(self.fullname)


class Section(ArchivedModel):
    """A section of a course: `sections/section_ID/section.xml`. A section that an activity owns names that activity by
    `component` and `itemid`.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="course_section", files=("course/section",))

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="sections")
    number = Int()
    name = Text(LONGEST_NAME, null=True)
    summary = RichText(null=True)
    summaryformat = Int(default=1)
    sequence = RefList("course_module", null=True)
    visible = Int(default=1)
    availabilityjson = ConditionTree(null=True)
    component = Code(100, null=True)
    itemid = DelegateRef(null=True)
    timemodified = Moment()

    class Meta:
        ordering = ("number", "id")

    def __str__(self) -> str:
        return self.name or f"Section {self.number}"


class SectionFormatOption(ArchivedModel):
    """A setting of the course's format for one section."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        natural_key=("section", "format", "name"), single=True, compared=False
    )

    section = Within(Section, "course_format_options")
    format = Text(21)
    name = Text(100)
    value = FormatOptionValue(null=True)


class Activity(ArchivedModel):
    """An activity as the course sees it (the course module): `activities/TYPE_ID/module.xml`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="course_module", tag="module")

    version = Text(20, default="0", attribute=True)
    modulename = Text(50)
    section = ForeignRef("course_section", Section, tag="sectionid", related_name="activities")
    sectionnumber = Echo("(SELECT number FROM courses_section WHERE id = {row}.section_id)")
    idnumber = Text(100, null=True)
    added = Moment()
    score = Int()
    indent = Int()
    visible = Int(default=1)
    visibleoncoursepage = Int(default=1)
    visibleold = Int(default=1)
    groupmode = Int()
    groupingid = Ref("grouping")
    completion = Int()
    completiongradeitemnumber = Int(null=True)
    completionpassgrade = Int()
    completionview = Int()
    completionexpected = Moment(shifts=True)
    availability = ConditionTree(null=True)
    showdescription = Int()
    downloadcontent = Int(null=True, default=1)
    lang = Text(30, null=True)
    enableaitools = Int(null=True, since="5.1")
    enabledaiactions = LongText(null=True, since="5.1")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="activities")
    instance = Int(omit="it is the id in the activity's own file")
    contextid = Ref("context", omit="it is in the activity's own file", unique=True)
    title = Text(LONGEST_NAME, omit="it is the name in the activity's own file")

    class Meta:
        verbose_name_plural = "activities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["course", "modulename", "instance"], name="activity_instance")
        ]

    def __str__(self) -> str:
        return str(self.title)


class CourseFormatOption(ArchivedModel):
    """A setting of the course's format."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        numbered=False, natural_key=("course", "format", "sectionid", "name"), single=True, compared=False
    )

    course = Within(Course, "courseformatoptions/courseformatoption")
    # The format has this element; Moodle 4.5 leaves it out.
    courseid = Ref("course", null=True, optional=True)
    format = Text(21)
    sectionid = Ref("course_section")
    name = Text(100)
    value = FormatOptionValue(null=True)


class CourseCustomField(ArchivedModel):
    """The value of a custom field of courses."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="customfield",
        files=("customfield_textarea/value",),
        option="customfield",
        natural_key=("course", "shortname"),
        single=True,
        compared=False,
    )

    course = Within(Course, "customfields/customfield")
    shortname = Text(100)
    type = Code(100)
    value = RichText(null=True)
    valueformat = Int()
    valuetrust = Text(10)
