"""Running of schedules: backups that are due are queued, those of unchanged courses are not stored, each run gets a report."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from archive.errors import CoursekeepError
from courses.models import Category, Course, User
from jobs import operations
from jobs.models import Job
from vault import retention, storage
from vault.models import GOOD, Schedule, ScheduleEntry, ScheduleRun, StoredArchive

log = logging.getLogger(__name__)

State = ScheduleEntry.State

BUSY = "The backup that a schedule queued before is not finished yet."


WITHHELD = "The archive is without people and their work: the owner of the schedule may not take them from this course."


INCOMPLETE = "The archive is incomplete: {} left out, as their contents are missing or damaged here. The job names them."


class Request(Protocol):
    """A function that requests the backup of one course: `backup.services.request_backup`."""

    def __call__(self, course: Course, *, by: User, options: Mapping[str, str]) -> Job: ...


_requests: list[Request] = []


def requested_by(request: Request) -> None:
    """Register the function that requests scheduled backups; the app of backups calls this when it is loaded."""
    _requests[:] = [request]


def courses_of(schedule: Schedule) -> QuerySet[Course]:
    """Return the courses that a schedule covers now: all, those of a category tree, or a list."""
    if schedule.scope == Schedule.Scope.LIST:
        return schedule.courses.order_by("pk")
    if schedule.scope == Schedule.Scope.CATEGORY:
        return Course.objects.filter(category__in=_category_tree(schedule.category_id)).order_by("pk")
    return Course.objects.order_by("pk")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The courses that a schedule covers now: their number, and the names of the first ones."""

    number: int
    first: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The number and the names in words: "2 courses: Biology and Geology"."""
        if not self.number:
            return "no course"
        more = self.number - len(self.first)
        names = [*self.first, f"{more:,} more"] if more else list(self.first)
        said = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        return f"{self.number:,} course{'' if self.number == 1 else 's'}: {said}"


def coverage(schedule: Schedule, *, names: int = 3) -> Coverage:
    """Return the number of courses that a schedule covers now, with the names of the first `names` of them."""
    covered = courses_of(schedule)
    first = covered.order_by("fullname", "pk").values_list("fullname", flat=True)[:names]
    return Coverage(covered.count(), tuple(first))


def _category_tree(root: int | None) -> set[int]:
    """Return the ids of a category and of all below it; empty if the category is gone."""
    below: dict[int | None, list[int]] = {}
    for category, parent in Category.objects.values_list("pk", "parent_id"):
        below.setdefault(parent, []).append(category)
    found: set[int] = set()
    waiting = [] if root is None else [root]
    while waiting:
        category = waiting.pop()
        if category not in found:
            found.add(category)
            waiting += below.get(category, [])
    return found


def queue_due(
    *,
    now: datetime | None = None,
    request: Request | None = None,
) -> list[ScheduleRun]:
    """Start each schedule that is due, once, however many processes call this at the same time.

    Runs that were missed while no worker ran become one run.
    """
    moment = now or timezone.now()
    close_runs(now=moment)
    runs = []
    due = Schedule.objects.filter(enabled=True, next_run__lte=moment).order_by("next_run", "pk")
    for schedule_id in list(due.values_list("pk", flat=True)):
        with transaction.atomic():
            schedule = due.select_for_update(skip_locked=True, of=("self",)).filter(pk=schedule_id).first()
            if schedule is not None:
                runs.append(start_run(schedule, now=moment, request=request))
    return runs


def start_run(
    schedule: Schedule,
    *,
    now: datetime | None = None,
    request: Request | None = None,
) -> ScheduleRun:
    """Queue the backups of one schedule now, due or not, and set the time of its next run."""
    moment = now or timezone.now()
    with transaction.atomic():
        due = schedule.next_run if schedule.next_run and schedule.next_run <= moment else moment
        run = ScheduleRun.objects.create(schedule=schedule, due=due, started=moment, options=schedule.options)
        schedule.last_run = moment
        schedule.next_run = schedule.moment_after(moment) if schedule.enabled else None
        schedule.save(update_fields=["last_run", "next_run"])
        for course, reason in _courses_with_skip_reason(run):
            if reason:
                _add_entry(run, course, State.SKIPPED, reason)
            else:
                _queue_backup(run, course, request or _requests[0])
        tally(run, now=moment)
    return run


def _courses_with_skip_reason(run: ScheduleRun) -> Iterator[tuple[Course, str]]:
    """Yield each course that the schedule covers, with the reason for skipping it, or ""."""
    busy = set(
        Job.objects.filter(state__in=Job.OPEN, schedule_entry__isnull=False).values_list(
            "course_id", flat=True
        )
    )
    for course in courses_of(run.schedule):
        yield course, BUSY if course.pk in busy else ""


def archive_with(content_digest: str, job: Job) -> StoredArchive | None:
    """Return the schedule's last good archive of the job's course, if it has this content and was made with the same options.

    None for a job that no schedule asked for, and if the schedule backs up unchanged courses too. Must run inside a
    transaction, to whose end the archive cannot be removed.
    """
    run = job.schedule_entry.run if job.schedule_entry else None
    if run is None or not run.schedule.skip_unchanged:
        return None
    made = StoredArchive.objects.filter(
        GOOD, schedule=run.schedule, course=job.course, source=StoredArchive.Source.SCHEDULE
    )
    last = made.select_for_update(of=("self",), no_key=True).order_by("-created", "-pk").first()
    if last is None or last.options != run.options or last.content_digest != content_digest:
        return None
    return last if storage.has_file(last) else None


def _queue_backup(run: ScheduleRun, course: Course, request: Request) -> None:
    """Request the backup of one course; a refusal becomes that course's entry and does not stop the others."""
    owner = run.schedule.owner
    if owner is None:
        _add_entry(
            run, course, State.FAILED, "The person who owned the schedule is gone. Choose another owner."
        )
        return
    try:
        with transaction.atomic():
            job = request(course, by=owner, options=run.options)
            job.schedule_entry = _add_entry(run, course, State.QUEUED)
            job.save(update_fields=["schedule_entry"])
    except IntegrityError as clash:
        if "job_one_scheduled_per_course" not in str(clash):
            raise
        _add_entry(run, course, State.SKIPPED, BUSY)
    except CoursekeepError as refusal:
        _add_entry(run, course, State.FAILED, refusal.sentence())
    except Exception:
        log.exception("Schedule %s could not queue the backup of course %s.", run.schedule_id, course.pk)
        sentence = "Coursekeep itself failed when it queued the backup. The server's log says why."
        _add_entry(run, course, State.FAILED, sentence)


