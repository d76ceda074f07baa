"""What is remembered of stored archives and of schedules."""

from vault.models.archives import Archive, LooseFile
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "Archive",
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
]
