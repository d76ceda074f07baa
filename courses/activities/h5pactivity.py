"""An H5P activity: interactive content, and the attempts at it."""

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
    Number,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)


class H5pActivity(Content):
    """Interactive content of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="H5P",
        logged_ids={
            "mod_h5pactivity/attemptid": "h5pactivity_attempt",
        },
    )

    name = Text(LONGEST_NAME)
    timecreated = Moment()
    timemodified = Moment()
    intro = RichText(null=True)
    introformat = Int()
    grade = ScaleOrMaximum(null=True, default=0)
    displayoptions = Int()
    enabletracking = Int(default=1)
    grademethod = Int(default=1)
    reviewmode = Int(null=True, default=1)

    links = (
        ("H5PACTIVITYVIEWBYID", "/mod/h5pactivity/view.php?id=$1", ("course_module",)),
        ("H5PACTIVITYINDEX", "/mod/h5pactivity/index.php?id=$1", ("course",)),
    )

    class Meta:
        verbose_name = "H5P activity"


class H5pActivityAttempt(ArchivedModel):
    """A person's attempt; `scaled` is the score divided by the maximum, 0 to 1."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="h5pactivity_attempt", userdata=True)

    activity = Within(H5pActivity, "attempts/attempt")
    h5pactivityid = Echo()
    userid = UserRef()
    timecreated = Moment()
    timemodified = Moment()
    attempt = Int(default=1)
    rawscore = Int(null=True, default=0)
    maxscore = Int(null=True, default=0)
    duration = Int(null=True, default=0)
    completion = Int(null=True)
    success = Int(null=True)
    scaled = Number(max_digits=10, decimal_places=5, default=0)


class H5pActivityResult(ArchivedModel):
    """The result of one part of the content in an attempt."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="h5pactivity_attempt_result", userdata=True)

    attempt = Within(H5pActivityAttempt, "results/result")
    attemptid = Echo()
    subcontent = Text(128, null=True)
    timecreated = Moment()
    interactiontype = Code(128, null=True)
    description = LongText(null=True)
    correctpattern = LongText(null=True)
    response = LongText()
    additionals = LongText(null=True)
    rawscore = Int()
    maxscore = Int()
    duration = Int(null=True, default=0)
    completion = Int(null=True)
    success = Int(null=True)
