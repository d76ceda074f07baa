"""Lists take as many statements for a thousand rows as for ten."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import User
from demo.scale.site_rows import SiteSize, fill

pytestmark = pytest.mark.django_db

LISTS = (
    "/", "/archives/", "/jobs/", "/restore/", "/bin/", "/schedules/", "/administration/", "/administration/audit/",
    "/administration/people/", "/administration/notices/", "/?state=damaged", "/archives/?search=Biology",
)  # fmt: skip
AT_ALL = 4
"""Statements that are only asked if the list has any row of a kind."""


def numbers(archives: int) -> dict[str, int]:
    """The number of statements of each list of a site of a size, which is gone afterwards."""
    with transaction.atomic():
        ids = fill(SiteSize(archives=archives, jobs=archives, courses=max(10, archives // 10), people=50))
        client = Client()
        client.force_login(User.objects.get(pk=ids["admin"]))
        found = {}
        for route in LISTS:
            client.get(route)
            with CaptureQueriesContext(connection) as seen:
                client.get(route)
            found[route] = len(seen)
        transaction.set_rollback(True)
    return found


def test_a_list_takes_no_more_statements_for_a_thousand_rows_than_for_ten() -> None:
    few, many = numbers(10), numbers(1_000)
    assert {route: (few[route], many[route]) for route in LISTS if many[route] > few[route] + AT_ALL} == {}
