"""A worker of a simulated site, in this process: its housekeeping, and the jobs, with the product's own functions.

A night has a job for each course. Rendering a course that did not change takes the engine as long as one that did, and a year
of 500 courses would be 182,500 of these. So most jobs of unchanged courses are ended by one statement, as by workers whose
processes died right after their commit: the runs' reports, the entries of the audit trail and the notices come from the
product's functions for that case. A sample of them is rendered, and has to be found unchanged.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from random import Random

from django.db import connection

from config.celery import app
from demo.year.clock import Clock
from jobs import claims, runner
from jobs.housekeeping import Periodic, run_if_due
from jobs.models import Job
from vault.models import GOOD, StoredArchive

SAMPLE = 1
"""Jobs of unchanged courses that are rendered in each look for jobs."""

JOB_SECONDS = (15, 90)
"""Seconds that one job takes by the clock, at least and at most."""

END_UNCHANGED = """
    UPDATE jobs_job AS job
    SET state = 'succeeded', attempts = attempts + 1, worker = 'year', started = statement_timestamp(),
        heartbeat = statement_timestamp(), progressed = statement_timestamp(), committed = statement_timestamp(),
        finished = statement_timestamp(), archive_id = last.archive,
        result = jsonb_build_object('unchanged', true, 'archive_id', last.archive, 'course_id', job.course_id)
    FROM unnest(%s::bigint[], %s::bigint[]) AS last(job, archive)
    WHERE job.id = last.job AND job.state = 'queued'
"""


def no_message(job_id: int) -> None:
    """Notify nobody: the one worker of the site looks for jobs by itself."""


@cache
def periodic_tasks() -> tuple[Periodic, ...]:
    """Return the periodic tasks of a worker."""
    app.loader.import_default_modules()
    entries = app.conf.beat_schedule.values()
    return tuple(
        Periodic(entry["task"], entry["schedule"], app.tasks[entry["task"]].run) for entry in entries
    )


def keep_house() -> None:
    """Run the periodic tasks that are due, as a worker's threads do."""
    for task in periodic_tasks():
        run_if_due(task)


class Worker:
    """The worker of a site. `up` is false while it is stopped; `quick` is whether unchanged courses are ended by one statement.

    `fresh` has the last archive of each schedule and course that did not change since. `changes` counts the changes of a
    course, `stored` has their number at the last complete archive of a schedule and course. `seconds` bounds what a job takes.
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self.clock = clock
        self.random = random
        self.up = True
        self.quick = True
        self.seconds = JOB_SECONDS
        self.stops_after: int | None = None
        self.fresh: dict[tuple[int, int], int] = {}
        self.changes: Counter[int] = Counter()
        self.stored: dict[tuple[int, int], int] = {}
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def changed(self, course: int) -> None:
        """Note that a course has changed: its next backup has to store it."""
        self.changes[course] += 1
        self.render(course)

    def render(self, course: int) -> None:
        """Let the next backup of a course be rendered, whether it has changed or not."""
        for key in [key for key in self.fresh if key[1] == course]:
            del self.fresh[key]

    def work(self, until: datetime) -> bool:
        """Run jobs while there are any and the worker is up, and the moment has not come; keep house meanwhile.

        Return whether there were jobs, and the worker is up.
        """
        if self.quick and self.up and self.stops_after is None:
            self.end_unchanged()
        done = 0
        while self.up and self.clock.moment < until:
            if self.stops_after == 0:
                self._die()
                break
            job = runner.run_best()
            if job is None:
                break
            self._note(job)
            done += 1
            if self.stops_after is not None:
                self.stops_after -= 1
            self.clock.advance(timedelta(seconds=self.random.randint(*self.seconds)))
            if done % 20 == 0:
                keep_house()
        return self.up and done > 0

    def _die(self) -> None:
        """End in the middle of a job, as a process that is killed."""
        claims.claim_best(worker="killed")
        self.up, self.stops_after = False, None
        self.counts["worker killed in a job"] += 1

    def _note(self, job: Job) -> None:
        """Count a job, and note whether its course's last archive is now that of the course as it is."""
        self.counts[f"{job.operation} rendered" if job.operation == "backup" else job.operation] += 1
        entry = job.schedule_entry
        if entry is None or job.course_id is None:
            return
        key = (entry.run.schedule_id, job.course_id)
        before = self.fresh.pop(key, None)
        if job.state != Job.State.SUCCEEDED or job.archive_id is None or job.result.get("missing_contents"):
            return
        if not job.result.get("unchanged"):
            self.stored[key] = self.changes[job.course_id]
        elif self.stored.get(key, 0) < self.changes[job.course_id]:
            self.faults.append(f"Job {job.pk} did not store course {job.course_id}, which had changed.")
            return
        if entry.run.schedule.skip_unchanged:
            self.fresh[key] = job.archive_id
        if before is not None and not job.result.get("unchanged") and entry.run.schedule.skip_unchanged:
            self.faults.append(f"Job {job.pk} stored course {job.course_id} again, which had not changed.")

    def end_unchanged(self) -> None:
        """End the waiting jobs of courses that have not changed, but a sample of them."""
        waiting = Job.objects.filter(
            state=Job.State.QUEUED, operation="backup", attempts=0, schedule_entry__isnull=False
        )
        rows = waiting.order_by("pk").values_list("pk", "schedule_entry__run__schedule_id", "course_id")
        known = [
            (job, self.fresh[schedule, course])
            for job, schedule, course in rows
            if (schedule, course) in self.fresh
        ]
        good = set(StoredArchive.objects.filter(GOOD).values_list("pk", flat=True))
        known = [(job, archive) for job, archive in known if archive in good]
        self.random.shuffle(known)
        ended = known[SAMPLE:]
        if not ended:
            return
        with connection.cursor() as cursor:
            cursor.execute(END_UNCHANGED, [[job for job, _ in ended], [archive for _, archive in ended]])
            self.counts["backup unchanged"] += cursor.rowcount
