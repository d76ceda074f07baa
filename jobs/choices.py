"""The words that several models choose from."""

from __future__ import annotations

from django.db import models


class ArchiveType(models.TextChoices):
    """What a backup holds."""

    COURSE = "course", "course"
    SECTION = "section", "section"
    ACTIVITY = "activity", "activity"


class Operation(models.TextChoices):
    """What a job does."""

    BACKUP = "backup", "backup"
    RESTORE = "restore", "restore"


class Severity(models.TextChoices):
    """How much a finding or a line of a job's log matters."""

    ERROR = "error", "error"
    WARNING = "warning", "warning"
    INFO = "info", "info"
