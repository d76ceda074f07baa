"""Running of schedules: backups that are due are queued, those of unchanged courses are not stored, each run gets a report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils.module_loading import import_string

from jobs import operations
from jobs.clock import database_now
from jobs.models import Job
from jobs.queue import WINDOW_OVER
from vault import retention, runs, storage
from vault.models import GOOD, Schedule, ScheduleEntry, ScheduleRun, StoredArchive
from vault.runs import RequestAll
from vault.runs import courses_of as courses_of

log = logging.getLogger(__name__)

State = ScheduleEntry.State

WITHHELD = "The archive is without people and their work: the owner of the schedule may not take them from this course."


INCOMPLETE = (
    "The archive is incomplete: {} missing or damaged here, and their files are left out. The job names them."
)


END_ENTRIES = """
    UPDATE vault_scheduleentry AS entry SET state = ended.state, reason = ended.reason
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS ended(id, state, reason)
    WHERE entry.id = ended.id AND entry.state = 'queued'
"""
"""Sets open entries to states, each for a reason of its own: most reasons name the minute of an archive."""

_requests: list[str] = []

_watchers: list[Callable[[ScheduleRun], None]] = []


def on_run_finish(watcher: Callable[[ScheduleRun], None]) -> Callable[[ScheduleRun], None]:
    """Decorator: register a function to be called with each run of a schedule when it has finished, with its report."""
    if watcher not in _watchers:
        _watchers.append(watcher)
    return watcher


def requested_by(request_all: str) -> None:
    """Name the function that requests scheduled backups, a `RequestAll`; it is imported when a run begins."""
    _requests[:] = [request_all]


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


def queue_due(*, now: datetime | None = None, request_all: RequestAll | None = None) -> list[ScheduleRun]:
    """Start each schedule that is due, once, however many processes call this at the same time; return the new runs.

    Runs that were missed while no worker ran become one run. Runs that were begun elsewhere get their jobs, too.
    """
    moment = now or database_now()
    close_runs(now=moment)
    begun_now = []
    due = Schedule.objects.filter(enabled=True, next_run__lte=moment).order_by("next_run", "pk")
    for schedule_id in list(due.values_list("pk", flat=True)):
        with _others_go_on("Schedule", schedule_id), transaction.atomic():
            schedule = due.select_for_update(skip_locked=True, of=("self",)).filter(pk=schedule_id).first()
            if schedule is not None:
                begun_now.append(begin_run(schedule, now=moment))
    begun = ScheduleRun.objects.filter(to_fill=True).exclude(pk__in=[run.pk for run in begun_now])
    for run in [*begun_now, *begun.order_by("started", "pk")]:
        with _others_go_on("Run", run.pk):
            _fill(run, request_all, now)
    return begun_now


@contextmanager
def _others_go_on(what: str, number: int) -> Iterator[None]:
    """Context manager: an error inside is logged and ends the block only, so that other schedules and runs are looked at."""
    try:
        yield
    except Exception:
        log.exception("%s %s failed; it is tried again with the next look at the schedules.", what, number)


def start_run(
    schedule: Schedule, *, now: datetime | None = None, request_all: RequestAll | None = None
) -> ScheduleRun:
    """Queue the backups of one schedule now, due or not, and set the time of its next run. Not for a web request."""
    run = begin_run(schedule, now=now)
    _fill(run, request_all, now)
    return run


def begin_run(schedule: Schedule, *, now: datetime | None = None) -> ScheduleRun:
    """Make a run of a schedule, due or not, and set the time of its next run; housekeeping queues the backups."""
    moment = now or database_now()
    with transaction.atomic():
        due = schedule.next_run if schedule.next_run and schedule.next_run <= moment else moment
        run = ScheduleRun.objects.create(
            schedule=schedule,
            due=due,
            window_from=runs.window_start(schedule, due, moment),
            started=moment,
            options=schedule.options,
            to_fill=True,
        )
        schedule.last_run = moment
        schedule.next_run = schedule.moment_after(moment) if schedule.enabled else None
        schedule.save(update_fields=["last_run", "next_run"])
    return run


def _fill(run: ScheduleRun, request_all: RequestAll | None, now: datetime | None) -> None:
    """Queue the backups of a run, by default with the function of the app of backups, and count its entries."""
    runs.fill(run, request_all or import_string(_requests[0]), now=now)
    # Another process that is at it would stop where the row is locked; it counts the entries when it has ended.
    if not run.to_fill:
        tally(run, now=now)


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


def tally(run: ScheduleRun, *, now: datetime | None = None) -> None:
    """Count a run's entries into its report, and finish the run if none is open."""
    with transaction.atomic():
        locked = ScheduleRun.objects.select_for_update().get(pk=run.pk)
        numbers = locked.entries.order_by().values_list("state").annotate(Count("pk"))
        counts: dict[str, int] = dict.fromkeys(State.values, 0) | dict(numbers)
        withheld = locked.entries.filter(state=State.SUCCEEDED, job__result__userdata_withheld=True).count()
        locked.report = dict(counts)
        if withheld:
            locked.report["withheld"] = withheld
        if incomplete := locked.entries.filter(
            state=State.SUCCEEDED, job__result__missing_contents__gt=0
        ).count():
            locked.report["incomplete"] = incomplete
        ends = not counts[State.QUEUED] and locked.finished is None and not locked.to_fill
        if ends:
            locked.finished = now or database_now()
        locked.save(update_fields=["report", "finished"])
    run.report, run.finished = locked.report, locked.finished
    for watcher in _watchers if ends else ():
        try:
            with transaction.atomic():
                watcher(run)
        except Exception:  # the run has finished all the same; watchers catch up when they run next
            log.exception("Run %s finished, and a watcher of that failed.", run.pk)


