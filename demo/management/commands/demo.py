"""The command `demo`: back up, restore and compare a sample course, then serve the site."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import waitress
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django.template.defaultfilters import filesizeformat

from config.wsgi import application
from courses.models import User
from demo import demonstration
from demo.processes import WORKER, ChildProcesses
from demo.samples import SIZES
from embedded_postgres.server import Embedded

PORTS_TO_TRY = 20
DIFFERENCES_SHOWN = 20
INTERRUPTED = 130
"""The exit code of a program that ended by Ctrl-C (128 and the signal's number)."""


Say = Callable[[str, str], None]
"""Prints what is done now: a word and a sentence."""


class Command(BaseCommand):
    """`manage.py demo`, which `bin/demo` runs when it has made the environment."""

    help = "Back up a sample course through a worker, restore it, compare the two, and serve the site."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments `--once`, `--size` and `--port`."""
        parser.add_argument("--once", action="store_true", help="stop after the report; exit 0 only if equal")
        parser.add_argument("--size", choices=tuple(SIZES), default="S", help="size of the sample course")
        parser.add_argument(
            "--port", type=int, default=8000, help="where to serve; the next free one from here"
        )

    def handle(self, *args: Any, once: bool, size: str, port: int, **options: Any) -> None:
        """Run the demonstration and serve the site. All processes are stopped at the end, also after an error.

        The exit code is 0 if the copy equals the course, 1 if not, 130 after Ctrl-C with `--once`.
        """
        # SIGINT too: in a process that a script starts in the background, it is ignored by default.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        address = _listen_at(port)
        self._started = time.monotonic()
        try:
            with _database(self._say):
                self._say("database", "PostgreSQL answers; applying migrations")
                call_command("migrate", verbosity=0)
                equal = self._run(size=size, address=address, once=once)
        except KeyboardInterrupt:
            self.stderr.write("\nStopped.")
            sys.exit(INTERRUPTED if once else 0)
        if not once:
            self._say("ended", "no process is left; what was made stays for the next run")
        if not equal:
            sys.exit(1)

    def _run(self, *, size: str, address: tuple[str, int], once: bool) -> bool:
        """Run the demonstration, print the report and serve; return True if both courses are equal."""
        home = Path(settings.COURSEKEEP_HOME)
        memory_file = home / "demo.json"
        memory = demonstration.Memory.read(memory_file)
        account = demonstration.find_or_make_account(memory)
        memory.write(memory_file)
        with _processes(home, self._say) as processes:
            self._say("processes", f"a worker runs; it logs in {home / 'logs'}")
            course, new = demonstration.find_or_make_sample(size, memory)
            memory.write(memory_file)
            self._say(
                "course", f"“{course.fullname}” " + ("was made" if new else "is there from an earlier run")
            )
            try:
                report = demonstration.show(
                    course, by=account, size=size, memory=memory, check=processes.check
                )
            finally:
                memory.write(memory_file)
            self._print(report)
            if not once:
                self._serve(
                    address,
                    account=account,
                    teacher=demonstration.find_teacher(course, memory),
                    memory=memory,
                )
        return report.equal

    def _print(self, report: demonstration.Report) -> None:
        rows = (
            ("course", f"{report.title} (course {report.course}), restored as course {report.copy}"),
            ("records", f"{report.records:,}"),
            ("files", f"{report.files:,} with {filesizeformat(report.file_bytes)}"),
            ("archive", f"{filesizeformat(report.archive_bytes)} ({report.archive_bytes:,} bytes)"),
            ("backup", f"{report.backup_seconds:.2f} s"),
            ("restore", f"{report.restore_seconds:.2f} s"),
            ("all of it", f"{time.monotonic() - self._started:.1f} s"),
            ("equal", _verdict(report)),
        )
        self.stdout.write("")
        for name, value in rows:
            self.stdout.write(f"  {name:<10} {value}")
        for difference in report.comparison.differences[:DIFFERENCES_SHOWN]:
            self.stdout.write(f"    {difference.sentence()}")
        self.stdout.write("")

    def _serve(
        self, address: tuple[str, int], *, account: User, teacher: User | None, memory: demonstration.Memory
    ) -> None:
        """Serve until Ctrl-C."""
        host, port = address
        server = waitress.create_server(application, host=host, port=port, threads=8, ident=None)
        self.stdout.write(f"  The site is at {settings.SITE_URL}/")
        self.stdout.write(f"  Sign in as {account.username} (administrator), password {memory.password}")
        if teacher is not None:
            self.stdout.write(f"  or as {teacher.username} (teacher of the course), with the same password.")
        self.stdout.write("  Ctrl-C ends it.")
        self.stdout.flush()
        server.run()

    def _say(self, label: str, text: str) -> None:
        self.stdout.write(f"  {label:<10} {text}")
        self.stdout.flush()


def _verdict(report: demonstration.Report) -> str:
    leaves, files = report.comparison.leaves, report.comparison.files
    kept = f"{leaves.kept:,} of {leaves.total:,} values and {files.kept:,} of {files.first:,} contents kept"
    return f"{'yes' if report.equal else 'no'}, {kept}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt: signal handler for SIGINT, SIGTERM and SIGHUP."""
    raise KeyboardInterrupt


def _listen_at(port: int) -> tuple[str, int]:
    """Return the host and the first free port from `port` on; set SITE_URL to them unless it is given."""
    host = "127.0.0.1"
    for candidate in range(port, port + PORTS_TO_TRY):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
        if not settings.SITE_URL_IS_SET:
            settings.SITE_URL = os.environ["SITE_URL"] = f"http://{host}:{candidate}"
        return host, candidate
    sys.exit(f"The ports {port} to {port + PORTS_TO_TRY - 1} are all taken. Choose another with --port.")


@contextmanager
def _database(say: Say) -> Iterator[None]:
    """Make the database available; at the end, stop the embedded server if it was started here, and say so."""
    if settings.DATABASE_URL:
        yield
        return
    server = Embedded(Path(settings.COURSEKEEP_HOME))
    started = server.ensure_running()
    try:
        yield
    finally:
        with _signals_ignored():
            connections.close_all()
            if started:
                say("ending", "stopping PostgreSQL ...")
                server.stop()


@contextmanager
def _processes(home: Path, say: Say) -> Iterator[ChildProcesses]:
    """Start a worker; stop it at the end, and say so."""
    processes = ChildProcesses(Path(settings.BASE_DIR), home / "logs")
    try:
        # They run in another folder, where a relative COURSEKEEP_HOME would name another folder.
        environment = {"COURSEKEEP_HOME": str(home)}
        processes.start("worker", [*WORKER, "--concurrency", "2"], environment=environment)
        yield processes
    finally:
        with _signals_ignored():
            say("ending", "stopping the worker ...")
            processes.stop()


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM, so that a second Ctrl-C does not interrupt the clean-up after the first."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
