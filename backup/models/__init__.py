"""What is remembered about backups and restores."""

from backup.models.archives import Archive, LooseFile
from backup.models.jobs import Job, JobFinding, JobLine
from backup.models.options import OptionDefault
from backup.models.schedules import Schedule, ScheduleEntry, ScheduleRun
from backup.models.words import Kind, Operation, Severity

__all__ = [
    "Archive",
    "Job",
    "JobFinding",
    "JobLine",
    "Kind",
    "LooseFile",
    "Operation",
    "OptionDefault",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "Severity",
]
