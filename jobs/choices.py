"""Choices that models of several apps share."""

from __future__ import annotations

from django.db import models


class ArchiveType(models.TextChoices):
    """The size of an archive: a whole course, one section or one activity."""

    COURSE = "course", "course"
    SECTION = "section", "section"
    ACTIVITY = "activity", "activity"


class Operation(models.TextChoices):
    """The operations that the site offers."""

    BACKUP = "backup", "backup"
    RESTORE = "restore", "restore"


class Priority(models.IntegerChoices):
    """The class of a job: a worker takes a job of the lowest number that waits."""

    WAITING = 0, "a person waits for the answer"
    RESTORE = 1, "restore"
    BACKUP = 2, "backup by hand"
    SCHEDULE = 3, "backup by a schedule"
    VERIFICATION = 4, "verification"


class Severity(models.TextChoices):
    """The level of a finding or of a line in a job's log."""

    ERROR = "error", "error"
    WARNING = "warning", "warning"
    INFO = "info", "info"
