"""Limits of the site that an administrator can change: sizes of archives, and how many jobs run for how long."""

from __future__ import annotations

from dataclasses import dataclass

from archive.limits import DEFAULT, GIBIBYTE, MEBIBYTE, Limits
from archive.numbers import whole_or
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
        "jobs_per_person", "Jobs of one person", "Jobs of a person that run at the same time.", "", 4, 1000
    ),
    Limit("jobs_per_site", "Jobs of the site", "Jobs that run at the same time.", "", 32, 10_000),
    Limit(
        "bin_days",
        "Recycle bin",
        "What was removed is kept so long, then it is gone for good.",
        "days",
        7,
        3650,
    ),
)
"""All limits, in the order of the page. Commands on the server are bound by the sizes and the time only."""

BY_NAME = {limit.name: limit for limit in LIMITS}


def value(name: str) -> int:
    """Return a limit in the unit of the page: the administrator's, or the default."""
    stored = SiteLimit.objects.filter(name=name).values_list("value", flat=True).first()
    return BY_NAME[name].default if stored is None else stored


def scaled(name: str) -> int:
    """Return a limit in bytes or seconds, or as a plain number."""
    return value(name) * BY_NAME[name].scale


def of_archives() -> Limits:
    """Return the limits within which the site opens archives."""
    unpacked = scaled("unpacked")
    return Limits(unpacked=unpacked, member=min(unpacked, 100 * GIBIBYTE), members=value("members"))


def read(name: str, text: str) -> int | None:
    """Return the value that a text of the form stands for; None if the limit cannot have it."""
    number = whole_or(text.strip(), 0)
    return number if 1 <= number <= BY_NAME[name].most else None
