"""Operations for the tests of jobs: small pieces of work whose trace in the database can be counted.

A worker loads this module with `celery worker --include tests.jobs.sample_operations`.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery
from django.contrib.auth.models import Group
from django.db import connection, transaction

from archive.errors import DamagedArchive
from archive.findings import Finding
from archive.streams import drain
from jobs import operations, queue
from jobs.events import Line, Progress, Steps
from jobs.models import Job

TRACE = "trace of job "


def traces() -> int:
    """Return the number of pieces of work that were committed."""
    return Group.objects.filter(name__startswith=TRACE).count()


def trace(job: Job) -> None:
    """Leave the trace of one attempt in the transaction that is open."""
    Group.objects.create(name=f"{TRACE}{job.pk} attempt {job.attempts}")


@operations.operation("test-work")
def work(job: Job) -> Steps:
    """Work in one transaction: so many steps, so long each, and the mishaps that `asked` has.

    `die_at` kills the process at that step, in the attempts up to `die_until`; `die_after` kills it once the
    work is committed and before anybody could say so; `wait_for` is a file whose appearance ends the work.
    """
    asked: dict[str, Any] = job.asked
    dying = job.attempts <= asked.get("die_until", 99)
    with transaction.atomic():
        trace(job)
        for number in range(asked.get("steps", 3)):
            if dying and asked.get("die_at") == number:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(asked.get("pause", 0))
            yield Progress(f"step {number}", done=number, total=asked.get("steps", 3), records=10 * number)
        while asked.get("wait_for") and not Path(asked["wait_for"]).exists():
            time.sleep(0.05)
            yield Progress("waiting", done=1, total=2)
        queue.finish(job, {"traces": 1})
    if dying and asked.get("die_after"):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"steps": asked.get("steps", 3)}


@operations.operation("test-session")
def session(job: Job) -> Steps:
    """Return the process of the database's session."""
    yield Progress("looking")
    return {"session": connection.connection.info.backend_pid}


@operations.operation("test-talk")
def talk(job: Job) -> Steps:
    """Yield an event of every class, the same finding twice."""
    yield Progress("reading", done=1, total=4, records=5)
    yield Line("half of it is read")
    yield Progress("reading", done=2, total=4, records=9)
    yield Finding("warning", "user-missing", "Nobody is called a\x00b.", place="users.xml, user 3")
    yield Finding("warning", "user-missing", "Nobody is called a\x00b.", place="users.xml, user 3")
    yield Progress("writing", done=4, total=4, records=12)
    return {"rows": 12}


@operations.operation("test-refuse")
def refuse(job: Job) -> Steps:
    """Write something, then stop with an error that a person can act on."""
    with transaction.atomic():
        trace(job)
        yield Progress("reading")
        raise DamagedArchive("The archive ends early.", where="course.mbz", hint="Fetch it again.")


@operations.operation("test-stumble")
def stumble(job: Job) -> Steps:
    """Fail by a fault of our own until the attempt that `asked` has."""
    with transaction.atomic():
        trace(job)
        yield Progress("reading")
        if job.attempts < job.asked.get("until", 99):
            raise ZeroDivisionError("a secret detail")
        queue.finish(job)
    return None


def notify_a_dead_broker(job_id: int) -> None:
    """A notification to a broker that does not answer."""
    app = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    app.send_task("jobs.tasks.run_job", (job_id,), retry=False)


def notify_nobody(job_id: int) -> None:
    """A notification that is lost."""


@operations.operation("test-wait")
def wait(job: Job) -> Steps:
    """Say “waiting”, then do one step as `asked` has it: `sleep` or `sql` so many seconds, `lock` a table, `pack` bytes."""
    asked: dict[str, Any] = job.asked
    with transaction.atomic():
        trace(job)
        yield Progress("waiting", done=1, total=2)
        yield Finding("warning", "waits", "It waits.")
        with connection.cursor() as cursor:
            if "lock" in asked:
                cursor.execute(f"LOCK TABLE {asked['lock']}")
            if "sql" in asked:
                cursor.execute("SELECT pg_sleep(%s)", [asked["sql"]])
        if "sleep" in asked:
            time.sleep(asked["sleep"])
        if "pack" in asked:
            drain(_Endless(asked["pack"]))  # type: ignore[arg-type]
        if "memory" in asked:
            bytes(asked["memory"])
        queue.finish(job)
    return None


class _Endless:
    """A slow stream of so many bytes."""

    def __init__(self, left: int) -> None:
        self._left = left

    def read(self, size: int) -> bytes:
        """Return up to 1,000 bytes after a while."""
        time.sleep(0.01)
        block = bytes(min(1000, size, self._left))
        self._left -= len(block)
        return block
