"""Models of stored archives, loose files, schedules and their runs."""

from vault.models.archives import LooseFile, StoredArchive
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "StoredArchive",
]
