"""The saved states of interactive content: `xapistate.xml` of an activity."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Code, LongText, Moment, Ref, UserRef, Within
from courses.models.course import Activity


class XapiState(ArchivedModel):
    """A person's saved state in an activity's content; `itemid` is the activity's context."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="xapistate", userdata=True)

    activity = Within(Activity, "state", member="xapistate.xml")
    component = Code(255)
    userid = UserRef(null=True)
    itemid = Ref("context")
    stateid = Code(255)
    statedata = LongText(null=True)
    registration = Code(255, null=True)
    timecreated = Moment()
    timemodified = Moment(null=True)
