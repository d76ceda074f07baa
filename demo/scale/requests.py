"""Asks for pages in this process, and measures each: time, statements, and the rows that the server read for it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode

import psutil
from django.db import connection
from django.test import Client

from courses.models import User
from courses.paging import AFTER
from demo.scale.addresses import MeasuredAddress
from jobs import runner
from jobs.models import Job

NEXT = re.compile(r'<a rel="next" href="([^"]*)"')


@dataclass(frozen=True, slots=True)
class MeasuredPage:
    """A measured page: seconds by the clock and on processors (the best of the rounds), statements, rows read, bytes sent."""

    person: str
    route: str
    address: str
    status: int
    seconds: float
    cpu: float
    statements: int
    rows: int
    bytes: int


class PageReader:
    """Asks for pages as some people of the site, given as accounts by name."""

    def __init__(self, people: Mapping[str, int], rounds: int) -> None:
        self._clients = {name: _signed_in(pk) for name, pk in people.items()}
        self._rounds = rounds
        self._statements = 0

    def _begin(self) -> None:
        """Keep all work of the server in the session whose processor time is read, and the session open."""
        connection.settings_dict["CONN_MAX_AGE"] = None
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")

    def measure(
        self, pages: Iterable[MeasuredAddress], tell: Callable[[str], None]
    ) -> Iterator[dict[str, Any]]:
        """Ask for pages and yield each measurement as data for JSON; jobs that a page waits for are run in between."""
        self._begin()
        with connection.execute_wrapper(self._counted):
            for page in pages:
                for person in page.people:
                    tell(f"{person}: /{page.address}")
                    for answer in self._of_page(page, person):
                        yield asdict(answer)

    def send(self, person: str, address: str, **fields: str) -> None:
        """Send a form as one of the people."""
        self._clients[person].post(address, fields)

    def _of_page(self, page: MeasuredAddress, person: str) -> Iterator[MeasuredPage]:
        answer, text = self._asked(page, person, f"/{page.address}")
        yield answer
        path = f"/{page.address.partition('?')[0]}"
        if page.late and (found := NEXT.search(text)) is not None:
            yield self._asked(page, person, f"{path}{unescape(found[1])}")[0]
            yield self._asked(page, person, f"{path}?{urlencode({AFTER: page.late})}")[0]

    def _asked(self, page: MeasuredAddress, person: str, address: str) -> tuple[MeasuredPage, str]:
        """Ask once to warm up, then for each round; return the best, and the text of the page."""
        client, last_job = self._clients[person], _last_job()
        first = client.get(address)
        if _run_new_jobs(last_job):
            first = client.get(address)
        best: MeasuredPage | None = None
        for _ in range(self._rounds):
            rows_before, cpu_before = _rows_read(), _cpu()
            self._statements, started = 0, time.perf_counter()
            answer = client.get(address)
            seconds, statements = time.perf_counter() - started, self._statements
            cpu, rows = _cpu() - cpu_before, _rows_read() - rows_before
            size = 0 if answer.streaming else len(answer.content)
            measured = MeasuredPage(
                person, page.route, address, answer.status_code, seconds, cpu, statements, rows, size
            )
            if best is None or measured.cpu < best.cpu:
                best = measured
        assert best is not None
        return best, "" if first.streaming else first.content.decode()

    def _counted(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self._statements += 1
        return execute(*arguments)


def _signed_in(account: int) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(pk=account))
    return client


def _last_job() -> int:
    return Job.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _run_new_jobs(after: int) -> bool:
    """Run the jobs that were asked for since the job `after`; False if there are none."""
    asked = list(Job.objects.filter(pk__gt=after, state=Job.State.QUEUED).values_list("pk", flat=True))
    for pk in asked:
        runner.run(pk)
    return bool(asked)


def _rows_read() -> int:
    """Return the number of rows and index entries that were read in this database so far, this session's included."""
    with connection.cursor() as cursor:
        # The numbers of a session reach the others when it is idle for a second, unless it is told to send them.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
        tables = int(cursor.fetchone()[0])
        cursor.execute("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
        # An index scan counts an entry of the index and a row of the table; an index-only scan the entry.
        entries = int(cursor.fetchone()[0])
    return tables + entries


def _cpu() -> float:
    """Return the processor seconds of this process and of its session's so far."""
    server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return time.process_time() + server.user + server.system
