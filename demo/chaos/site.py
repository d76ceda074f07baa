"""The site under chaos: a home folder with its PostgreSQL, a Redis server where there is one, and worker processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from demo.processes import QUIET
from demo.redis_server import RedisServer
from embedded_postgres.server import Embedded

PROJECT = Path(__file__).resolve().parents[2]
WORKERS = 2
CHILDREN = 2
SECONDS_TO_END = 10.0
"""Seconds in which a worker that is asked to end must have ended."""

UNLIMITED = resource.RLIM_INFINITY


class ChaosSite:
    """The processes and folders of the site, and what can be done to them. `late` counts workers that did not end in time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = Embedded(home)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.late = 0
        self._redis = RedisServer(home)
        self._started = 0
        self.logs = home / "logs"
        self.logs.mkdir(parents=True)

    @property
    def has_redis(self) -> bool:
        """True if the queue is Redis; else it is Celery's own files."""
        return self._redis.installed

    def environment(self) -> dict[str, str]:
        """Return the environment of all processes of the site."""
        found = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        found |= {"COURSEKEEP_HOME": str(self.home), "COURSEKEEP_EMBEDDED_FSYNC": "off"}
        found |= {"DJANGO_SETTINGS_MODULE": "demo.chaos.settings", "PYTHONPATH": str(PROJECT)}
        return found | ({"REDIS_URL": self._redis.url} if self.has_redis else {})

    # The queue and the database.

    def start_redis(self) -> None:
        """Start Redis if it is installed and does not run."""
        self._redis.start()

    def kill_redis(self) -> None:
        """Kill Redis; all messages in it are lost."""
        self._redis.kill()

    def kill_database(self) -> None:
        """Kill the server of the database with all its processes. The next connection starts it again."""
        pid = self.server.running_process()
        if pid is None:
            return
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(pid)
            for process in [server, *server.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    # Workers.

    def start_worker(self, *, skew: str = "") -> None:
        """Start a worker. With `skew`, as "+3h", it believes that it is so much later; that needs the program faketime."""
        self._started += 1
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "demo.chaos.queue",
            "worker",
            "--loglevel",
            "WARNING",
        ]
        command += [*QUIET, "--concurrency", str(CHILDREN), "--hostname", f"chaos{self._started}@%h"]
        environment = self.environment()
        if skew:
            command = ["faketime", "-f", skew, *command]
            environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        with (self.logs / f"worker-{self._started}.log").open("wb") as log:
            self.workers.append(
                subprocess.Popen(
                    command,
                    cwd=PROJECT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def fill_up(self) -> None:
        """Start as many workers as are missing."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < WORKERS:
            self.start_worker()

    def processes(self, worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """Return the processes of a worker: the main one, and its children."""
        try:
            main = psutil.Process(worker.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill all processes of a worker, as the kernel does when memory runs out."""
        self.send(worker, signal.SIGKILL)
        worker.wait()

    def send(self, worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Send a signal to all processes of a worker."""
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, number)

    def end(self, workers: list[subprocess.Popen[bytes]]) -> None:
        """Ask workers to end, and kill those that have not ended in time; these count as late."""
        for worker in workers:
            worker.terminate()
        deadline = time.monotonic() + SECONDS_TO_END
        for worker in workers:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.late += 1
            self.kill(worker)
        self.workers = [worker for worker in self.workers if worker not in workers]

    def limit_files(self, worker: subprocess.Popen[bytes], size: int) -> None:
        """Let no process of a worker write a file beyond `size` bytes, as on a disk that is full; UNLIMITED ends that."""
        for process in self.processes(worker):
            with suppress(psutil.Error, OSError):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))

    # The beginning and the end.

    def prepare(self) -> None:
        """Start the servers and make the tables."""
        self.server.ensure_running()
        self.start_redis()
        command = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=PROJECT, env=self.environment(), check=True)

    def stop(self) -> None:
        """End all processes of the site."""
        for worker in self.workers:
            self.kill(worker)
        self.kill_redis()
        self.server.stop()


@contextmanager
def site_in(folder: Path) -> Iterator[ChaosSite]:
    """Context manager: a site in a folder; at its end nothing of it runs any more."""
    site = ChaosSite(folder / "home")
    try:
        site.prepare()
        yield site
    finally:
        site.stop()
