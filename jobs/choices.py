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


class Severity(models.TextChoices):
    """The level of a finding or of a line in a job's log."""

    ERROR = "error", "error"
    WARNING = "warning", "warning"
    INFO = "info", "info"
