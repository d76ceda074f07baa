"""Odd values in every address and every field: numbers of thousands of digits, zero bytes, other scripts. Never status 500.

The addresses come from the URL table and the parameters from the source of the views, so that new ones are tried by themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup import services
from jobs import runner
from tests.conftest import PROJECT
from tests.pages.places import Place, make_place
from vault.models import StoredArchive

ROOMS = ("audit", "backup", "config", "jobs", "notices", "restore", "selection", "sign_in", "vault", "viewer")
DIGITS = "9" * 5000
ODD = (
    "", "\0", "a\0b", "0", "-1", "²", "٦٢", "1_0", "+1", " 1 ", "1e5", "NaN", "9" * 18, "9" * 19, "9" * 20, DIGITS,
    f"-{DIGITS}", "\ud800", "\U0010ffff", "\u202e", "'; DROP TABLE x--", "<script>", "%s%s%n", "{{7*7}}", "../../etc/passwd",
    "a" * 5000, "[]", "[" * 5000, "null", "1.5", "\r\nSet-Cookie: x=1",
)  # fmt: skip
OTHER_SITES = ("admin/",)
"""Django's own pages for the tables, which only administrators have."""

odd_values = st.sampled_from(ODD) | st.text(max_size=30) | st.integers().map(str)
"""Values that nobody types."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The course stands for all tests of this module."""


@pytest.fixture(scope="module")
def place(standing: None) -> Place:
    """A small course, its people, and an archive of it."""
    made = make_place()
    runner.run(services.request_backup(made.course, by=made.admin, notify=False).pk, raising=True)
    return made


@pytest.fixture
def client(transactional_db: None, place: Place) -> Client:
    """The browser of an administrator; a fault of a page is its status, not an exception."""
    signed_in = Client(raise_request_exception=False)
    signed_in.force_login(place.admin)
    return signed_in


def patterns(found: Any = None, before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the route of every address of the site, with its converters by name."""
    for one in (found or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if route.startswith(OTHER_SITES):
            continue
        if isinstance(one, URLResolver):
            yield from patterns(one, route)
        elif isinstance(one, URLPattern):
            yield route, one.pattern.converters


ROUTES = dict(patterns())


def address(route: str, values: dict[str, str]) -> str:
    """Return the address of a route with these values in it."""
    found = f"/{route}"
    for name, value in values.items():
        start = found.index("<")
        end = found.index(">", start)
        assert name in found[start:end]
        found = found[:start] + quote(value.encode("utf-8", "surrogatepass")) + found[end + 1 :]
    return found


@lru_cache(maxsize=1)
def parameters() -> tuple[str, ...]:
    """Return the names of the parameters and fields that the rooms read from GET and POST."""
    names: set[str] = set()
    for room in ROOMS:
        for file in (PROJECT / room).rglob("*.py"):
            names.update(_named_in(ast.parse(Path(file).read_text(encoding="utf-8"))))
    return tuple(sorted(names))


def _named_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        read: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            read, name = node.func.value, node.args[0]
        elif isinstance(node, ast.Subscript):
            read, name = node.value, node.slice
        if (
            isinstance(read, ast.Attribute)
            and read.attr in {"GET", "POST", "query", "sent"}
            and isinstance(name, ast.Constant)
        ):
            yield str(name.value)


def real_values(route: str, place: Place) -> dict[str, str]:
    """Return values with which an address leads to something, as far as one can tell by its route."""
    numbers = {
        "activity/": place.page.pk,
        "archives/": StoredArchive.objects.latest("pk").pk,
        "restore/<": StoredArchive.objects.latest("pk").pk,
    }
    number = next((pk for start, pk in numbers.items() if route.startswith(start)), place.course.pk)
    words = {
        "archive_type": "course",
        "name": "people",
        "modulename": "forum",
        "script": "view",
        "path": "1/a/b/0/c.txt",
    }
    return {name: words.get(name, str(number)) for name in ROUTES[route]}


def failures(client: Client, asked: str, fields: dict[str, str] | None = None) -> list[str]:
    """Open an address, and send a form to it if there are fields; return what was answered by status 500."""
    with transaction.atomic():
        answer = client.get(asked) if fields is None else client.post(asked, fields)
        transaction.set_rollback(True)
    assert answer.status_code in {200, 204, 302, 400, 403, 404, 405, 500}, (asked[:100], answer.status_code)
    return (
        [f"{asked[:200]} {fields if fields and len(str(fields)) < 300 else ''}"]
        if answer.status_code == 500
        else []
    )


def test_the_url_table_and_the_parameters_are_found() -> None:
    assert {"course/<int:pk>/", "restore/<int:pk>/review/", "file/<file:path>", "jobs/"} <= ROUTES.keys()
    assert {"search", "page", "category", "state", "where", "token"} - {"token"} <= set(parameters())


@pytest.mark.parametrize("route", sorted(route for route in ROUTES if ROUTES[route]))
def test_odd_values_in_an_address_are_not_found(route: str, client: Client, place: Place) -> None:
    wrong = []
    for name in ROUTES[route]:
        for value in ODD:
            asked = address(route, {**real_values(route, place), name: value})
            wrong += failures(client, asked)
    assert wrong == []


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_odd_values_in_parameters_and_fields_are_refused_or_ignored(
    route: str, client: Client, place: Place
) -> None:
    asked = address(route, real_values(route, place))
    wrong = []
    for value in (DIGITS, "\0", "²", "\ud800", "9" * 19):
        encoded = quote(value.encode("utf-8", "surrogatepass"))
        query = "&".join(f"{name}={encoded}" for name in (*parameters(), "id", "d", "f"))
        wrong += failures(client, f"{asked}?{query}")
        if value.isprintable():
            wrong += failures(client, asked, dict.fromkeys(parameters(), value))
    wrong += failures(client, asked, dict.fromkeys(parameters(), "\0"))
    assert wrong == []


def test_a_zero_byte_in_a_search_is_status_400(client: Client) -> None:
    for asked in (
        "/?search=%00",
        "/archives/?search=a%00b",
        "/administration/?search=%00",
        "/restore/?search=%00",
    ):
        answer = client.get(asked)
        assert answer.status_code == 400
        assert "zero byte" in answer.content.decode()


@settings(
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_sent_no_page_breaks(client: Client, place: Place, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(sorted(ROUTES)))
    values = real_values(route, place)
    in_path: bool = data.draw(st.booleans())
    if values and in_path:
        values[data.draw(st.sampled_from(sorted(values)))] = data.draw(odd_values.filter(bool))
    names = data.draw(st.lists(st.sampled_from(parameters()), max_size=4))
    sent = {name: data.draw(odd_values) for name in names}
    asked = address(route, values)
    if data.draw(st.booleans()):
        fields = {name: value.encode("utf-8", "replace").decode() for name, value in sent.items()}
        assert failures(client, asked, fields) == []
    else:
        query = "&".join(
            f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in sent.items()
        )
        assert failures(client, f"{asked}?{query}") == []
