"""The base of the commands that ask for jobs: run a job here, or queue it and follow it, with a progress bar."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from archive.errors import CoursekeepError, NotFound, UsageError
from archive.findings import Finding, level_named
from courses.models import Course, User
from jobs import events, queue, runner
from jobs.commands import Bar, JsonCommand
from jobs.models import Job


class JobFailed(CoursekeepError):
    """A queued job did not succeed; the message is the job's error."""

    code = "job-failed"


class OperationCommand(JsonCommand):
    """A command that requests a job and runs it in this process, or with `--queue` waits for a worker to run it."""

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            dest="choices",
            help="an option, by its Moodle name, such as users=0 (docs/options.md lists them); can be repeated",
        )
        self.declare_run(parser)

    def declare_run(self, parser: ArgumentParser) -> None:
        """Add the arguments on who asks for the job and who runs it, without `--set`."""
        parser.add_argument("--queue", action="store_true", help="hand the job to a worker and wait for it")
        parser.add_argument(
            "--as", dest="by", metavar="USERNAME", help="with the rights of this person, not of the server"
        )

    def work(self, job: Job, *, label: str, queued: bool) -> tuple[Job, list[Finding]]:
        """Run the job, or with `queued` follow it to its end; return it with its findings. Raises the error of the job."""
        with self.bar(label, unit=" records") as bar:
            if queued:
                for seen in queue.follow(job.pk):
                    job = seen
                    bar.show(job.records, label=job.step or label)
                self._raise_failure(job)
            else:
                runner.run(job.pk, watch=lambda event: _show(bar, event), raising=True)
                job.refresh_from_db()
        return job, found_by(job)

    def _raise_failure(self, job: Job) -> None:
        if job.state != Job.State.SUCCEEDED:
            raise JobFailed(job.error or f"Job {job.pk} was {job.state}.", hint=job.error_hint)


def found_by(job: Job) -> list[Finding]:
    """Return the findings of a job, of all its attempts."""
    return [
        Finding(level_named(row.level), row.code, row.message, row.place, row.hint, row.about, row.bring)
        for row in job.findings.all()
    ]


def chosen_options(pairs: Iterable[str]) -> dict[str, str]:
    """Return the options of `--set`, by name. Raises UsageError for what is not NAME=VALUE, and for a name given twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set wants NAME=VALUE, not “{pair}”.", hint="For instance --set users=0")
        if found.get(name, value) != value:
            raise UsageError(
                f"--set gives {name} two values: {found[name]} and {value}.", hint="Leave one of them out."
            )
        found[name] = value
    return found


def account_named(username: str | None) -> User | None:
    """Return the account of `--as`; None without one. Raises NotFound."""
    if username is None:
        return None
    found = User.objects.filter(username=username).first()
    if found is None:
        raise NotFound(f"There is no account “{username}”.")
    return found


def course_with(number: int) -> Course:
    """Return the course with an id. Raises NotFound."""
    found = Course.objects.filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no course {number}.", hint="Look at the list of courses for its number.")
    return found


def _show(bar: Bar, event: Any) -> None:
    if isinstance(event, events.Progress):
        bar.show(event.records, label=event.step)
