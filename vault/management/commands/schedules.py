"""manage.py schedules list | show | run | cancel: schedules with their runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.trail import record
from jobs import queue
from jobs.commands import Answer
from jobs.job_command import account_named, course_with
from jobs.models import Job
from vault import schedules
from vault.management.action_command import ActionCommand
from vault.management.rows import run_data, run_line, schedule_data, schedule_line
from vault.models import Schedule, ScheduleRun

RUNS = 10
"""The newest runs that `show` shows."""

STATES = ("on", "off", "overdue")


class Command(ActionCommand):
    """The schedules of the site."""

    help = "List the schedules, show one with its runs, start a run now, or cancel the jobs of a schedule."
    noun = "schedule"
    actions = ("list", "show", "run", "cancel")

    def filters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=STATES, help="only schedules that are on, off, or late")
        parser.add_argument("--person", metavar="USERNAME", help="only schedules of this owner")
        parser.add_argument(
            "--course", type=int, metavar="ID", help="only schedules that cover this course now"
        )

    def do_list(self, options: dict[str, Any]) -> Answer:
        """List schedules, the newest first, each with its last run."""
        page = self.page(_found(options), options)
        rows = [(schedule, schedule.runs.first()) for schedule in page.rows]
        lines, data = [schedule_line(*row) for row in rows], [schedule_data(*row) for row in rows]
        return self.listed(lines, data, page.following)

    def do_show(self, options: dict[str, Any]) -> Answer:
        """Show one schedule: the courses that it covers now, and its newest runs."""
        schedule = self.one(_schedules(), options)
        runs = list(schedule.runs.all()[:RUNS])
        covered = schedules.coverage(schedule)
        data = schedule_data(schedule, runs[0] if runs else None)
        data |= {
            "courses": covered.number,
            "options": schedule.options,
            "runs": [run_data(run) for run in runs],
        }
        lines = [schedule_line(schedule, None), f"It covers {covered.sentence}.", *map(run_line, runs)]
        return Answer({"schedule": data}, lines)

    def do_run(self, options: dict[str, Any]) -> Answer:
        """Start a run of each schedule now, due or not."""
        runs = [_started(schedule) for schedule in self.named(_schedules(), options)]
        return Answer({"runs": [run_data(run) for run in runs]}, [run_line(run) for run in runs])

    def do_cancel(self, options: dict[str, Any]) -> Answer:
        """Cancel the jobs of schedules that wait or run."""
        found = self.named(_schedules(), options)
        waiting = Job.objects.filter(state__in=Job.OPEN, schedule_entry__run__schedule__in=found).order_by(
            "pk"
        )
        cancelled: list[int] = []
        stopping: list[int] = []
        for job in waiting.iterator():
            (cancelled if queue.cancel(job, by=None).over else stopping).append(job.pk)
        line = f"{len(cancelled)} jobs cancelled, {len(stopping)} stop at their next step."
        return Answer({"cancelled": cancelled, "stopping": stopping}, [line])


def _schedules() -> QuerySet[Schedule]:
    return Schedule.objects.select_related("owner")


def _found(options: dict[str, Any]) -> QuerySet[Schedule]:
    """Return the schedules that the filters find. Raises NotFound for a person or a course that is not there."""
    found = _schedules()
    if options["state"]:
        found = found.filter(enabled=options["state"] != "off")
    if options["state"] == "overdue":
        found = found.filter(next_run__lt=Now())
    if options["person"]:
        found = found.filter(owner=account_named(options["person"]))
    if options["course"] is not None:
        course = course_with(options["course"])
        covering = [one.pk for one in found if schedules.courses_of(one).filter(pk=course.pk).exists()]
        found = found.filter(pk__in=covering)
    return found


def _started(schedule: Schedule) -> ScheduleRun:
    """Start a run of a schedule, and record that a command did it."""
    run = schedules.start_run(schedule)
    record(
        "schedule-run", by=None, subject="schedule", subject_id=schedule.pk, title=schedule.name, run=run.pk
    )
    return run
