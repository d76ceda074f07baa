"""Models of stored archives, their manifests, loose files, schedules and their runs."""

from vault.models.archives import GOOD, LooseFile, StoredArchive, StoredManifest
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "GOOD",
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "StoredArchive",
    "StoredManifest",
]
