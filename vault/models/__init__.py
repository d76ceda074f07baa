"""Models of stored archives, their manifests, loose files, schedules and their runs."""

from vault.models.archives import GOOD, GOOD_BACKUP, LooseFile, StoredArchive, StoredManifest, good
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "GOOD",
    "GOOD_BACKUP",
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "StoredArchive",
    "StoredManifest",
    "good",
]
