"""What is remembered of stored archives and of schedules."""

from vault.models.archives import LooseFile, StoredArchive
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "StoredArchive",
]
