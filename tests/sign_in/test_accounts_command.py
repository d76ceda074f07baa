"""`manage.py accounts`: the ways in for somebody who cannot sign in by a page."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from archive.errors import NotFound, UsageError
from audit.models import AuditEntry
from courses import account_changes
from courses.models import User
from sign_in import links, second_factor
from sign_in.attempts import LIMITS
from sign_in.identities import link
from sign_in.models import Identity
from tests.people_made import PASSWORD, person
from tests.sign_in.authenticator import shown, with_device
from tests.sign_in.oidc_provider import SUBJECT, OidcProvider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ada() -> User:
    """The administrator."""
    return person("ada", is_superuser=True)


def run(*arguments: str) -> dict[str, Any]:
    """The object that the command prints."""
    out = StringIO()
    call_command("accounts", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_link_lets_somebody_in_once_also_where_no_passwords_are_taken(settings: Any) -> None:
    settings.PASSWORD_SIGN_IN = False
    path = run("sign-in-link", "ada")["address"].removeprefix(settings.SITE_URL)
    client = Client()
    assert "Ada Test" in client.get(path).content.decode()
    assert "_auth_user_id" not in client.session
    assert client.post(path).status_code == 302
    assert client.get("/administration/").status_code == 200
    assert AuditEntry.objects.get(action="sign-in").details == {"way": "link"}
    assert Client().post(path).status_code == 404
    assert AuditEntry.objects.filter(action="sign-in-link").count() == 1


def test_a_link_does_not_go_round_the_second_factor(ada: User, settings: Any) -> None:
    with_device(ada)
    path = run("sign-in-link", "ada")["address"].removeprefix(settings.SITE_URL)
    client = Client()
    client.post(path)
    assert client.get("/administration/").headers["Location"].startswith("/accounts/second-factor/code/")


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_used_twice_at_the_same_time_lets_in_once(ada: User) -> None:
    path = f"/accounts/link/{links.make_token(ada)}/"
    together = Barrier(4)

    def one(client: Client) -> int:
        try:
            together.wait(20)
            return client.post(path).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, [Client() for _ in range(4)]))
    assert sorted(found) == [302, 404, 404, 404]


def test_a_sign_in_by_a_link_is_told_apart_also_after_a_code_and_a_password_afterwards(ada: User) -> None:
    with_device(ada)
    client = Client()
    client.post(f"/accounts/link/{links.make_token(ada)}/")
    client.post("/accounts/second-factor/code/", {"code": shown()})
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    client.post("/accounts/second-factor/code/", {"code": shown(steps=1)})
    entries = AuditEntry.objects.filter(action="sign-in").order_by("pk")
    assert [one.details for one in entries] == [{"factor": "code", "way": "link"}, {"factor": "code"}]


def test_addresses_that_are_no_links_keep_nobody_from_signing_in(ada: User) -> None:
    """A page elsewhere makes browsers ask for them, as pictures."""
    path = f"/accounts/link/{links.make_token(ada)}/"
    assert {Client().get("/accounts/link/x/").status_code for _ in range(LIMITS["address"] + 1)} == {404}
    assert Client().get(path).status_code == 200
    answer = Client().post("/accounts/login/", {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 302


def test_a_link_ends_with_its_time_with_a_suspension_and_with_another_letter(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("bob", is_superuser=True)
    token = links.make_token(ada)
    assert links.account_of(token) == ada
    assert links.account_of(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    account_changes.set_suspended(ada, True, by=None)
    assert links.account_of(token) is None
    with pytest.raises(UsageError, match="may not sign in"):
        links.make_token(User.objects.get(pk=ada.pk))
    account_changes.set_suspended(ada, False, by=None)
    assert links.account_of(token) is None
    again = links.make_token(User.objects.get(pk=ada.pk))
    monkeypatch.setattr(links, "LASTS", -1)
    assert links.account_of(again) is None


def test_a_lost_second_factor_is_removed(ada: User) -> None:
    with_device(ada)
    second_factor.renew_codes(ada)
    assert run("show", "ada") == {
        "username": "ada",
        "may_sign_in": True,
        "administrator": True,
        "password": True,
        "second_factor": True,
        "recovery_codes": 10,
        "identities": [],
    }
    assert run("reset-second-factor", "ada") == {"removed": True}
    assert run("reset-second-factor", "ada") == {"removed": False}
    assert AuditEntry.objects.get(action="second-factor-removed").actor is None


def test_identities_are_linked_and_unlinked(ada: User) -> None:
    with pytest.raises(UsageError, match="wants the provider"):
        run("link", "ada", "--person", "7")
    run("link", "ada", "--provider", "ldap", "--person", "7")
    assert run("show", "ada")["identities"] == [{"provider": "ldap", "person": "7"}]
    person("bob")
    with pytest.raises(UsageError, match="belongs to another account"):
        run("link", "bob", "--provider", "ldap", "--person", "7")
    assert run("unlink", "ada") == {"unlinked": 1}
    assert not Identity.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="identity").order_by("pk")
    assert [one.action for one in actions] == ["identity-linked", "identity-unlinked"]


@pytest.mark.parametrize("said", ["by the settings", "with a slash", "without a slash"])
def test_an_identity_is_linked_to_the_issuer_as_the_provider_writes_it(
    said: str, provider: OidcProvider, walk: Callable[..., Any], settings: Any
) -> None:
    if said == "by the settings":
        settings.OIDC = dataclasses.replace(settings.OIDC, issuer=provider.issuer + "/")
    tess = person("tess")
    named = {
        "by the settings": [],
        "with a slash": [provider.issuer + "/"],
        "without a slash": [provider.issuer],
    }
    arguments = [part for one in named[said] for part in ("--provider", one)]
    assert run("link", "tess", *arguments, "--person", SUBJECT)["provider"] == provider.issuer
    client = Client()
    walk(client)
    assert client.session["_auth_user_id"] == str(tess.pk)


def test_to_unlink_ends_the_sessions(provider: OidcProvider, walk: Callable[..., Any]) -> None:
    tess = person("tess")
    link(tess, provider.issuer, SUBJECT, by=None)
    client = Client()
    walk(client)
    assert client.get("/jobs/").status_code == 200
    run("unlink", "tess")
    assert client.get("/jobs/").status_code == 302


def test_wrong_arguments_are_told(ada: User) -> None:
    with pytest.raises(NotFound, match="no account “nobody”"):
        run("show", "nobody")
    with pytest.raises(UsageError, match="are for `link`"):
        run("show", "ada", "--person", "7")
