"""Restore an archive in a fork of this process, in which the kernel limits memory and processor time."""

from __future__ import annotations

import json
import os
import resource
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from archive.errors import CoursekeepError, PrecheckFailed
from tests.jobs_done import restore

MEMORY = 300 * 1024 * 1024
SECONDS = 10


@dataclass(frozen=True)
class Outcome:
    """The result of restoring an archive: "restored", the code of the error, or a text on how the process ended."""

    code: str
    sentence: str = ""
    course: int = 0


def in_a_fork(work: Callable[[], Outcome]) -> Outcome:
    """Do the work in a fork with limits: 300 MB more than this process has, and 10 seconds of processor time."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            _limit()
            # The parent's connection is not ours to close: the child opens one of its own.
            connection.inherited = connection.connection  # type: ignore[attr-defined]
            connection.connection = None
            outcome = work()
        except BaseException as error:  # noqa: BLE001 - a test wants to know, whatever it is
            outcome = Outcome(f"{type(error).__name__}: {error}", traceback.format_exc()[-1500:])
        with os.fdopen(writing, "w") as answer:
            json.dump([outcome.code, outcome.sentence, outcome.course], answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    return Outcome(*json.loads(said)) if said else Outcome(f"ended by signal {os.WTERMSIG(status)}")


def _limit() -> None:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    there = int(status.split("VmData:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (there + MEMORY, there + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def restored(path: Path) -> Outcome:
    """Restore the archive at `path`."""
    try:
        return Outcome("restored", course=restore(path).course.pk)
    except PrecheckFailed as error:
        return Outcome(error.code, error.sentence())
    except CoursekeepError as error:
        return Outcome(error.code, error.sentence())