def _add_entry(run: ScheduleRun, course: Course, state: str, reason: str = "") -> ScheduleEntry:
    return ScheduleEntry.objects.create(
        run=run, course=course, title=course.fullname, state=state, reason=reason
    )


def tally(run: ScheduleRun, *, now: datetime | None = None) -> None:
    """Count a run's entries into its report, and finish the run if none is open."""
    with transaction.atomic():
        locked = ScheduleRun.objects.select_for_update().get(pk=run.pk)
        counts = Counter(locked.entries.values_list("state", flat=True))
        withheld = locked.entries.filter(state=State.SUCCEEDED, job__result__userdata_withheld=True).count()
        locked.report = {state: counts[state] for state in State.values}
        if withheld:
            locked.report["withheld"] = withheld
        if incomplete := locked.entries.filter(
            state=State.SUCCEEDED, job__result__missing_contents__gt=0
        ).count():
            locked.report["incomplete"] = incomplete
        if not counts[State.QUEUED] and locked.finished is None:
            locked.finished = now or timezone.now()
        locked.save(update_fields=["report", "finished"])
    run.report, run.finished = locked.report, locked.finished


@operations.on_finish
def follow_up(job: Job) -> None:
    """Enter the end of a scheduled job into its run's report; after a success, prune the archives."""
    if job.schedule_entry is None:
        return
    run = job.schedule_entry.run
    _end_entries(ScheduleEntry.objects.filter(job=job), job)
    tally(run)
    if job.state == Job.State.SUCCEEDED and job.course is not None:
        retention.prune(run.schedule, job.course)


def _end_entries(entries: QuerySet[ScheduleEntry], job: Job) -> None:
    """Set open entries to the state in which their job ended; "skipped" if the course had not changed.

    Entries that have ended are left alone.
    """
    state, reason = job.state, " ".join(part for part in (job.error, job.error_hint) if part)
    if state == Job.State.SUCCEEDED and job.result.get("unchanged"):
        state, reason = State.SKIPPED, "It has not changed since its last archive, which was kept."
        if job.archive is not None:
            made = job.archive.created
            reason = (
                f"It has not changed since the archive of {made:%Y-%m-%d %H:%M} UTC; no new one was stored."
            )
    elif state == Job.State.SUCCEEDED and (missing := job.result.get("missing_contents")):
        reason = INCOMPLETE.format("1 file is" if missing == 1 else f"{missing:,} files are")
    elif state == Job.State.SUCCEEDED and job.result.get("userdata_withheld"):
        reason = WITHHELD
    entries.filter(state=State.QUEUED).update(state=state, reason=reason)


def close_runs(*, now: datetime | None = None) -> None:
    """Update the reports of open runs from jobs that ended without `follow_up`, and finish runs that are over."""
    for run in ScheduleRun.objects.filter(finished=None).order_by("pk"):
        waiting = run.entries.filter(state=State.QUEUED)
        for entry in waiting.exclude(job__state__in=Job.OPEN).select_related("job"):
            job: Job | None = getattr(entry, "job", None)
            if job is not None:
                _end_entries(ScheduleEntry.objects.filter(pk=entry.pk), job)
            else:
                waiting.filter(pk=entry.pk).update(state=State.FAILED, reason="Its job was deleted.")
        tally(run, now=now)
