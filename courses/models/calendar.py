"""Calendar events of a course, its groups, its people and its activities."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath, RowCondition
from courses.fields import InstanceRef, Int, Moment, Ref, RichText, Text, UserRef
from courses.models.course import Activity, Course

OF_A_PERSON = RowCondition("eventtype", "user")
"""Events that a person made for himself. Moodle leaves them out of archives (`backup_calendarevents_structure_step`)."""

OF_AN_OVERRIDE = "({row}.priority IS NOT NULL AND {row}.userid > 0 AND {row}.groupid = 0)"
"""SQL: events of another date that one person has; without the person it would be everybody's."""


class CalendarEvent(ArchivedModel):
    """An event; `instance` is the activity that it belongs to, whose type `modulename` names."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="event",
        files=("calendar/event_description",),
        natural_key=("name", "timestart"),
        userdata_rows=f"({OF_A_PERSON.sql} OR {OF_AN_OVERRIDE})",
        personal_rows=OF_A_PERSON,
        archive_paths=[
            ArchivePath(
                "courses.Course",
                "event",
                member="course/calendar.xml",
                column="course_id",
                parent_column="id",
                where="{row}.activity_id IS NULL",
            ),
            ArchivePath(
                "courses.Activity", "event", member="calendar.xml", column="activity_id", parent_column="id"
            ),
        ],
    )

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="events")
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, null=True, related_name="events")
    name = RichText()
    description = RichText()
    format = Int()
    courseid = Ref("course")
    groupid = Ref("group")
    userid = UserRef()
    repeatid = Ref("event")
    modulename = Text(20)
    instance = InstanceRef(by="modulename")
    type = Int()
    eventtype = Text(20)
    timestart = Moment(shifts=True)
    timeduration = Int()
    timesort = Moment(null=True, shifts=True)
    visible = Int(default=1)
    uuid = Text(255)
    sequence = Int(default=1)
    timemodified = Moment()
    priority = Int(null=True)
    location = RichText(null=True)
