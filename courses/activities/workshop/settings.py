"""Settings of a workshop: the evaluation of assessments and the scheduled allocation of submissions.

Of the three allocation methods only the scheduled one has settings. The results of all three are the assessments: each has
a submission, a reviewer and a weight.
"""

from __future__ import annotations

from typing import ClassVar

from courses.activities.workshop.activity import Workshop
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, Moment, Text, Within


class WorkshopBestSettings(ArchivedModel):
    """The strictness with which assessments are compared with the best one (evaluation method "best")."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    workshop = Within(Workshop, "subplugin_workshopeval_best_workshop/workshopeval_best_settings")
    comparison = Int(null=True, default=5)


class WorkshopScheduledAllocation(ArchivedModel):
    """The automatic allocation of submissions at the end of the submission phase, and the result of its last run.

    `submissionend` is the workshop's value when this was saved; `settings` are those of the random allocation. Moodle 4.5
    neither writes nor reads it.
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
