"""Models of stored archives, their manifests, loose files, schedules and their runs, figures of the site."""

from vault.models.archives import GOOD, GOOD_BACKUP, LooseFile, StoredArchive, StoredManifest, good
from vault.models.figures import SiteFigures
from vault.models.schedules import Schedule, ScheduleEntry, ScheduleRun

__all__ = [
    "GOOD",
    "GOOD_BACKUP",
    "LooseFile",
    "Schedule",
    "ScheduleEntry",
    "ScheduleRun",
    "SiteFigures",
    "StoredArchive",
    "StoredManifest",
    "good",
]
