"""How the assessments of a workshop are graded, and when work is given out to assess.

Of the three ways to give out work only the scheduled one has settings. What all three decide is in the assessments: each
is a submission, its reviewer and a weight.
"""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.activity import Workshop
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, Moment, Text, Within


class WorkshopBestSettings(ArchivedModel):
    """How strictly assessments are compared with the best one."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    workshop = Within(Workshop, "subplugin_workshopeval_best_workshop/workshopeval_best_settings")
    comparison = Int(null=True, default=5)


class WorkshopScheduledAllocation(ArchivedModel):
    """Work that is given out by itself when the submission phase ends, and how that went the last time.

    `submissionend` is the workshop's when this was saved; `settings` are those of the random allocation. Moodle
    4.5 does not put it into archives and ignores it in ours.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    workshop = Within(Workshop, "subplugin_workshopallocation_scheduled_workshop")
    enabled = Int()
    submissionend = Moment(shifts=True)
    timeallocated = Moment(null=True)
    settings = LongText(null=True)
    resultstatus = Int(null=True)
    resultmessage = Text(1333, null=True)
    resultlog = LongText(null=True)
