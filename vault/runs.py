"""Filling a run of a schedule: an entry for each course, then its jobs, in chunks that are visible as they are committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from courses.models import Category, Course, User
from jobs.choices import ArchiveType
from jobs.clock import database_now
from jobs.models import Job
from jobs.queue import WINDOW_OVER
from vault.models import Schedule, ScheduleEntry, ScheduleRun, good
from vault.timetable import last_moment

log = logging.getLogger(__name__)

State = ScheduleEntry.State

CHUNK = 100
"""Courses whose jobs are queued in one transaction."""

ENTRIES = 1000
"""Entries that are inserted by one statement."""

BUSY = "The backup that a schedule queued before is not finished yet."
OWNERLESS = "The person who owned the schedule is gone. Choose another owner."
PASSING = (OperationalError, InterfaceError)
"""Errors of the database that pass, such as a deadlock or a time limit: the next look queues what is left."""

FAULT = "Coursekeep itself failed when it queued the backup. The server's log says why."


class RequestAll(Protocol):
    """A function that queues the backups of entries in a few statements and returns the refusals: sentences by id of entry.

    The jobs have the class `Priority.SCHEDULE`, their entry, and `start_by`. It is called in a transaction.
    """

    def __call__(
        self,
        entries: Sequence[ScheduleEntry],
        *,
        by: User,
        options: Mapping[str, str],
        start_by: datetime | None,
    ) -> dict[int, str]: ...


def courses_of(schedule: Schedule) -> QuerySet[Course]:
    """Return the courses that a schedule covers now: all, those of a category tree, or a list."""
    if schedule.scope == Schedule.Scope.LIST:
        return schedule.courses.order_by("pk")
    if schedule.scope == Schedule.Scope.CATEGORY:
        return Course.objects.filter(category__in=_category_tree(schedule.category_id)).order_by("pk")
    return Course.objects.order_by("pk")


def covered_by(schedules: Collection[Schedule]) -> dict[int, frozenset[int]]:
    """Return the ids of the courses that each schedule covers now, by the schedule's id, in three queries at most."""
    scopes = {schedule.scope for schedule in schedules}
    chosen: dict[int, list[int]] = {}
    if Schedule.Scope.LIST in scopes:
        rows = Schedule.courses.through.objects.filter(schedule__in=schedules)
        for schedule_id, course_id in rows.values_list("schedule_id", "course_id"):
            chosen.setdefault(schedule_id, []).append(course_id)
    categories: dict[int, int] = {}
    if scopes - {Schedule.Scope.LIST}:
        categories = dict(Course.objects.order_by().values_list("pk", "category_id"))
    below = _category_trees() if Schedule.Scope.CATEGORY in scopes else {}
    found: dict[int, frozenset[int]] = {}
    for schedule in schedules:
        if schedule.scope == Schedule.Scope.LIST:
            found[schedule.pk] = frozenset(chosen.get(schedule.pk, ()))
        elif schedule.scope == Schedule.Scope.CATEGORY:
            tree = _tree_of(schedule.category_id, below)
            found[schedule.pk] = frozenset(pk for pk, category in categories.items() if category in tree)
        else:
            found[schedule.pk] = frozenset(categories)
    return found


def _category_trees() -> dict[int | None, list[int]]:
    """Return the ids of the categories in each category; those of None are at the top."""
    below: dict[int | None, list[int]] = {}
    for category, parent in Category.objects.order_by().values_list("pk", "parent_id"):
        below.setdefault(parent, []).append(category)
    return below


def _category_tree(root: int | None) -> set[int]:
    """Return the ids of a category and of all below it; empty if the category is gone."""
    return _tree_of(root, _category_trees())


def _tree_of(root: int | None, below: Mapping[int | None, Sequence[int]]) -> set[int]:
    """Return the ids of a category and of all below it; empty for None."""
    found: set[int] = set()
    waiting = [] if root is None else [root]
    while waiting:
        category = waiting.pop()
        if category not in found:
            found.add(category)
            waiting += below.get(category, [])
    return found


def oldest_backup_first(courses: QuerySet[Course]) -> QuerySet[Course]:
    """Order courses by their last good backup, those without one first.

    A backup that was not stored because the course had not changed counts, as its archive is still good.
    """
    backups = Job.objects.filter(
        good("archive__"),
        course=OuterRef("pk"),
        operation="backup",
        archive_type=ArchiveType.COURSE,
        state=Job.State.SUCCEEDED,
    )
    last = Subquery(backups.order_by("-created").values("created")[:1])
    return courses.annotate(last_good=last).order_by(F("last_good").asc(nulls_first=True), "pk")


def fill(run: ScheduleRun, request_all: RequestAll, *, now: datetime | None = None) -> None:
    """Queue the backups of a run, chunk by chunk, until none is left or another process is at it. What is there stays.

    After an interruption the next call goes on. Backups that could not begin in the schedule's window are skipped.
    """
    while _fill_chunk(run.pk, request_all, now):
        pass
    run.refresh_from_db()


