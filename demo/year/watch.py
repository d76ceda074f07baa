"""The watch over a simulated year: each noon the site is compared with what was promised, and each fault is a sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.contrib.sessions.models import Session
from django.db.models import Model, Q

from audit.models import AuditEntry
from courses import pool
from courses.models import File
from courses.models.files import EMPTY
from demo.chaos.outcome import errors_of
from demo.year.dues import dues
from demo.year.site import LIMITS, YearSite
from jobs.models import Housekeeping, Job, JobFinding, JobLine
from notices.models import Notice
from transfer.models import RemovedItem
from vault import storage
from vault.models import LooseFile, Schedule, ScheduleEntry, ScheduleRun, StoredArchive
from vault.runs import courses_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SLACK = timedelta(hours=26)
"""Time after its limit in which a row has to be gone: a day from noon to noon, and the longest pause of a task."""

SAMPLES = 1
"""Good archives that are read from end to end each day."""

State = ScheduleEntry.State


class Known(NamedTuple):
    """An archive as it was seen at a noon."""

    schedule: int | None
    course: int | None
    source: str
    held: bool
    errors: int
    missing: int
    created: datetime

    @property
    def good(self) -> bool:
        """Whether nothing is known to be missing or damaged."""
        return not (self.errors or self.missing)

    def counts_for(self, other: Known) -> bool:
        """Whether this newer archive is one for which the other one may be removed."""
        return not self.errors and (self.missing == 0 or (other.missing >= self.missing and not other.errors))


@dataclass(frozen=True, slots=True)
class Bound:
    """A kind of rows that expires: the model, the column of its age, and the limit."""

    model: type[Model]
    column: str
    limit: str


BOUNDS = (
    Bound(Job, "finished", "job_days"),
    Bound(JobLine, "at", "line_days"),
    Bound(JobFinding, "job__finished", "finding_days"),
    Bound(ScheduleRun, "finished", "run_days"),
    Bound(AuditEntry, "at", "audit_days"),
    Bound(Notice, "sent", "notice_days"),
    Bound(RemovedItem, "removed", "bin_days"),
)


class Watch:
    """Checks a site each noon, by what it saw at the noon before. `most` has the most rows that a table has had."""

    def __init__(self, site: YearSite) -> None:
        self.site = site
        self.since = site.clock.moment
        self.calm_since = site.clock.moment
        self.archives: dict[int, Known] = {}
        self.keeps: dict[int, int] = {}
        self.next_dues: dict[int, datetime] = {}
        self.most: Counter[str] = Counter()
        self.removed = 0
        self.before_change()

    def before_change(self) -> None:
        """Note the schedules as they are before people change them today."""
        for schedule in Schedule.objects.all():
            self.keeps[schedule.pk] = schedule.keep_count

    def faults(self) -> Iterator[str]:
        """Yield each fault of the site since the last noon."""
        now = self.site.clock.moment
        if not self.site.worker.up or self.site.away:
            self.calm_since = now + DAY
        for check in (
            self._runs,
            self._entries,
            self._overdue,
            self._archives,
            self._expiry,
            self._sessions,
            self._housekeeping,
        ):
            yield from check(now)
        if not self.site.away:
            yield from self._files()
            yield from self._samples()
        self.since = now
        self.before_change()

    # Schedules.

    def _runs(self, now: datetime) -> Iterator[str]:
        """Each moment at which a schedule was due has begun a run, or belongs to one that began later."""
        if not self.site.worker.up:
            return
        for schedule in Schedule.objects.filter(enabled=True):
            due_since = schedule.due_since or self.since
            known = dues(
                max(due_since, now - 9 * DAY),
                now - HOUR,
                weekdays=schedule.weekdays,
                hour=schedule.hour,
                minute=schedule.minute,
                zone=schedule.timezone,
            )
            runs = list(schedule.runs.filter(started__gte=now - 20 * DAY).values_list("due", "started"))
            expected = list(known)
            for moment in expected:
                if not any(due <= moment <= started for due, started in runs):
                    yield f"{schedule} was due at {moment:%Y-%m-%d %H:%M} and did not run."
            for due, started in runs:
                if due > max(due_since, now - 8 * DAY) and due not in expected and started > due_since:
                    yield f"{schedule} ran for {due:%Y-%m-%d %H:%M}, when it was not due."
        for run in ScheduleRun.objects.filter(finished=None, started__lt=now - 12 * HOUR):
            if self._calm(now - DAY):
                yield f"Run {run.pk} of {run.started:%Y-%m-%d %H:%M} has not ended."

    def _calm(self, since: datetime) -> bool:
        """Whether nothing that takes a night has disturbed the site since a moment."""
        return since > self.calm_since

    def _entries(self, now: datetime) -> Iterator[str]:
        """Each course of a run that ended has an archive, or a reason; who failed has a notice."""
        finished = ScheduleRun.objects.filter(finished__gt=self.since).select_related("schedule")
        for run in finished:
            entries = list(run.entries.select_related("job"))
            covered = set(
                courses_of(run.schedule)
                .filter(timecreated__lt=int(run.started.timestamp()) - 60)
                .values_list("pk", flat=True)
            )
            if run.schedule.scope == Schedule.Scope.ALL and (
                missing := covered - {one.course_id for one in entries}
            ):
                yield f"Run {run.pk} has no entry of course {min(missing)}."
            told = Notice.objects.filter(kind=Notice.Kind.FAILURE, key=f"run:{run.pk}").exists()
            for entry in entries:
                job = getattr(entry, "job", None)
                yield from self._entry(run, entry, job if isinstance(job, Job) else None, told)

    def _entry(self, run: ScheduleRun, entry: ScheduleEntry, job: Job | None, told: bool) -> Iterator[str]:
        name = f"Course {entry.course_id} in run {run.pk} of {run.started:%Y-%m-%d}"
        archive = self._now.get(job.archive_id or 0) if job is not None else None
        unchanged = job is not None and bool(job.result.get("unchanged"))
        if entry.state == State.QUEUED:
            yield f"{name} is queued, and the run has ended."
        elif entry.state == State.FAILED and not told:
            yield f"{name} failed, and nobody was told: {entry.reason}"
        elif entry.state in (State.FAILED, State.SKIPPED, State.CANCELLED) and not entry.reason:
            yield f"{name} is {entry.state} without a reason."
        elif (
            job is not None and entry.course_id is not None and (entry.state == State.SUCCEEDED or unchanged)
        ):
            if archive is None:
                yield f"{name} has no archive, and is {entry.state}."
            elif not archive.good and not entry.reason:
                yield f"{name} is {entry.state}, and its archive is not good."
            elif not unchanged and archive.created < run.started:
                yield f"{name} succeeded with an archive that is older than the run."

    def _overdue(self, now: datetime) -> Iterator[str]:
        """A course without a good backup since its schedule was due two days ago has been told of this morning."""
        if not self._calm(now - DAY):
            return
        for schedule in Schedule.objects.filter(enabled=True):
            due = list(
                dues(
                    max(schedule.due_since or now, now - 11 * DAY),
                    now - 2 * DAY - 12 * HOUR,
                    weekdays=schedule.weekdays,
                    hour=schedule.hour,
                    minute=schedule.minute,
                    zone=schedule.timezone,
                )
            )
            if not due:
                continue
            covered = courses_of(schedule).filter(timecreated__lt=int(due[-1].timestamp()))
            jobs = Job.objects.filter(
                operation="backup",
                archive_type="course",
                state=Job.State.SUCCEEDED,
                created__gte=due[-1] - HOUR,
                archive__isnull=False,
                archive__verify_errors=0,
                archive__missing_contents=0,
            )
            late = set(covered.values_list("pk", flat=True)) - set(jobs.values_list("course_id", flat=True))
            told = Notice.objects.filter(key=f"overdue:{schedule.pk}:{now:%Y-%m-%d}")
            if late and not told.exists():
                yield f"Course {min(late)} has no backup since {due[-1]:%Y-%m-%d}, and nobody was told."

    # Archives.

    @property
    def _now(self) -> dict[int, Known]:
        """The archives that are there at this noon."""
        if self._seen_at != self.site.clock.moment:
            self._seen = _archives_now()
            self._seen_at = self.site.clock.moment
        return self._seen

    _seen_at: datetime | None = None
    _seen: dict[int, Known] = {}

    def _archives(self, now: datetime) -> Iterator[str]:
        """Nothing is removed but what retention and the recycle bin let go, and nothing that they let go stays."""
        there = self._now
        counted: dict[tuple[int | None, int | None], list[tuple[int, Known]]] = defaultdict(list)
        for pk, one in {**self.archives, **there}.items():
            held = one.held and self.archives.get(pk, one).held
            if one.source == "schedule" and not held:
                counted[one.schedule, one.course].append((pk, one))
        for pk, one in self.archives.items():
            if pk in there:
                continue
            self.removed += 1
            keep = min(self._keeps(one.schedule), default=0)
            newer = [
                other
                for other, its in counted[one.schedule, one.course]
                if other > pk and its.counts_for(one)
            ]
            if one.held and pk not in self.site.let_go:
                yield f"Archive {pk} was held, and is gone."
            elif one.source == "bin":
                if one.created > now - timedelta(days=LIMITS["bin_days"]):
                    yield f"Archive {pk} of the recycle bin is gone before its time."
            elif one.source != "schedule" or len(newer) < keep:
                yield f"Archive {pk} of {one.created:%Y-%m-%d} is gone, and {len(newer)} newer ones are good; {keep} stay."
        yield from self._too_many(there)
        self.archives = dict(there)

    def _keeps(self, schedule: int | None) -> set[int]:
        """Return the numbers of archives of each course that a schedule has retained since the last noon."""
        now = Schedule.objects.filter(pk=schedule or 0).values_list("keep_count", flat=True).first()
        return {keep for keep in (now, self.keeps.get(schedule or 0)) if keep is not None}

    def _too_many(self, there: dict[int, Known]) -> Iterator[str]:
        """A course that was stored since the last noon has no more archives than its schedule retains."""
        stored = {
            (one.schedule, one.course)
            for pk, one in there.items()
            if pk not in self.archives and one.source == "schedule" and one.good and one.course is not None
        }
        # What a check or a restore waits to read stays until the next backup.
        wanted = Job.objects.filter(archive__isnull=False).exclude(operation="backup")
        read = set(
            wanted.filter(Q(finished=None) | Q(finished__gt=self.since)).values_list("archive", flat=True)
        )
        counts: Counter[tuple[int | None, int | None]] = Counter(
            (one.schedule, one.course)
            for pk, one in there.items()
            if one.source == "schedule" and one.good and not one.held and pk not in read
        )
        for schedule, course in stored:
            most = max(self._keeps(schedule), default=0)
            # A held archive that was let go today stays until the next backup.
            if counts[schedule, course] > most + len(self.site.let_go):
                yield f"Course {course} has {counts[schedule, course]} archives of schedule {schedule}; {most} stay."

    def _samples(self) -> Iterator[str]:
        good = [pk for pk, one in self._now.items() if one.good and pk not in self.site.damaged]
        for pk in self.site.random.sample(good, min(SAMPLES, len(good))):
            for error in errors_of(StoredArchive.objects.get(pk=pk))[:1]:
                yield f"Archive {pk} is called good, and is not: {error}"

    # Rows and files.

    def _expiry(self, now: datetime) -> Iterator[str]:
        """No row is older than its limit and a day."""
        for bound in BOUNDS:
            rows = bound.model._default_manager
            self.most[bound.model.__name__] = max(self.most[bound.model.__name__], rows.count())
            before = max(now - timedelta(days=LIMITS[bound.limit]) - SLACK, now - timedelta(days=10_000))
            old = rows.filter(**{f"{bound.column}__lt": before}).count()
            if old and self._calm(now - DAY):
                yield f"{old} rows of {bound.model.__name__} are older than {LIMITS[bound.limit]} days."
        if (old := LooseFile.objects.filter(since__lt=now - 2 * DAY).count()) and self._calm(now - DAY):
            yield f"{old} files without an archive were not swept."

    def _sessions(self, now: datetime) -> Iterator[str]:
        self.most["Session"] = max(self.most["Session"], Session.objects.count())
        if self._calm(now - DAY) and (old := Session.objects.filter(expire_date__lt=now - SLACK).count()):
            yield f"{old} sessions are over and were not removed."

    def _housekeeping(self, now: datetime) -> Iterator[str]:
        """No periodic task ended with an error while nothing disturbed the site."""
        if self._calm(now - DAY):
            for task in Housekeeping.objects.exclude(error="").order_by("name"):
                yield f"{task.name} of {task.began:%Y-%m-%d %H:%M} ended with {task.error}."

    def _files(self) -> Iterator[str]:
        """The storages have the files that the database names, and no others."""
        named = set(StoredArchive.objects.values_list("file", flat=True))
        loose = set(LooseFile.objects.values_list("file", flat=True))
        there = set(_files_in(Path(storage.archives().path(""))))
        if lost := named - there:
            yield f"{len(lost)} archives have no file: {min(lost)}"
        if strange := there - named - loose:
            yield f"{len(strange)} files are in the storage of archives, and no row names them: {min(strange)}"
        needed = File.objects.exclude(contenthash__in=["", EMPTY]).order_by()
        wanted = {pool.name_of(sha1) for sha1 in needed.values_list("contenthash", flat=True).distinct()}
        if gone := wanted - self.site.lost - set(_files_in(Path(pool.storage().path("")))):
            yield f"{len(gone)} contents are gone from the pool: {min(gone)}"


def _archives_now() -> dict[int, Known]:
    rows = StoredArchive.objects.values_list(
        "pk", "schedule", "course", "source", "keep", "verify_errors", "missing_contents", "created"
    )
    return {
        pk: Known(schedule, course, source, held, errors, missing, created)
        for pk, schedule, course, source, held, errors, missing, created in rows
    }


def _files_in(folder: Path) -> Iterator[str]:
    """Yield the names of the files in a storage, without its sentinel and its unfinished files."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".parts/") and name != "coursekeep-site.txt":
            yield name
