"""Limits of the site that an administrator can change: sizes of archives, and how many jobs run for how long."""

from __future__ import annotations

from dataclasses import dataclass

from archive.limits import DEFAULT, GIBIBYTE, MEBIBYTE, Limits
from archive.numbers import whole
from audit.protection import LEAST_DAYS
from jobs.models import SiteLimit


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: its name, its words on the page, and its bounds. `value`s are stored in the unit that the page shows.

    `scale` turns a value into bytes or seconds.
    """

    name: str
    label: str
    help: str
    unit: str
    default: int
    most: int
    scale: int = 1
    least: int = 1


STORAGES = {"archives": "archives", "pool": "files"}
"""What is in each storage whose jobs a site may limit, by its alias."""

OF_STORAGES = {alias: f"jobs_{alias}" for alias in STORAGES}
"""The limit of the jobs of each storage by its alias; 0 is none."""

LIMITS = (
    Limit(
        "upload",
        "Largest upload",
        "Size of one file that a person may upload.",
        "MB",
        20 * 1024,
        1024 * 1024,
        MEBIBYTE,
    ),
    Limit(
        "uploads_per_person",
        "Uploads of one person",
        "Size of all uploads of a person that are stored together.",
        "MB",
        100 * 1024,
        1024 * 1024 * 1024,
        MEBIBYTE,
    ),
    Limit(
        "unpacked",
        "Unpacked archive",
        "Size of all members of an archive together.",
        "MB",
        DEFAULT.unpacked // MEBIBYTE,
        1024 * 1024 * 1024,
        MEBIBYTE,
    ),
    Limit(
        "members",
        "Members of an archive",
        "Files in an archive; each takes about a kilobyte of memory.",
        "",
        DEFAULT.members,
        10_000_000,
    ),
    Limit(
        "look_memory",
        "Memory to look into an upload",
        "Memory of the process that opens an upload for the first time.",
        "MB",
        1024,
        64 * 1024,
        MEBIBYTE,
    ),
    Limit(
        "job_minutes",
        "Longest job",
        "A job that takes longer is stopped, and everything that it did is undone.",
        "minutes",
        12 * 60,
        7 * 24 * 60,
        60,
    ),
    Limit(
        "jobs_per_person",
        "Jobs of one person",
        "Jobs of a person that run at the same time, without those that a page waits for.",
        "",
        4,
        1000,
    ),
    Limit(
        "jobs_per_site",
        "Jobs of the site",
        "Jobs that run at the same time, without those that a page waits for.",
        "",
        32,
        10_000,
    ),
    *(
        Limit(
            name,
            f"Jobs at {STORAGES[alias]}",
            f"Jobs that use the storage of {STORAGES[alias]} at the same time, without those that a page waits for. "
            "A job that runs another one, such as the backup before a restore replaces something, counts as two. 0: no limit.",
            "",
            0,
            10_000,
            least=0,
        )
        for alias, name in OF_STORAGES.items()
    ),
    Limit(
        "bin_days",
        "Recycle bin",
        "What was removed is kept so long, then it is gone for good.",
        "days",
        7,
        3650,
    ),
    *(
        Limit(name, label, text, "days", default, most, least=LEAST_DAYS if name == "audit_days" else 1)
        for name, label, text, default, most in (
            ("job_days", "Jobs", "A job that ended is listed so long.", 365, 36500),
            ("line_days", "Lines of logs", "The log of a job has its lines so long.", 90, 36500),
            ("finding_days", "Findings of jobs", "The findings of a job are listed so long.", 365, 36500),
            (
                "run_days",
                "Reports of schedules",
                "The report of a run of a schedule is kept so long.",
                365,
                36500,
            ),
            ("session_days", "Sign-ins", "After so long people sign in again.", 14, 14),
            (
                "audit_days",
                "Audit trail",
                f"Who did what is recorded so long, at least {LEAST_DAYS} days.",
                730,
                36500,
            ),
            ("notice_days", "Notices", "A notice that was sent is listed so long.", 90, 36500),
        )
    ),
    Limit(
        "backup_hours",
        "Age of backups",
        "A course on a schedule without a good backup for so long becomes a notice.",
        "hours",
        48,
        24 * 366,
    ),
    Limit("digest_hour", "Daily summary", "Hour of the day (UTC) from which it is sent.", "o'clock", 6, 23),
    Limit(
        "notices_per_hour",
        "Notices of failures",
        "Nobody gets more in an hour from one person's jobs; runs of schedules do not count. The summary counts all failures.",
        "",
        20,
        1000,
    ),
)
"""All limits, in the order of the page. Commands on the server are bound by the sizes and the time only."""

BY_NAME = {limit.name: limit for limit in LIMITS}


def value(name: str) -> int:
    """Return a limit in the unit of the page: the administrator's, or the default."""
    return values(name)[name]


def values(*names: str) -> dict[str, int]:
    """Return some limits by name, as `value` does, by one statement."""
    stored = dict(SiteLimit.objects.filter(name__in=names).values_list("name", "value"))
    return {
        name: max(stored[name], BY_NAME[name].least) if name in stored else BY_NAME[name].default
        for name in names
    }


def scaled(name: str) -> int:
    """Return a limit in bytes or seconds, or as a plain number."""
    return value(name) * BY_NAME[name].scale


def of_archives() -> Limits:
    """Return the limits within which the site opens archives."""
    unpacked = scaled("unpacked")
    return Limits(unpacked=unpacked, member=min(unpacked, 100 * GIBIBYTE), members=value("members"))


def read(name: str, text: str) -> int | None:
    """Return the value that a text of the form stands for; None if the limit cannot have it."""
    return whole(text.strip(), least=BY_NAME[name].least, most=BY_NAME[name].most)
