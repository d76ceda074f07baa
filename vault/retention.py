"""Retention: which archives of a schedule are retained, which are removed, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit.trail import record
from courses.models import Course
from jobs.clock import database_now
from jobs.models import Job
from vault import storage
from vault.models import Schedule, StoredArchive


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one archive is retained, and the reason as a sentence."""

    archive: StoredArchive
    keep: bool
    reason: str


def plan(
    archives: Iterable[StoredArchive], *, keep: int, now: datetime, in_use: Collection[int] = ()
) -> list[Decision]:
    """Decide which archives of one schedule and course are retained, newest first; nothing is removed.

    The newest `keep` archives without known damage are retained (0: all of them), so the last good one always is.
    Held archives and archives dated later than `now` are retained and do not count; damaged and incomplete ones do not
    count either. A damaged one is removed only if `keep` newer ones are good, an incomplete one if `keep` newer ones without
    damage lack no more contents than it does. The good archive with the highest id was stored last and is retained, whatever
    the dates say: a clock may have been wrong. `in_use` are the ids of archives that an open job
    (a restore) needs; they are retained. Raises ValueError if `keep` is negative.
    """
    if keep < 0:
        raise ValueError("A number of archives to keep is 0 (all) or more.")
    decisions = []
    counted = 0
    lacking: list[int] = []
    known = list(archives)
    last = max((archive.pk for archive in known if archive.good), default=0)
    for archive in sorted(known, key=lambda archive: (archive.created, archive.pk), reverse=True):
        if archive.keep:
            decision = Decision(archive, True, "It is held.")
        elif archive.created > now:
            decision = Decision(archive, True, "Its date is in the future, so its age is not known.")
        elif keep == 0:
            decision = Decision(archive, True, "The schedule keeps all archives.")
        elif counted >= keep and archive.pk == last:
            decision = Decision(archive, True, "It was stored last, though others have later dates.")
        elif counted >= keep:
            decision = _gone(archive, f"{_newer(keep)} newer.", in_use)
        elif archive.verify_errors:
            decision = Decision(archive, True, f"It is damaged, but not {_newer(keep)} newer.")
        elif not archive.good and sum(less <= archive.missing_contents for less in lacking) >= keep:
            decision = _gone(archive, f"It is incomplete, and {keep} newer ones lack no more.", in_use)
        elif not archive.good:
            decision = Decision(archive, True, f"It is incomplete, but not {_newer(keep)} newer.")
        else:
            counted += 1
            decision = Decision(archive, True, f"It is number {counted} of the {keep} newest that are kept.")
        if decision.keep and not archive.keep and archive.created <= now and not archive.verify_errors:
            lacking.append(archive.missing_contents)
        decisions.append(decision)
    return decisions


def _gone(archive: StoredArchive, reason: str, in_use: Collection[int]) -> Decision:
    """Return the decision to remove an archive, unless an open job needs it."""
    if archive.pk in in_use:
        return Decision(archive, True, "A restore is about to read it.")
    return Decision(archive, False, reason)


def _newer(keep: int) -> str:
    return "1 good archive is" if keep == 1 else f"{keep} good archives are"


def decisions_for(schedule: Schedule, course: Course, *, now: datetime | None = None) -> list[Decision]:
    """Return the decisions that `prune` would carry out on the archives of a schedule and a course."""
    archives = StoredArchive.objects.filter(
        schedule=schedule, course=course, source=StoredArchive.Source.SCHEDULE
    ).defer("summary", "options")
    waiting = Job.objects.filter(state__in=Job.OPEN, archive__in=archives).values_list(
        "archive_id", flat=True
    )
    in_use = {archive_id for archive_id in waiting if archive_id is not None}
    return plan(archives, keep=schedule.keep_count, now=now or database_now(), in_use=in_use)


def prune(schedule: Schedule, course: Course, *, now: datetime | None = None) -> list[Decision]:
    """Remove the archives that the schedule does not retain of this course. Call it after a successful backup.

    Return the decisions as they were carried out: an archive that was held or removed meanwhile is not among the removed ones.
    """
    done = []
    for decision in decisions_for(schedule, course, now=now):
        if decision.keep:
            done.append(decision)
            continue
        with transaction.atomic():
            # A person may have held it since it was read.
            archive = (
                StoredArchive.objects.select_for_update().filter(pk=decision.archive.pk, keep=False).first()
            )
            if archive is None:
                done.append(Decision(decision.archive, True, "It was held or removed meanwhile."))
                continue
            # A restore that was requested since then needs it. No other can be while the row is locked: its job refers to it.
            if Job.objects.filter(state__in=Job.OPEN, archive=archive).exists():
                done.append(Decision(decision.archive, True, "A restore of it was requested meanwhile."))
                continue
            record(
                "archive-expired",
                by=None,
                subject="archive",
                subject_id=archive.pk,
                title=archive.title,
                course=course.pk,
                schedule=schedule.pk,
            )
            storage.remove(archive)
            done.append(decision)
    return done
