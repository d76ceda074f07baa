"""Attempts to sign in are counted for the account and for the address, and refused for a while when too many failed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from sign_in.attempts import LIMITS, WINDOW
from sign_in.models import SignInCounter
from tests.people_made import PASSWORD, person

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def ada(transactional_db: None) -> None:
    """An administrator and a person."""
    person("ada", is_superuser=True)
    person("tess")


def attempt(
    username: str,
    password: str = "wrong",
    *,
    address: str = "192.0.2.1",
    path: str = LOGIN,
    forwarded: str = "",
) -> int:
    """The status of an attempt to sign in: 200 for a wrong password, 302 for a right one, 429 when it is refused."""
    data = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR=forwarded).post(path, data).status_code


def addresses(number: int) -> Iterator[str]:
    return (f"198.51.100.{last}" for last in range(number))


def test_after_some_wrong_passwords_even_the_right_one_is_refused_with_a_sentence() -> None:
    assert [attempt("tess") for _ in range(LIMITS["both"])] == [200] * LIMITS["both"]
    data = {"username": "tess", "password": PASSWORD}
    answer = Client().post(LOGIN, data, REMOTE_ADDR="192.0.2.1")
    assert answer.status_code == 429
    page = answer.content.decode()
    assert "Signing in failed too often for this account or from this network." in page
    assert "Wait 15 minutes, then try again." in page
    assert 0 < int(answer.headers["Retry-After"]) <= WINDOW.total_seconds()
    assert "sessionid" not in answer.cookies


def test_one_account_is_refused_from_an_address_and_others_are_not() -> None:
    for _ in range(LIMITS["both"] + 1):
        attempt("tess")
    assert attempt("ada", PASSWORD) == 302
    assert attempt("tess", PASSWORD, address="192.0.2.2") == 302


def test_one_address_closes_no_account_for_others() -> None:
    assert attempt("tess") == 200
    for _ in range(LIMITS["account"] + 5):
        attempt("tess")
    assert attempt("tess", PASSWORD) == 429
    assert attempt("tess", PASSWORD, address="192.0.2.2") == 302


def test_an_account_is_refused_to_many_addresses_together() -> None:
    assert {attempt("tess", address=address) for address in addresses(LIMITS["account"])} == {200}
    assert attempt("tess", PASSWORD, address="192.0.2.99") == 429


def test_an_address_is_refused_for_many_accounts_together() -> None:
    assert {attempt(f"guess{number}") for number in range(LIMITS["address"])} == {200}
    assert attempt("tess", PASSWORD) == 429
    assert attempt("tess", PASSWORD, address="192.0.2.2") == 302


def test_the_administration_has_the_same_limits() -> None:
    for _ in range(LIMITS["both"]):
        attempt("ada", path="/admin/login/")
    assert attempt("ada", PASSWORD, path="/admin/login/") == 429
    assert attempt("ada", PASSWORD) == 429


@pytest.mark.parametrize("spelling", ["TESS", " tess", "Tess "])
def test_another_spelling_is_the_same_account(spelling: str) -> None:
    for _ in range(LIMITS["both"]):
        attempt(spelling)
    assert attempt("tess", PASSWORD) == 429


def test_a_success_forgets_the_failures_from_its_address_only() -> None:
    for _ in range(LIMITS["both"] - 1):
        attempt("tess")
        attempt("ada")
    assert attempt("tess", PASSWORD) == 302
    assert attempt("tess") == 200
    assert [attempt("ada"), attempt("ada")] == [200, 429]


def test_many_people_of_one_address_sign_in() -> None:
    assert {attempt("tess", PASSWORD) for _ in range(LIMITS["address"] + 5)} == {302}


def test_after_the_window_the_count_begins_anew() -> None:
    for _ in range(LIMITS["both"] + 1):
        attempt("tess")
    SignInCounter.objects.update(since=timezone.now() - WINDOW - timedelta(seconds=1))
    assert attempt("tess", PASSWORD) == 302
    assert SignInCounter.objects.filter(failures__gt=0).count() == 0


def test_what_a_sender_claims_about_the_address_counts_only_behind_a_proxy(settings: Any) -> None:
    for number in range(LIMITS["both"]):
        attempt("tess", forwarded=f"203.0.113.{number}")
    assert attempt("tess", PASSWORD, forwarded="203.0.113.77") == 429
    settings.BEHIND_PROXY = True
    for number in range(LIMITS["both"]):
        attempt("ada", forwarded=f"203.0.113.{number}, 203.0.113.200")
    assert attempt("ada", PASSWORD, forwarded="203.0.113.200") == 429
    assert attempt("ada", PASSWORD, forwarded="203.0.113.200, 203.0.113.201") == 302


def test_the_addresses_of_one_network_of_ipv6_count_together() -> None:
    for number in range(LIMITS["both"]):
        attempt("tess", address=f"2001:db8::{number}")
    assert attempt("tess", PASSWORD, address="2001:db8::ffff") == 429
    assert attempt("tess", PASSWORD, address="2001:db8:0:1::1") == 302


def test_attempts_at_the_same_time_are_counted_one_by_one() -> None:
    def one(_: int) -> int:
        try:
            return attempt("tess")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(24)))
    assert sorted(found) == [200] * LIMITS["both"] + [429] * (24 - LIMITS["both"])


def test_the_table_tells_neither_names_nor_addresses() -> None:
    attempt("tess")
    keys = list(SignInCounter.objects.values_list("key", flat=True))
    assert len(keys) == 3
    assert all(len(key) == 64 and "tess" not in key and "192" not in key for key in keys)


def test_somebody_on_the_server_is_not_slowed_down() -> None:
    for _ in range(LIMITS["both"] + 1):
        assert authenticate(username="tess", password="wrong") is None
    assert authenticate(username="tess", password=PASSWORD) is not None
    assert not SignInCounter.objects.exists()


def test_where_no_passwords_are_taken_attempts_are_neither_looked_at_nor_recorded(settings: Any) -> None:
    settings.PASSWORD_SIGN_IN = False
    assert {attempt("tess", PASSWORD) for _ in range(LIMITS["address"] + 2)} == {200}
    assert not AuditEntry.objects.filter(action="sign-in-failed").exists()
    assert not SignInCounter.objects.exists()
