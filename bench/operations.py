"""What is measured, each in a process of its own: `python -m bench.operations NAME JSON`.

The last line that it prints is one JSON object: seconds of the operation, by the clock and on processors, peak memory
of the process in bytes, what it answered, and the number of its database session.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import psutil
from django.core.management import call_command
from django.db import connection, transaction

Answer = dict[str, Any]


def backup(course: int, target: str) -> Answer:
    """`manage.py backup`."""
    return command("backup", str(course), "-o", target)


def restore(archive: str) -> Answer:
    """`manage.py restore`."""
    return command("restore", archive)


def make(posts: int) -> Answer:
    """`manage.py make_course`."""
    return command("make_course", "--forum-posts", str(posts))


def floor_of_backup(unpacked: str, target: str) -> Answer:
    """COPY out, then compressing."""
    from bench import floors

    started = time.perf_counter()
    rows = floors.copy_out()
    copied = time.perf_counter()
    size = floors.compress(Path(unpacked), Path(target))
    return {"records": rows, "size": size, "copy": copied - started, "compress": time.perf_counter() - copied}


def floor_of_restore(archive: str, rows: str) -> Answer:
    """Decompressing and parsing, then COPY in, in one transaction."""
    from bench import floors

    started = time.perf_counter()
    floors.parse(Path(archive))
    parsed = time.perf_counter()
    with transaction.atomic():
        copied = floors.copy_in(Path(rows))
    return {"records": copied, "parse": parsed - started, "copy": time.perf_counter() - parsed}


def prepare_backup(archive: str, unpacked: str) -> Answer:
    """The bytes that the floor of a backup compresses."""
    from bench import floors

    return {"size": floors.unpack(Path(archive), Path(unpacked))}


def prepare_restore(rows: str) -> Answer:
    """The rows that the floor of a restore copies."""
    from bench import floors

    return {"records": floors.dump(Path(rows))}


def prepare_tables(rows: str) -> Answer:
    """The tables that the floor of a restore copies into."""
    from bench import floors

    floors.make_tables(Path(rows))
    return {}


OPERATIONS: dict[str, Callable[..., Answer]] = {
    operation.__name__: operation
    for operation in (
        backup,
        restore,
        make,
        floor_of_backup,
        floor_of_restore,
        prepare_backup,
        prepare_restore,
        prepare_tables,
    )
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
    django.setup()
    # One session to the end, however long it takes: its processor time is asked for afterwards.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    started, worked = time.perf_counter(), processor(session)
    answer = OPERATIONS[name](**json.loads(arguments))
    seconds, work = time.perf_counter() - started, processor(session) - worked
    print(json.dumps({"seconds": seconds, "cpu": work, "peak": peak(), "answer": answer, "session": session}))


if __name__ == "__main__":
    main(*sys.argv[1:])
