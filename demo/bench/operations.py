"""The operations that are measured, each in a process of its own: `python -m demo.bench.operations NAME JSON`.

The last line that it prints is one JSON object with the fields of `demo.bench.site.Run`.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
import psutil

django.setup()

# ruff: noqa: E402  the models are there only from here on
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, transaction
from django.db.models import F, Sum

from demo.bench import floors, media, quiz
from demo.samples.course import make_sample
from jobs.models import Job

BARRIER_SECONDS = 120.0
"""Seconds for which a process waits for the others at a barrier."""

Answer = dict[str, Any]
TimedFunction = Callable[[], Answer]
"""The function that is timed. The functions here prepare and return it; preparing is not timed."""


def backup(course: int, target: str) -> TimedFunction:
    """Return the call of `manage.py backup`."""
    import_command("backup")
    return partial(command, "backup", str(course), "-o", target)


def backup_in_worker(course: int, target: str) -> TimedFunction:
    """Return the call of `manage.py backup` in a process and session that have backed up the course twice.

    Those of a worker go on, too. Queries are compiled and planned by then (`courses/prepared.py`).
    """
    call = backup(course, target)
    call()
    call()
    return call


def restore(archive: str) -> TimedFunction:
    """Return the call of `manage.py restore`."""
    import_command("restore")
    return partial(command, "restore", archive)


def make(posts: int) -> TimedFunction:
    """Return the call of `manage.py make_course`."""
    return partial(command, "make_course", "--forum-posts", str(posts))


def take_quiz(course: int, attempts: int) -> TimedFunction:
    """Return the function that adds attempts to the quiz of a course."""
    return lambda: {"course_id": course, "records": quiz.take(course, attempts)}


def rich_rounds(archive: str, folder: str, rounds: int) -> TimedFunction:
    """Return the function that restores an archive and backs its course up, `rounds` times, as a worker that goes on running.

    It returns the seconds of each round by operation: "seconds" of the command, and of these "job" those of its job. The first
    round imports modules, compiles what is compiled once, and brings the people and the contents of files: later ones find
    them there.
    """
    found: dict[str, list[dict[str, float]]] = {"backup": [], "restore": []}

    def timed() -> Answer:
        for _ in range(rounds):
            course = measured("restore", archive)["course_id"]
            measured("backup", str(course), "-o", str(Path(folder) / "again.mbz"))
        return found

    def measured(name: str, *arguments: str) -> Answer:
        started = time.perf_counter()
        answer = command(name, *arguments)
        seconds = time.perf_counter() - started
        found[name].append({"seconds": seconds, "job": seconds_of_jobs([answer])})
        return answer

    return timed


def small_courses(first: int, courses: int, folder: str, processes: int) -> TimedFunction:
    """Return the function that backs up small courses and restores them all; `first` is the seed of the first course.

    It returns the seconds of all backups, and of all restores, after one of each that is not timed, as `rich_rounds` does.
    `processes` of them do it at the same time. The site has the people and the contents of files, as the courses are its own.
    """
    made = [str(make_sample("S", seed=first + number).course_id) for number in range(courses + 1)]
    archives = [str(Path(folder) / f"{course}.mbz") for course in made]

    def back_up(number: int) -> Answer:
        return command("backup", made[number], "-o", archives[number])

    def restore_again(number: int) -> Answer:
        return command("restore", archives[number])

    def timed() -> Answer:
        found: dict[str, dict[str, float]] = {}
        for name, work in (("backup", back_up), ("restore", restore_again)):
            work(courses)
            barrier(Path(folder), name, processes)
            started = time.perf_counter()
            answers = [work(number) for number in range(courses)]
            seconds = time.perf_counter() - started
            found[name] = {"seconds": seconds, "job": seconds_of_jobs(answers)}
        return found

    return timed


def seconds_of_jobs(answers: Sequence[Answer]) -> float:
    """Return the sum of the seconds from start to end of the jobs of commands, given their answers."""
    jobs = Job.objects.filter(pk__in=[answer["job"] for answer in answers])
    total: timedelta = jobs.aggregate(total=Sum(F("finished") - F("started")))["total"]
    return total.total_seconds()


def barrier(folder: Path, name: str, processes: int) -> None:
    """Wait until so many processes have called this with the same folder and name. Raises TimeoutError if they do not."""
    (folder / f"{name}-{os.getpid()}").touch()
    ends = time.monotonic() + BARRIER_SECONDS
    while len(list(folder.glob(f"{name}-*"))) < processes:
        if time.monotonic() > ends:
            raise TimeoutError(
                f"Not all of {processes} processes began their {name} within {BARRIER_SECONDS:.0f} s."
            )
        time.sleep(0.002)


def add_media(megabytes: int) -> TimedFunction:
    """Return the function that makes a course of media."""
    return partial(media.add, megabytes)


def floor_of_media(course: int, target: str) -> TimedFunction:
    """Return the floor of a backup of media."""
    return partial(media.copy, course, Path(target))


def floor_of_backup(unpacked: str, target: str) -> TimedFunction:
    """Return the floor of a backup: COPY out, then compress."""
    tables = floors.tables_with_rows()

    def timed() -> Answer:
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

    return timed


def floor_of_restore(archive: str, rows: str) -> TimedFunction:
    """Return the floor of a restore: decompress and parse, then COPY in, in one transaction."""
    floors.make_tables(Path(rows))
    tags = floors.tags(Path(rows))

    def timed() -> Answer:
        started = time.perf_counter()
        elements = floors.parse_archive(Path(archive), tags)
        parsed = time.perf_counter()
        with transaction.atomic():
            copied = floors.copy_in(Path(rows))
        times = {"parse": parsed - started, "copy": time.perf_counter() - parsed}
        return {"records": copied, "elements": elements, **times}

    return timed


def prepare_floors(archive: str, unpacked: str, rows: str) -> TimedFunction:
    """Return the function that writes the bytes for the floor of a backup and the rows for the floor of a restore."""

    def timed() -> Answer:
        size = floors.unpack(Path(archive), Path(unpacked))
        return {"size": size, "records": floors.dump(Path(rows))}

    return timed


OPERATIONS: dict[str, Callable[..., TimedFunction]] = {
    operation.__name__: operation
    for operation in (
        backup,
        backup_in_worker,
        restore,
        make,
        take_quiz,
        rich_rounds,
        small_courses,
        add_media,
        floor_of_media,
        floor_of_backup,
        floor_of_restore,
        prepare_floors,
    )
}


def import_command(name: str) -> None:
    """Import what a command imports: that belongs to the start of a process, which is measured by itself."""
    load_command_class(get_commands()[name], name)


def command(name: str, *arguments: str) -> Answer:
    """Run a command of the site with `--json` and return its answer."""
    output = io.StringIO()
    call_command(name, *arguments, "--json", stdout=output)
    answer: Answer = json.loads(output.getvalue())
    return answer


def peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def cpu_seconds(session: int) -> float:
    """Return the processor seconds of this process and of its database session's process so far."""
    server = psutil.Process(session).cpu_times()
    return time.process_time() + server.user + server.system


def main(name: str, arguments: str) -> None:
    """Prepare and measure one operation, given its arguments as JSON, and print the measurement as JSON."""
    # Keep one session to the end, because its processor time is read afterwards.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    timed = OPERATIONS[name](**json.loads(arguments))
    started, cpu_before = time.perf_counter(), cpu_seconds(session)
    answer = timed()
    seconds, cpu = time.perf_counter() - started, cpu_seconds(session) - cpu_before
    print(
        json.dumps(
            {"seconds": seconds, "cpu": cpu, "peak": peak_memory(), "answer": answer, "session": session}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
