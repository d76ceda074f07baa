"""The benchmark's own site: a temporary home folder with a PostgreSQL, and a new database for every run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from embedded_postgres.server import NAME, PORT, Embedded

PROJECT = Path(__file__).resolve().parents[2]
LOGGED = re.compile(r"\[(\d+)\] LOG: {2}statement: \(?(\w+)")


class BenchFailed(Exception):
    """A measured process failed; the message ends with its last output."""


@dataclass(frozen=True, slots=True)
class Run:
    """The measurement of one operation, in a process of its own.

    `seconds` is time by the clock and `cpu` time on processors (of the process and of its database session), without the
    start of the process. `peak` is the peak memory of the process in bytes, `session` the process id of its database session.
    """

    seconds: float
    cpu: float
    peak: int
    answer: dict[str, Any]
    session: int


class BenchSite:
    """A home folder with its server. `template` is the database of an empty site, of which new databases are copies."""

    template = NAME
    operations = "demo.bench.operations"
    """The module that runs an operation, given its name and its arguments as JSON."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = Embedded(home)
        self._number = 0

    def prepare(self) -> None:
        """Make the tables of an empty site in `template`. Raises BenchFailed."""
        command = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--verbosity", "0"]
        environment = self._environment(self.template)
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise BenchFailed(f"The tables could not be made: {done.stderr.strip()[-2000:]}")

    def database(self) -> str:
        """Make a new database with an empty site and return its name."""
        self._number += 1
        name = f"bench_{self._number}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        return name

    def drop(self, name: str) -> None:
        """Drop a database."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Execute statements outside of any transaction."""
        place = str(self.server.socket_folder)
        connection = psycopg2.connect(host=place, port=PORT, user=NAME, dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def run(self, operation: str, database: str, **arguments: Any) -> Run:
        """Run an operation of the module `operations` in a process of its own, after a checkpoint. Raises BenchFailed."""
        self.execute("CHECKPOINT")
        command = [sys.executable, "-m", self.operations, operation, json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=PROJECT, env=self._environment(database), check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise BenchFailed(f"{operation} failed: {done.stderr.strip()[-2000:]}")
        return Run(**json.loads(done.stdout.strip().rpartition("\n")[2]))

    def statements(self, operation: str, database: str, **arguments: Any) -> Counter[str]:
        """Return the number of statements in an operation's session by their first word (`SELECT`), from the server's log.

        Statements of the heartbeat's session are not counted, as their number depends on time.
        """
        self.execute(f"ALTER DATABASE \"{database}\" SET log_statement = 'all'")
        log = self.server.cluster / "server.log"
        before = log.stat().st_size
        try:
            session = self.run(operation, database, **arguments).session
        finally:
            self.execute(f'ALTER DATABASE "{database}" RESET log_statement')
        with log.open(errors="replace") as stream:
            stream.seek(before)
            found = (match for line in stream if (match := LOGGED.search(line)))
            return Counter(match[2].upper() for match in found if int(match[1]) == session)

    def _environment(self, database: str) -> dict[str, str]:
        environment = dict(os.environ)
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(name, None)
        environment |= {"COURSEKEEP_HOME": str(self.home), "COURSEKEEP_DATABASE": database}
        return environment | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(PROJECT)}


@contextmanager
def open_site(kind: type[BenchSite] = BenchSite) -> Iterator[BenchSite]:
    """Make a site for a `with` block; at the end its server is stopped and its folder deleted."""
    with tempfile.TemporaryDirectory(prefix="coursekeep-bench-") as folder:
        site = kind(Path(folder) / "home")
        try:
            site.server.ensure_running()
            site.prepare()
            yield site
        finally:
            site.server.stop()
