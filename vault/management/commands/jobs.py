"""manage.py jobs list | show | cancel | retry: the queue, and what has become of jobs."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from archive.errors import Busy, UsageError
from jobs import queue, report
from jobs.choices import Priority
from jobs.clock import database_now
from jobs.commands import Answer
from jobs.job_command import account_named, course_with, found_by
from jobs.models import Job
from vault import retries
from vault.management.action_command import ActionCommand, schedule_with
from vault.management.rows import job_data, job_line, moment

LINES = 200
"""The last lines of the log that `show` prints."""


class Command(ActionCommand):
    """The jobs of the site."""

    help = "List the jobs, show one with its findings and log, cancel jobs, or queue failed ones again."
    noun = "job"
    actions = ("list", "show", "cancel", "retry")
    only_with = {"all": ("cancel", "retry"), "ended_within": ("retry",)}

    def filters(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--state",
            action="append",
            choices=Job.State.values,
            help="only jobs in this state; can be repeated",
        )
        parser.add_argument("--operation", metavar="NAME", help="only jobs of this operation, such as backup")
        parser.add_argument("--person", metavar="USERNAME", help="only jobs that this person asked for")
        parser.add_argument("--course", type=int, metavar="ID", help="only jobs of this course")
        parser.add_argument("--schedule", type=int, metavar="ID", help="only jobs of this schedule")
        parser.add_argument(
            "--ended-within",
            type=int,
            metavar="HOURS",
            help="with `retry --all`: only jobs that ended in the last hours",
        )

    def do_list(self, options: dict[str, Any]) -> Answer:
        """List jobs, the newest first."""
        page = self.page(_found(options), options)
        return self.listed([*map(job_line, page.rows)], [*map(job_data, page.rows)], page.following)

    def do_show(self, options: dict[str, Any]) -> Answer:
        """Show one job with its result, its findings, and the end of its log."""
        job = self.one(_jobs(), options)
        found = found_by(job)
        log = report.log_lines(job)[-LINES:]
        data = job_data(job) | {
            "result": job.result,
            "options": job.options,
            "findings": [finding.as_dict() for finding in found],
            "log": [{"at": moment(line.at), "level": line.level, "message": line.message} for line in log],
        }
        lines = [job_line(job), *([job.error_hint] if job.error_hint else [])]
        lines += [f"{finding.level}: {finding.sentence()}" for finding in found]
        lines += [f"{line.at:%H:%M:%S} {line.message}" if line.at else line.message for line in log]
        return Answer({"job": data}, lines)

    def do_cancel(self, options: dict[str, Any]) -> Answer:
        """Cancel jobs: those that wait end at once, those that run stop at their next step."""
        chosen = self.chosen(_found(options), options)
        if options["all"]:
            chosen = chosen.filter(state__in=Job.OPEN)
        cancelled, stopping, over = [], [], []
        for job in chosen.iterator():
            if job.over:
                over.append(job.pk)
            elif queue.cancel(job, by=None).over:
                cancelled.append(job.pk)
            else:
                stopping.append(job.pk)
        lines = [
            f"{len(cancelled)} cancelled, {len(stopping)} stop at their next step, {len(over)} had ended already."
        ]
        return Answer({"cancelled": cancelled, "stopping": stopping, "over": over}, lines)

    def do_retry(self, options: dict[str, Any]) -> Answer:
        """Queue jobs again that failed or were cancelled. Of several, those that cannot be retried are told and passed over."""
        chosen = self.chosen(_found(options), options)
        if options["all"]:
            chosen = chosen.filter(state__in=options["state"] or [Job.State.FAILED])
            if (hours := options["ended_within"]) is not None:
                chosen = chosen.filter(finished__gte=database_now() - timedelta(hours=hours))
        elif len(chosen) == 1:
            return _retried([retries.retry(chosen[0], by=None).pk], {})
        done: list[int] = []
        refused: dict[int, str] = {}
        narrowed = not options["all"] or options["operation"] or options["ended_within"] is not None
        for job in chosen.iterator():
            try:
                if not narrowed:
                    _refuse_restore(job)
                done.append(retries.retry(job, by=None).pk)
            except (UsageError, Busy) as reason:
                refused[job.pk] = reason.sentence()
        return _retried(done, refused)


def _refuse_restore(job: Job) -> None:
    """Raise UsageError for a job that changes courses: old ones that failed would all be carried out now."""
    if job.priority == Priority.RESTORE:
        raise UsageError(
            f"Job {job.pk} changes a course ({job.operation}), and --all takes such jobs only if they are named more closely.",
            hint=f"Add --operation {job.operation}, or --ended-within HOURS.",
        )


def _retried(done: list[int], refused: dict[int, str]) -> Answer:
    data = {"retried": done, "refused": [{"job": pk, "reason": reason} for pk, reason in refused.items()]}
    return Answer(data, _lines(done, refused), exit_code=int(bool(refused)))


def _lines(done: list[int], refused: dict[int, str]) -> Iterator[str]:
    yield from refused.values()
    yield f"{len(done)} queued again: {', '.join(map(str, done))}." if done else "No job was queued again."


def _jobs() -> QuerySet[Job]:
    return Job.objects.select_related("requested_by", "schedule_entry__run")


def _found(options: dict[str, Any]) -> QuerySet[Job]:
    """Return the jobs that the filters find. Raises NotFound for a person, a course or a schedule that is not there."""
    found = _jobs()
    if options["state"]:
        found = found.filter(state__in=options["state"])
    if options["operation"]:
        found = found.filter(operation=options["operation"])
    if options["person"]:
        found = found.filter(requested_by=account_named(options["person"]))
    if options["course"] is not None:
        found = found.filter(course=course_with(options["course"]))
    if options["schedule"] is not None:
        found = found.filter(schedule_entry__run__schedule=schedule_with(options["schedule"]))
    return found
