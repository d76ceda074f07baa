"""Groups and groupings of a course's people: `groups.xml`."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Code, Int, LongText, Moment, Ref, RichText, Text, UserRef, Within
from courses.fields.secrets import Password
from courses.models.course import Course

MEMBER = "groups.xml"


class Group(ArchivedModel):
    """A group of people in the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="group",
        files=("group/description", "group/icon"),
        option="groups",
        natural_key=("name",),
        same_by=("name", "idnumber", "description"),
    )

    course = Within(Course, "group", member=MEMBER)
    name = Text(254)
    idnumber = Text(100)
    description = RichText(null=True)
    descriptionformat = Int(default=1)
    enrolmentkey = Password(50, null=True)
    picture = Int()
    visibility = Int()
    participation = Int(default=1)
    timecreated = Moment()
    timemodified = Moment()


class GroupMember(ArchivedModel):
    """A membership of a person in a group; `itemid` is the enrolment method if one added the person."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, natural_key=("userid",), single=True)

    group = Within(Group, "group_members/group_member")
    userid = UserRef()
    timeadded = Moment()
    component = Code(100)
    itemid = Ref("enrol")


class CustomFieldValue(ArchivedModel):
    """The value of a custom field of groups or groupings."""

    shortname = Text(100)
    type = Code(100)
    value = RichText(null=True)
    valueformat = Int()
    valuetrust = Text(10)

    class Meta:
        abstract = True


class GroupCustomField(CustomFieldValue):
    """The value of a custom field of groups."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        option="groups", natural_key=("groupid", "shortname"), single=True
    )

    course = Within(Course, "groupcustomfields/groupcustomfield", member=MEMBER)
    groupid = Ref("group")


class Grouping(ArchivedModel):
    """A set of groups."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grouping",
        files=("grouping/description",),
        option="groups",
        natural_key=("name",),
        same_by=("name", "idnumber", "description"),
    )

    course = Within(Course, "groupings/grouping", member=MEMBER)
    name = Text(255)
    idnumber = Text(100)
    description = RichText(null=True)
    descriptionformat = Int(default=1)
    configdata = LongText(null=True)
    timecreated = Moment()
    timemodified = Moment()


class GroupingGroup(ArchivedModel):
    """A group in a grouping."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(natural_key=("groupid",), single=True)

    grouping = Within(Grouping, "grouping_groups/grouping_group")
    groupid = Ref("group")
    timeadded = Moment()


class GroupingCustomField(CustomFieldValue):
    """The value of a custom field of groupings."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        option="groups", natural_key=("groupingid", "shortname"), single=True
    )

    course = Within(Course, "groupings/groupingcustomfields/groupingcustomfield", member=MEMBER)
    groupingid = Ref("grouping")
