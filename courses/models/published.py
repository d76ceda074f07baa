"""Publishing as LTI tool (`enrol_lti`): a course or an activity that people of other sites use, and these people."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Echo, Int, LongText, Moment, Ref, Text, UserRef, Within
from courses.fields.secrets import Key
from courses.models.people import Enrol


class PublishedTool(ArchivedModel):
    """The published tool: the roles and settings of its people, and what is reported back; `contextid` is the context of
    the course or activity.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="enrol_lti_tool")

    enrol = Within(Enrol, "tool")
    enrolid = Echo()
    contextid = Ref("context")
    institution = Text(40)
    lang = Text(30, default="en")
    timezone = Text(100, default="99")
    maxenrolled = Int()
    maildisplay = Int(default=2)
    city = Text(120)
    country = Text(2)
    gradesync = Int()
    gradesynccompletion = Int()
    membersync = Int()
    membersyncmode = Int()
    roleinstructor = Ref("role")
    rolelearner = Ref("role")
    secret = Key(null=True)
    ltiversion = Text(15, default="LTI-1p3")
    timecreated = Moment()
    timemodified = Moment()


class PublishedToolUser(ArchivedModel):
    """A person from another site: the id there, and the address for grades. Pseudonyms do not hide it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="enrol_lti_user", userdata=True, personal=True
    )

    tool = Within(PublishedTool, "users/user")
    userid = UserRef()
    toolid = Echo()
    serviceurl = LongText(null=True)
    sourceid = LongText(null=True)
    consumerkey = Key(null=True)
    consumersecret = Key(null=True)
    membershipurl = LongText(null=True, optional=True)
    membershipsid = LongText(null=True)
