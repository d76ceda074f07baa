"""The site under load: a home folder with its PostgreSQL, a Redis server, waitress as in production, and a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.processes import WORKER, ChildProcesses
from demo.redis_server import RedisServer, free_port
from embedded_postgres.server import Embedded

PROJECT = Path(__file__).resolve().parents[2]
THREADS = 8
"""Threads of the web process, as in `deploy/`."""

SECONDS_TO_START = 120.0


class LoadSite:
    """The processes of the site. `port` is that of its pages, on this machine only."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.server = Embedded(home)
        self.redis = RedisServer(home)
        self.processes = ChildProcesses(PROJECT, home / "logs")

    def environment(self) -> dict[str, str]:
        """Return the environment of all processes of the site."""
        found = {"COURSEKEEP_HOME": str(self.home), "COURSEKEEP_EMBEDDED_FSYNC": "off"}
        found |= {"SITE_URL": f"http://127.0.0.1:{self.port}", "DJANGO_SETTINGS_MODULE": "config.settings"}
        return found | ({"REDIS_URL": self.redis.url} if self.redis.installed else {})

    def prepare(self) -> None:
        """Start the servers and make the tables."""
        self.home.mkdir(parents=True)
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        os.environ.update(self.environment())
        self.server.ensure_running()
        self.redis.start()
        command = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=PROJECT, check=True)

    def serve(self) -> None:
        """Start the web server and the worker, and wait until pages are answered. Raises TimeoutError, ProcessEnded."""
        # As in deploy/systemd/coursekeep-web.service.
        web = ["-m", "waitress", f"--listen=127.0.0.1:{self.port}", f"--threads={THREADS}"]
        web += [
            "--no-clear-untrusted-proxy-headers",
            "--max-request-body-size=1099511627776",
            "config.wsgi:application",
        ]
        self.processes.start("web", web, environment={})
        self.processes.start("worker", [*WORKER, "--concurrency", "2"], environment={})
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until:
            self.processes.check()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
        raise TimeoutError("The site under load did not start.")

    def stop(self) -> None:
        """End all processes of the site."""
        self.processes.stop()
        self.redis.kill()
        self.server.stop()


@contextmanager
def site_in(folder: Path) -> Iterator[LoadSite]:
    """Context manager: a site in a folder; at its end nothing of it runs any more."""
    site = LoadSite(folder / "home")
    try:
        site.prepare()
        yield site
    finally:
        site.stop()
