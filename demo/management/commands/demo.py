"""Show what the site does, then serve it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
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
from demo.processes import BEAT, WORKER, Beside
from demo.samples import SIZES
from embedded_postgres.server import Embedded

PORTS_TO_TRY = 20
DIFFERENCES_SHOWN = 20
INTERRUPTED = 130
"""The exit code of a program that ended by Ctrl-C (128 and the signal's number)."""


class Command(BaseCommand):
    """`manage.py demo`: what `bin/demo` runs once the environment is there."""

    help = "Back up a sample course through a worker, restore it, compare the two, and serve the site."

    def add_arguments(self, parser: CommandParser) -> None:
        """Size, port, and whether to stop after the report."""
        parser.add_argument("--once", action="store_true", help="stop after the report; exit 0 only if equal")
        parser.add_argument("--size", choices=tuple(SIZES), default="S", help="size of the sample course")
        parser.add_argument(
            "--port", type=int, default=8000, help="where to serve; the next free one from here"
        )

    def handle(self, *args: Any, once: bool, size: str, port: int, **options: Any) -> None:
        """Everything, leaving no process behind however it ends."""
        # SIGINT too: a script that starts this in the background hands it down ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        address = _listen_at(port)
        self._started = time.monotonic()
        try:
            with _database():
                self._say("database", "PostgreSQL answers; applying migrations")
                call_command("migrate", verbosity=0)
                equal = self._run(size=size, address=address, once=once)
        except KeyboardInterrupt:
            self.stderr.write("\nStopped.")
            sys.exit(INTERRUPTED if once else 0)
        if not equal:
            sys.exit(1)

    def _run(self, *, size: str, address: tuple[str, int], once: bool) -> bool:
        """Show, report and serve; whether both courses are equal."""
        home = Path(settings.COURSEKEEP_HOME)
        kept = home / "demo.json"
        memory = demonstration.Memory.read(kept)
        account = demonstration.find_or_make_account(memory)
        memory.write(kept)
        with _processes(home) as beside:
            self._say("processes", f"worker and beat run; they log in {home / 'logs'}")
            course, new = demonstration.find_or_make_sample(size, memory)
            memory.write(kept)
            self._say(
                "course", f"“{course.fullname}” " + ("was made" if new else "is there from an earlier run")
            )
            try:
                report = demonstration.show(course, by=account, size=size, memory=memory, check=beside.check)
            finally:
                memory.write(kept)
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

    def _say(self, what: str, text: str) -> None:
        self.stdout.write(f"  {what:<10} {text}")
        self.stdout.flush()


def _verdict(report: demonstration.Report) -> str:
    leaves, files = report.comparison.leaves, report.comparison.files
    kept = f"{leaves.kept:,} of {leaves.total:,} values and {files.kept:,} of {files.first:,} contents kept"
    return f"{'yes' if report.equal else 'no'}, {kept}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, and the polite end by a supervisor, which is treated the same."""
    raise KeyboardInterrupt


def _listen_at(port: int) -> tuple[str, int]:
    """A free port from the one that was asked for; the site's address follows it unless SITE_URL is given."""
    host = "127.0.0.1"
    for candidate in range(port, port + PORTS_TO_TRY):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
        if not os.environ.get("SITE_URL"):
            settings.SITE_URL = os.environ["SITE_URL"] = f"http://{host}:{candidate}"
        return host, candidate
    sys.exit(f"The ports {port} to {port + PORTS_TO_TRY - 1} are all taken. Choose another with --port.")


@contextmanager
def _database() -> Iterator[None]:
    """The database while the demonstration lasts; an embedded server that was started here stops again."""
    if settings.DATABASE_URL:
        yield
        return
    server = Embedded(Path(settings.COURSEKEEP_HOME))
    started = server.ensure_running()
    try:
        yield
    finally:
        with _undisturbed():
            connections.close_all()
            if started:
                server.stop()


@contextmanager
def _processes(home: Path) -> Iterator[Beside]:
    """A worker and beat for the time of the demonstration."""
    beside = Beside(Path(settings.BASE_DIR), home / "logs")
    try:
        # They run in another folder, where a relative COURSEKEEP_HOME would be another one.
        environment = {"COURSEKEEP_HOME": str(home)}
        beside.start("worker", [*WORKER, "--concurrency", "2"], environment=environment)
        beside.start("beat", BEAT, environment=environment)
        yield beside
    finally:
        with _undisturbed():
            beside.stop()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not interrupt the tidying up after the first."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
