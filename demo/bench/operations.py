"""What is measured, each in a process of its own: `python -m demo.bench.operations NAME JSON`.

The last line that it prints is one JSON object: seconds of the operation, by the clock and on processors, peak memory
of the process in bytes, what it answered, and the number of its database session.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django
import psutil

django.setup()

# ruff: noqa: E402  the models are there only from here on
from django.core.management import call_command
from django.db import connection, transaction

from demo.bench import floors, quiz

Answer = dict[str, Any]
Work = Callable[[], Answer]
"""What is timed; making ready for it is not."""


def backup(course: int, target: str) -> Work:
    """`manage.py backup`."""
    return partial(command, "backup", str(course), "-o", target)


def restore(archive: str) -> Work:
    """`manage.py restore`."""
    return partial(command, "restore", archive)


def make(posts: int) -> Work:
    """`manage.py make_course`."""
    return partial(command, "make_course", "--forum-posts", str(posts))


def take_quiz(course: int, attempts: int) -> Work:
    """Attempts at the quiz of a course."""
    return lambda: {"course_id": course, "records": quiz.take(course, attempts)}


def floor_of_backup(unpacked: str, target: str) -> Work:
    """COPY out, then compressing."""
    tables = floors.filled()

    def work() -> Answer:
        started = time.perf_counter()
        rows = floors.copy_out(tables)
        copied = time.perf_counter()
        size = floors.compress(Path(unpacked), Path(target))
        return {
            "records": rows,
            "size": size,
            "copy": copied - started,
            "compress": time.perf_counter() - copied,
        }

    return work


def floor_of_restore(archive: str, rows: str) -> Work:
    """Decompressing and parsing, then COPY in, in one transaction."""
    floors.make_tables(Path(rows))
    tags = floors.tags(Path(rows))

    def work() -> Answer:
        started = time.perf_counter()
        elements = floors.parse(Path(archive), tags)
        parsed = time.perf_counter()
        with transaction.atomic():
            copied = floors.copy_in(Path(rows))
        times = {"parse": parsed - started, "copy": time.perf_counter() - parsed}
        return {"records": copied, "elements": elements, **times}

    return work


def prepare_floors(archive: str, unpacked: str, rows: str) -> Work:
    """The bytes that the floor of a backup compresses, and the rows that the floor of a restore copies."""

    def work() -> Answer:
        size = floors.unpack(Path(archive), Path(unpacked))
        return {"size": size, "records": floors.dump(Path(rows))}

    return work


OPERATIONS: dict[str, Callable[..., Work]] = {
    operation.__name__: operation
    for operation in (backup, restore, make, take_quiz, floor_of_backup, floor_of_restore, prepare_floors)
}


def command(name: str, *arguments: str) -> Answer:
    """What a command of the site answers with `--json`."""
    said = io.StringIO()
    call_command(name, *arguments, "--json", stdout=said)
    answer: Answer = json.loads(said.getvalue())
    return answer


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def processor(session: int) -> float:
    """The seconds that this process and the server's process of its session have spent on processors."""
    server = psutil.Process(session).cpu_times()
    return time.process_time() + server.user + server.system


def main(name: str, arguments: str) -> None:
    """Measures one operation, from a process that is ready to work to its answer."""
    # One session to the end, however long it takes: its processor time is asked for afterwards.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    work = OPERATIONS[name](**json.loads(arguments))
    started, worked = time.perf_counter(), processor(session)
    answer = work()
    seconds, cpu = time.perf_counter() - started, processor(session) - worked
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak(), "answer": answer, "session": session}))


if __name__ == "__main__":
    main(*sys.argv[1:])
