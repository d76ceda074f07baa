"""What the environment says of identity providers: complete, with TLS, and with the packages that it needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from config.identity_providers import directory_options, oidc_options, refuse_no_way_in
from sign_in.options import FirstSignIn

OIDC = {
    "COURSEKEEP_OIDC_ISSUER": "https://login.example/realms/campus",
    "COURSEKEEP_OIDC_CLIENT_ID": "coursekeep",
    "COURSEKEEP_OIDC_CLIENT_SECRET": "s3cret",
}
DIRECTORY = {"COURSEKEEP_LDAP_URL": "ldaps://ldap.example", "COURSEKEEP_LDAP_BASE": "ou=people,dc=example"}


def test_without_variables_there_is_no_provider_and_no_directory() -> None:
    assert oidc_options(Environment({})) is None
    assert directory_options(Environment({})) is None


def test_three_variables_are_a_provider_that_matches_and_makes_nobody() -> None:
    found = oidc_options(Environment(OIDC))
    assert found is not None
    assert (found.name, found.first, found.administrators) == ("login.example", FirstSignIn(), "")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("missing", OIDC)
def test_a_provider_without_one_of_the_three_is_refused(missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{missing} is missing"):
        oidc_options(Environment({name: value for name, value in OIDC.items() if name != missing}))


@pytest.mark.parametrize(
    ("issuer", "taken"),
    [
        ("http://login.example", False),
        ("http://localhost.login.example", False),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]/x", True),
    ],
)
def test_an_issuer_without_tls_is_one_of_this_machine(issuer: str, taken: bool) -> None:
    environment = Environment({**OIDC, "COURSEKEEP_OIDC_ISSUER": issuer})
    if taken:
        assert oidc_options(environment) is not None
        return
    with pytest.raises(ImproperlyConfigured, match="without TLS"):
        oidc_options(environment)


@pytest.mark.parametrize(
    ("changes", "start_tls"),
    [
        ({}, False),
        ({"COURSEKEEP_LDAP_URL": "ldap://ldap.example"}, True),
        ({"COURSEKEEP_LDAP_URL": "ldap://localhost"}, False),
        ({"COURSEKEEP_LDAP_URL": "ldap://localhost", "COURSEKEEP_LDAP_STARTTLS": "1"}, True),
    ],
)
def test_passwords_go_to_a_directory_with_tls(changes: dict[str, str], start_tls: bool) -> None:
    found = directory_options(Environment(DIRECTORY | changes))
    assert found is not None
    assert (found.start_tls, found.first) == (start_tls, FirstSignIn())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"COURSEKEEP_LDAP_URL": "ldap://ldap.example", "COURSEKEEP_LDAP_STARTTLS": "0"}, "without TLS"),
        (
            {"COURSEKEEP_LDAP_URL": "ldap://127.0.0.1 ldap://ldap.example", "COURSEKEEP_LDAP_STARTTLS": "0"},
            "TLS",
        ),
        ({"COURSEKEEP_LDAP_STARTTLS": "1"}, "ldaps has TLS"),
        ({"COURSEKEEP_LDAP_BASE": ""}, "COURSEKEEP_LDAP_BASE is missing"),
        ({"COURSEKEEP_LDAP_FILTER": "(uid=*)"}, r"Write %\(user\)s"),
        ({"COURSEKEEP_LDAP_FILTER": "(uid=%(user)s)(x=%s)"}, "no other %"),
        ({"COURSEKEEP_LDAP_BIND_DN": "cn=reader"}, "belong together"),
        ({"COURSEKEEP_LDAP_BIND_PASSWORD": "x"}, "belong together"),
        ({"COURSEKEEP_LDAP_CA_FILE": "/no/such/file.pem"}, "no such file"),
    ],
)
def test_a_directory_that_could_not_work_or_would_not_be_safe_is_refused(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        directory_options(Environment(DIRECTORY | changes))


def test_without_the_packages_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert directory_options(Environment({})) is None
    with pytest.raises(ImproperlyConfigured, match=r"pip install -r requirements-ldap\.lock") as refused:
        directory_options(Environment(DIRECTORY))
    named = str(refused.value).partition("-r ")[2].removesuffix(".")
    assert (Path(__file__).parents[2] / named).is_file()


def test_passwords_are_switched_off_only_where_there_is_another_way() -> None:
    refuse_no_way_in(passwords=True, oidc=None)
    refuse_no_way_in(passwords=False, oidc=oidc_options(Environment(OIDC)))
    with pytest.raises(ImproperlyConfigured, match="nobody could sign in"):
        refuse_no_way_in(passwords=False, oidc=None)
