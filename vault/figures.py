"""The figures of the whole site for the administrator: counted at once on a small site, by housekeeping on a large one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum

from courses.models import Course
from courses.paging import counted
from jobs.clock import database_now
from vault.catalogue import PARTIAL
from vault.models import GOOD, SiteFigures, StoredArchive


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of the site. `size` and `bin_size` are bytes; `without` are courses that were never backed up.

    `partial` are courses that were backed up, but never with people and their work; `bin` are archives of the recycle bin,
    which are among `archives`.
    """

    courses: int
    without: int
    partial: int
    archives: int
    size: int
    damaged: int
    bin: int
    bin_size: int


def figures() -> tuple[Figures, datetime | None]:
    """Return the figures, and when they were counted: None for now.

    They are counted now if the site has few archives (`courses.paging.MOST_COUNTED`), or if no housekeeping has counted them.
    """
    if counted(StoredArchive.objects.all()).more and (last := SiteFigures.objects.first()) is not None:
        return Figures(**last.figures), last.counted
    return count(), None


def count() -> Figures:
    """Count the whole site. On a large one this takes longer than a page may."""
    in_bin = Q(source=StoredArchive.Source.BIN)
    archives = StoredArchive.objects.order_by().aggregate(
        archives=Count("pk"),
        damaged=Count("pk", filter=~GOOD),
        bin=Count("pk", filter=in_bin),
        bin_size=Sum("size", filter=in_bin, default=0),
        # The name is that of the column: expressions after it would mean the sum.
        size=Sum("size", default=0),
    )
    return Figures(
        courses=Course.objects.count(),
        without=Course.objects.exclude(archives__archive_type="course").count(),
        partial=Course.objects.filter(PARTIAL).count(),
        **archives,
    )


def store() -> None:
    """Count the site and store the figures for the pages, if it is so large that pages need them."""
    if counted(StoredArchive.objects.all()).more:
        found = {"figures": asdict(count()), "counted": database_now()}
        SiteFigures.objects.update_or_create(only=True, defaults=found)
