"""A BigBlueButton room: meetings in the browser, what happened in them, and their recordings."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Echo,
    Int,
    LongText,
    Moment,
    Ref,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)
from courses.fields.participants import MeetingDetails, Participants
from courses.fields.secrets import Password


class BigBlueButtonBn(Content):
    """A meeting room. Its opening and closing times move with the start date; Moodle does not move them."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="BigBlueButton", userdata_files=("mod_bigbluebuttonbn/recordings",)
    )

    type = Int()
    course = Ref("course")
    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int(default=1)
    meetingid = Text(255)
    moderatorpass = Password(255)
    viewerpass = Password(255)
    wait = Int()
    record = Int()
    recordallfromstart = Int()
    recordhidebutton = Int()
    welcome = LongText(null=True)
    voicebridge = Int()
    openingtime = Moment(shifts=True)
    closingtime = Moment(shifts=True)
    timecreated = Moment()
    timemodified = Moment(shifts=True)
    presentation = LongText(null=True)
    participants = Participants(null=True)
    userlimit = Int()
    recordings_html = Int()
    recordings_deleted = Int(default=1)
    recordings_imported = Int()
    recordings_preview = Int()
    clienttype = Int()
    muteonstart = Int()
    completionattendance = Int()
    completionengagementchats = Int()
    completionengagementtalks = Int()
    completionengagementraisehand = Int()
    completionengagementpollvotes = Int()
    completionengagementemojis = Int()
    guestallowed = Int(null=True, default=0)
    mustapproveuser = Int(null=True, default=1)
    showpresentation = Int(default=1)
    grade = ScaleOrMaximum(null=True, since="5.0")

    links = (
        ("BIGBLUEBUTTONBNVIEWBYID", "/mod/bigbluebuttonbn/view.php?id=$1", ("course_module",)),
        ("BIGBLUEBUTTONBNINDEX", "/mod/bigbluebuttonbn/index.php?id=$1", ("course",)),
    )

    class Meta:
        verbose_name = "BigBlueButton room"


class BigBlueButtonBnLog(ArchivedModel):
    """A log entry of the room: an event and the person."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="bigbluebuttonbn_logs", userdata=True)

    room = Within(BigBlueButtonBn, "logs/log")
    courseid = Ref("course")
    bigbluebuttonbnid = Echo()
    userid = UserRef(null=True)
    timecreated = Moment(shifts=True)
    meetingid = Text(256, personal="empty")
    log = Code(32)
    meta = MeetingDetails(null=True, personal="null")


class BigBlueButtonBnRecording(ArchivedModel):
    """A recording, stored on the meeting server, where people can be seen and heard; `headlesss` is the format's spelling."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="bigbluebuttonbn_recordings", userdata=True, personal=True
    )

    room = Within(BigBlueButtonBn, "recordings/recording")
    courseid = Ref("course")
    bigbluebuttonbnid = Echo()
    groupid = Ref("group", null=True)
    recordingid = Text(64)
    headless = Int(tag="headlesss", null=True, optional=True)
    imported = Int()
    status = Int()
    importeddata = RichText(null=True)
    timecreated = Moment(shifts=True)
    timemodified = Moment(null=True, since="5.1")