def incomplete_sentence(missing: int) -> str:
    """Return the sentence that an archive was made without so many contents, which are missing."""
    return INCOMPLETE.format("1 content is" if missing == 1 else f"{missing:,} contents are")


@operations.on_finish
def follow_up(job: Job) -> None:
    """Enter the end of a scheduled job into its run's report; after a success, prune the archives."""
    if job.schedule_entry is None:
        return
    run = job.schedule_entry.run
    if not _count_end(run, job):
        tally(run)
    if job.state == Job.State.SUCCEEDED and job.course is not None:
        retention.prune(run.schedule, job.course)


def _count_end(run: ScheduleRun, job: Job) -> bool:
    """Enter the end of a job into its entry and into the report; False if the entries of the run are to be counted.

    That is when the last one ended, or when they were not counted before. To count them at each end would take a night of
    10,000 backups a hundred million rows.
    """
    with transaction.atomic():
        # The lock keeps others from counting between the two changes.
        locked = ScheduleRun.objects.select_for_update().get(pk=run.pk)
        state, reason = _outcome(job)
        ended_now = _end_entries(ScheduleEntry.objects.filter(job=job), state, reason)
        report = dict(locked.report)
        if not ended_now or report.get(State.QUEUED, 0) < 2:
            return False
        ended = {State.QUEUED: -1, state: 1}
        if state == State.SUCCEEDED and job.result.get("userdata_withheld"):
            ended["withheld"] = 1
        if state == State.SUCCEEDED and job.result.get("missing_contents"):
            ended["incomplete"] = 1
        locked.report = report | {str(name): report.get(name, 0) + more for name, more in ended.items()}
        locked.save(update_fields=["report"])
    return True


def _end_entries(entries: QuerySet[ScheduleEntry], state: str, reason: str) -> int:
    """Set open entries to a state, for a reason; return their number. Entries that have ended are left alone."""
    return entries.filter(state=State.QUEUED).update(state=state, reason=reason)


def _outcome(job: Job) -> tuple[str, str]:
    """Return the state of the entry of a job that has ended, and the reason; "skipped" if the course had not changed."""
    state, reason = job.state, " ".join(part for part in (job.error, job.error_hint) if part)
    if job.error_code == WINDOW_OVER["error_code"]:
        state = State.SKIPPED
    elif state == Job.State.SUCCEEDED and job.result.get("unchanged"):
        state, reason = State.SKIPPED, "It has not changed since its last archive, which was kept."
        if job.archive is not None:
            made = job.archive.created
            reason = (
                f"It has not changed since the archive of {made:%Y-%m-%d %H:%M} UTC; no new one was stored."
            )
    elif state == Job.State.SUCCEEDED and (missing := job.result.get("missing_contents")):
        reason = incomplete_sentence(missing)
    elif state == Job.State.SUCCEEDED and job.result.get("userdata_withheld"):
        reason = WITHHELD
    return str(state), reason


def close_runs(*, now: datetime | None = None) -> None:
    """Update the reports of open runs from jobs that ended without `follow_up`, and finish runs that are over."""
    for run in ScheduleRun.objects.filter(finished=None, to_fill=False).order_by("pk"):
        with _others_go_on("Run", run.pk):
            _close_run(run, now)


def _close_run(run: ScheduleRun, now: datetime | None) -> None:
    """Update the report of an open run, and finish it if it is over; a few statements, however many jobs have ended."""
    waiting = run.entries.filter(state=State.QUEUED)
    over = waiting.filter(job__error_code=WINDOW_OVER["error_code"])
    over.update(state=State.SKIPPED, reason=WINDOW_OVER["error"])
    ended: list[tuple[int, str, str]] = []
    for entry in waiting.exclude(job__state__in=Job.OPEN).select_related("job__archive"):
        job: Job | None = getattr(entry, "job", None)
        found = _outcome(job) if job is not None else (State.FAILED.value, "Its job was deleted.")
        ended.append((entry.pk, *found))
    if ended:
        with connection.cursor() as cursor:
            cursor.execute(END_ENTRIES, [list(column) for column in zip(*ended, strict=True)])
    tally(run, now=now)
