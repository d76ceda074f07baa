"""Processes of the site that another process starts beside itself and takes down with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from archive.errors import CoursekeepError

PATIENCE = 10.0
"""Seconds in which a process may finish what it does, before it is killed."""

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
WORKER = ("-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", *QUIET)
BEAT = ("-m", "celery", "-A", "config", "beat", "--loglevel", "WARNING", "--pidfile", "")


class Ended(CoursekeepError):
    """A process that was to run beside this one has ended."""

    code = "process-ended"


class Beside:
    """The processes started here, each in a session of its own, so that Ctrl-C reaches only their parent.

    Leaving the `with` block ends them and everything that they started.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> Path:
        """Start a Python process in the project's folder; returns the file in which it logs."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        with log.open("wb") as file:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self._folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return log

    def check(self) -> None:
        """Raise Ended, with where to look, when one of them is gone."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Ended(
                    f"The process “{name}” ended with code {process.returncode}.",
                    hint=f"Read {self._logs / name}.log.",
                )

    def stop(self) -> None:
        """Ask all of them to end, and kill what has not ended after a while."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            # Also when it ended by itself: what it started may still be there.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
