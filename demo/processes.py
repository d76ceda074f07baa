"""Child processes, such as a worker, that end with the process that started them."""

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

SECONDS_TO_END = 10.0
"""Seconds that a process gets to end by itself, before it is killed."""

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
WORKER = ("-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", *QUIET)


class ProcessEnded(CoursekeepError):
    """A child process has ended although it is still needed."""

    code = "process-ended"


class ChildProcesses:
    """Starts and stops child processes, each in a session of its own, so that Ctrl-C reaches only their parent.

    Leaving the `with` block ends them and all processes that they started.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> Path:
        """Start a Python process in the project's folder and return the path of its log file."""
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
        """Raise ProcessEnded, with the path of its log file, if one of them has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessEnded(
                    f"The process “{name}” ended with code {process.returncode}.",
                    hint=f"Read {self._logs / name}.log.",
                )

    def stop(self) -> None:
        """Terminate all processes, and kill those that have not ended after `SECONDS_TO_END` seconds."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_END)
            # Also if it ended by itself, because processes that it started may still run.
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