def _fill_chunk(run_id: int, request_all: RequestAll, now: datetime | None) -> bool:
    """Make the entries of a run, or queue the next chunk of its backups; False if nothing is left to do here."""
    with transaction.atomic():
        open_runs = ScheduleRun.objects.filter(pk=run_id, to_fill=True)
        run = (
            open_runs.select_for_update(skip_locked=True, of=("self",))
            .select_related("schedule__owner")
            .first()
        )
        if run is None:
            return False
        if not run.listed:
            _list_courses(run)
            return True
        left = run.entries.filter(state=State.QUEUED, job=None)
        chunk = list(left.select_related("course").order_by("pk")[:CHUNK])
        start_by = _end_of_window(run)
        if start_by is not None and start_by <= (now or database_now()):
            left.update(state=State.SKIPPED, reason=WINDOW_OVER["error"])
            chunk = []
        if not chunk:
            run.to_fill = False
            run.save(update_fields=["to_fill"])
            return False
        _queue_chunk(run, chunk, request_all, start_by)
    return True


def _list_courses(run: ScheduleRun) -> None:
    """Make the entries of a run, in the order in which their backups shall begin."""
    covered = oldest_backup_first(courses_of(run.schedule)).values_list("pk", "fullname")
    ScheduleEntry.objects.bulk_create(
        (
            ScheduleEntry(run=run, course_id=pk, title=title, state=State.QUEUED)
            for pk, title in covered.iterator(chunk_size=ENTRIES)
        ),
        batch_size=ENTRIES,
    )
    run.listed = True
    run.save(update_fields=["listed"])


def _end_of_window(run: ScheduleRun) -> datetime | None:
    """Return the moment from which on no backup of a run may begin; None without one.

    The window of a run that is late is that of the last moment at which the schedule was due.
    """
    if not run.schedule.window_hours:
        return None
    return (run.window_from or run.due) + timedelta(hours=run.schedule.window_hours)


def _queue_chunk(
    run: ScheduleRun,
    chunk: Sequence[ScheduleEntry],
    request_all: RequestAll,
    start_by: datetime | None,
) -> None:
    """Queue the backups of a chunk of entries; what is refused becomes the entry's reason and does not stop the others.

    Raises OperationalError or InterfaceError if the database fails: nothing of the chunk is queued then.
    """
    owner = run.schedule.owner
    if owner is None:
        _end(chunk, State.FAILED, {entry.pk: OWNERLESS for entry in chunk})
        return
    busy = _busy(chunk)
    wanted = [entry for entry in chunk if entry.course is not None and entry.course_id not in busy]
    request = partial(request_all, by=owner, options=run.options, start_by=start_by)
    try:
        refused = _requested(wanted, request)
    except IntegrityError as clash:
        if "job_one_scheduled_per_course" not in str(clash):
            raise
        # Another schedule queued the backup of one of the courses at this moment: the next look sees which.
        return
    _end(chunk, State.SKIPPED, {entry.pk: BUSY for entry in chunk if entry.course_id in busy})
    gone = {entry.pk: "The course was deleted." for entry in chunk if entry.course is None}
    _end(chunk, State.FAILED, {**gone, **refused})


def _requested(
    entries: Sequence[ScheduleEntry], request: Callable[[Sequence[ScheduleEntry]], dict[int, str]]
) -> dict[int, str]:
    """Queue the backups of entries and return the refusals. After a fault of the program they are queued one by one.

    So only the entry with the fault fails. Raises IntegrityError, and the errors of the database that pass.
    """
    try:
        with transaction.atomic():
            return request(entries)
    except (IntegrityError, *PASSING):
        raise
    except Exception:
        run_id = entries[0].run_id if entries else None
        log.exception("Run %s could not queue the backups of %s courses.", run_id, len(entries))
    if len(entries) == 1:
        return {entries[0].pk: FAULT}
    refused: dict[int, str] = {}
    for entry in entries:
        refused |= _requested([entry], request)
    return refused


def _busy(chunk: Sequence[ScheduleEntry]) -> set[int | None]:
    """Return the ids of the courses whose scheduled backup is not over."""
    open_jobs = Job.objects.filter(state__in=Job.OPEN, schedule_entry__isnull=False)
    courses = [entry.course_id for entry in chunk]
    return set(open_jobs.filter(course__in=courses).order_by().values_list("course_id", flat=True))


def _end(chunk: Sequence[ScheduleEntry], state: str, reasons: Mapping[int, str]) -> None:
    """Set entries of a chunk to a state, each with its reason."""
    ended = [entry for entry in chunk if entry.pk in reasons]
    for entry in ended:
        entry.state, entry.reason = state, reasons[entry.pk]
    if ended:
        ScheduleEntry.objects.bulk_update(ended, ["state", "reason"])


def window_start(schedule: Schedule, due: datetime, moment: datetime) -> datetime:
    """Return the last moment at which a schedule was due, from `due` up to `moment`."""
    return last_moment(schedule.moment_after, due, moment)
