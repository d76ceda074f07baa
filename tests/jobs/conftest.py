"""Real Celery workers for tests, on the test's database, over a broker of files or a Redis of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from jobs import queue
from tests.conftest import PROJECT
from tests.jobs import sample_operations

PATIENCE = 60
"""Seconds until a test gives up; nothing is measured by it."""


def until(true: Callable[[], bool], *, what: str, workers: Sequence[subprocess.Popen[bytes]] = ()) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"in vain waited for: {what}"
        assert all(worker.poll() in (None, -signal.SIGKILL) for worker in workers), "a worker did not start"
        time.sleep(0.1)


class Workers:
    """Starts workers on this test's database and notifies them over their broker."""

    def __init__(self, environment: dict[str, str], broker: str, options: dict[str, Any]) -> None:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.jobs.worker_settings",
            "COURSEKEEP_TEST_BROKER": broker or "filesystem://localhost",
        }
        self.environment = {**environment, **settings}
        self.app = Celery(broker=broker or "filesystem://localhost", set_as_current=False)
        self.app.conf.broker_transport_options = options
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "1"]
        command += ["--include", "tests.jobs.sample_operations", "--loglevel", "ERROR"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = {**self.environment, **environment}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True)
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As the kernel does it when memory runs out: no farewell, the child processes too."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Let `until` accept that a worker has ended."""
        self.started.remove(process)

    def notify_workers(self, job_id: int) -> None:
        self.app.send_task("jobs.tasks.run_job", (job_id,), retry=False)

    def until(self, true: Callable[[], bool], *, what: str) -> None:
        until(true, what=what, workers=self.started)

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)
        self.app.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A Redis server of the test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed here")
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"redis://127.0.0.1:{port}/0"

    def answers() -> bool:
        with Connection(address) as broker:
            try:
                broker.ensure_connection(max_retries=1, interval_start=0)
            except (OSError, OperationalError):
                return False
            return True

    until(answers, what="Redis")
    yield address
    server.kill()
    server.wait()


@pytest.fixture
def workers(
    request: pytest.FixtureRequest,
    site_environment: dict[str, str],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workers]:
    wanted = getattr(request, "param", "filesystem")
    broker = request.getfixturevalue("redis") if wanted == "redis" else ""
    options = {} if broker else settings.QUEUE_OF_FILES
    settings.COURSEKEEP_JOB_STALE_SECONDS = 3
    settings.COURSEKEEP_JOB_NOTIFY_SECONDS = 2
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    queue._quiet_until = 0.0
    workers = Workers(site_environment, broker, options)
    monkeypatch.setattr(sample_operations, "notify_nobody", workers.notify_workers)
    yield workers
    workers.stop()


both_brokers = pytest.mark.parametrize("workers", ["filesystem", "redis"], indirect=True)
