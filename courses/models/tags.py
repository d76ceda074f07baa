"""Tags, ratings and comments on records of all kinds."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import Code, Int, ItemRef, LongText, Moment, Ref, ScaleOrMaximum, Text, UserRef, Within
from courses.models.course import Activity, Course


class TagUse(ArchivedModel):
    """The columns of a tag on a record: the normalised name, and the name as it was typed."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(unique=False, natural_key=("name",), single=True)

    name = Text(255)
    rawname = Text(255)

    class Meta:
        abstract = True


class CourseTag(TagUse):
    """A tag on a course."""

    course = Within(Course, "tags/tag")


class ActivityTag(TagUse):
    """A tag on an activity."""

    activity = Within(Activity, "tags/tag")


class Rating(ArchivedModel):
    """The columns of a rating of somebody's contribution; each activity type with ratings has a model of its own."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    component = Code(100)
    ratingarea = Code(50)
    scaleid = ScaleOrMaximum()
    value = Int()
    userid = UserRef()
    timecreated = Moment()
    timemodified = Moment()

    class Meta:
        abstract = True


class Comment(ArchivedModel):
    """A comment on something in a course or an activity."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="comment",
        natural_key=("userid", "timecreated", "commentarea"),
        userdata=True,
        archive_paths=[
            ArchivePath("courses.Course", "comment", member="course/comments.xml"),
            ArchivePath("courses.Activity", "comment", member="comments.xml"),
            ArchivePath("courses.Block", "comment", member="comments.xml"),
        ],
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    component = Code(255, null=True)
    commentarea = Code(255)
    itemid = ItemRef(by=("component", "commentarea"), declared_in="comments")
    content = LongText()
    format = Int()
    userid = UserRef()
    timecreated = Moment()
