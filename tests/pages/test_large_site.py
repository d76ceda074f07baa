"""A site of 20,000 archives and jobs: no list skips rows or reads a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import User
from courses.paging import AFTER
from demo.scale import addresses
from demo.scale.site_rows import SiteSize, fill
from tests.pages.rules import ACTIONS, PAGES
from vault import figures

ROWS = 20_000
MOST_READ = 16_000
"""Rows of one table that a page reads at most: some numbers are counted up to 10,000."""

BIG = (
    "vault_storedarchive",
    "jobs_job",
    "jobs_jobline",
    "audit_auditentry",
    "vault_scheduleentry",
    "notices_notice",
)
READ = "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)"
NEXT = re.compile(r'<a rel="next" href="([^"]*)"')


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The site stands for all tests of this module."""


@pytest.fixture(scope="module")
def site(standing: None) -> dict[str, int]:
    """A site of `ROWS` archives and jobs, as its housekeeping leaves it."""
    ids = fill(SiteSize(archives=ROWS, jobs=ROWS, courses=300, people=500))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    figures.store()
    return ids


@pytest.fixture(autouse=True)
def untouched(transactional_db: None) -> Iterator[None]:
    """Roll back the changes of each test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def signed_in(ids: dict[str, int]) -> dict[str, Client]:
    """A browser for each of the people."""
    clients = {}
    for name in addresses.EVERYBODY:
        clients[name] = Client()
        clients[name].force_login(User.objects.get(pk=ids[name]))
    return clients


def asked(client: Client, address: str) -> tuple[Any, list[str]]:
    """The answer to an address, and the statements that it took."""
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(address)
    return answer, [one["sql"] for one in seen]


def pages_of(ids: dict[str, int]) -> list[addresses.MeasuredAddress]:
    """The pages of a site."""
    named = {"category": ids["categories"], "course": ids["courses"], "teacher": ids["teacher"]}
    return [addresses.filled(page, named) for page in addresses.of_site(ids)]


def test_no_page_of_a_list_skips_rows_or_reads_a_whole_table(site: dict[str, int]) -> None:
    clients, found = signed_in(site), []
    for page in pages_of(site):
        for name in page.people:
            for address in of_list(clients[name], page):
                before = rows_read()
                answer, statements = asked(clients[name], address)
                # What is not there for the administrator is not measured; for others it may be refused.
                allowed = (200,) if name == addresses.ADMIN else (200, 404)
                assert answer.status_code in allowed, (name, address)
                read = {table: number - before.get(table, 0) for table, number in rows_read().items()}
                found += [
                    (name, address, table, number) for table, number in read.items() if number > MOST_READ
                ]
                # What is left out of a subquery is one row or none; `OFFSET 0` tells the planner something.
                found += [(name, address, sql, 0) for sql in statements if re.search(r"OFFSET (?!0\b)", sql)]
    assert found == []


def of_list(client: Client, page: addresses.MeasuredAddress) -> list[str]:
    """The address of a page, and if it is a list those of its second page and of a late one."""
    first = f"/{page.address}"
    if not page.late or (further := NEXT.search(client.get(first).content.decode())) is None:
        return [first]
    path = first.partition("?")[0]
    return [first, f"{path}{unescape(further[1])}", f"{path}?{urlencode({AFTER: page.late})}"]


def rows_read() -> dict[str, int]:
    """The rows of each big table that this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(BIG)])
        return dict(cursor.fetchall())


def test_the_numbers_of_rows_that_are_read_would_tell_a_whole_table(site: dict[str, int]) -> None:
    before = rows_read().get("jobs_job", 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(title) FROM jobs_job")
    assert rows_read()["jobs_job"] - before >= ROWS


def test_the_measurement_asks_for_every_page_of_the_site(site: dict[str, int]) -> None:
    course = {
        "course": 1,
        "archive": 1,
        "other": 1,
        "section": 1,
        "forum": 1,
        "student": 1,
        "grade_item": 1,
        "discussion": 1,
    }
    course |= dict.fromkeys(("page", "label", "url", "folder", "assign"), 1)
    measured = {page.route for page in (*addresses.of_site(site), *addresses.of_course(course))}
    pages = {rule.route for rule in PAGES if rule.post is None} | {
        route.strip() for route, (_, post, _) in ACTIONS.items() if post is None
    }
    wanted = {route for route in pages if not route.startswith("admin/")}
    assert wanted - measured - addresses.NO_PAGES.keys() == set()
    assert (measured | addresses.NO_PAGES.keys()) - wanted == set()
