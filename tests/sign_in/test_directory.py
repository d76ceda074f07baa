"""Passwords that a real LDAP directory checks: who is let in, as whom, by what way; and what nobody gets in with."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Iterator
from typing import Any

import ldap
import pytest
from django.contrib.auth import authenticate
from django.test import Client, RequestFactory
from django_auth_ldap.backend import ldap_error

from audit.models import AuditEntry
from config.doctor import examine
from courses import account_changes
from courses.models import User
from sign_in import directory
from sign_in.attempts import LIMITS
from sign_in.backends import DIRECTORY_SILENT
from sign_in.directory import Directory
from sign_in.identities import link
from sign_in.models import Identity, SignInCounter
from sign_in.options import LDAP, DirectoryOptions, FirstSignIn
from tests.people_made import PASSWORD, person
from tests.sign_in import ldap_server
from tests.sign_in.authenticator import with_device
from tests.sign_in.ldap_server import DIRECTORY_PASSWORD, PEOPLE, READER, READER_PASSWORD, LdapServer

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    """A directory for the tests of this module. Without `slapd` they are skipped, but not in CI."""
    if ldap_server.SLAPD is None and not os.environ.get("CI"):
        pytest.skip("slapd is not installed (apt-get install slapd)")
    started = ldap_server.start(tmp_path_factory.mktemp("ldap"))
    yield started
    started.stop()


@pytest.fixture
def options(server: LdapServer, settings: Any) -> DirectoryOptions:
    """The directory as the site knows it: by `ldaps`, with a reader that may search."""
    settings.DIRECTORY = DirectoryOptions(
        f"ldaps://127.0.0.1:{server.tls}",
        PEOPLE,
        bind_dn=READER,
        bind_password=READER_PASSWORD,
        authorities=server.authority,
    )
    found: DirectoryOptions = settings.DIRECTORY
    return found


@pytest.fixture
def tess(server: LdapServer) -> User:
    """An account that is linked to the person of the directory, with another user name and a password of the site."""
    made = person("t.tester")
    link(made, LDAP, ldap_server.subject_of(server, "tess"), by=None)
    return made


def change(settings: Any, **chosen: Any) -> None:
    settings.DIRECTORY = dataclasses.replace(settings.DIRECTORY, **chosen)


def sign_in(username: str, password: str = DIRECTORY_PASSWORD) -> str:
    """The user name of the account that name and password let in, "" for none."""
    client = Client()
    client.post("/accounts/login/", {"username": username, "password": password})
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


@pytest.mark.parametrize("way", ["ldaps", "STARTTLS", "plain on this machine"])
def test_a_password_of_the_directory_lets_in_whoever_is_linked(
    way: str, options: DirectoryOptions, server: LdapServer, tess: User, settings: Any
) -> None:
    if way != "ldaps":
        change(settings, url=f"ldap://127.0.0.1:{server.plain}", start_tls=way == "STARTTLS")
    assert sign_in("tess") == "t.tester"
    assert sign_in("TESS") == "t.tester"
    assert sign_in("tess", "wrong") == ""
    assert sign_in("nobody") == ""
    assert sign_in("t.tester", PASSWORD) == "t.tester"
    entry = AuditEntry.objects.filter(action="sign-in").order_by("pk")[0]
    assert entry.actor == tess.pk


def test_a_certificate_of_an_unknown_authority_gets_no_password(
    options: DirectoryOptions, tess: User, settings: Any
) -> None:
    change(settings, authorities="")
    client = Client()
    answer = client.post("/accounts/login/", {"username": "tess", "password": DIRECTORY_PASSWORD})
    assert "does not answer" in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("password", ["", " ", "\0"])
@pytest.mark.parametrize("username", ["tess", READER, "ada"])
def test_an_empty_password_lets_nobody_in(
    username: str, password: str, options: DirectoryOptions, server: LdapServer, tess: User, settings: Any
) -> None:
    settings.DIRECTORY = dataclasses.replace(options, first=FirstSignIn(match="username", create=True))
    assert sign_in(username, password) == ""
    request = RequestFactory().post("/accounts/login/")
    assert authenticate(request, username=username, password=password) is None


def test_the_directory_itself_takes_an_empty_password(options: DirectoryOptions, server: LdapServer) -> None:
    """So that the test above has something to fail on."""
    connection = ldap.initialize(f"ldap://127.0.0.1:{server.plain}")
    connection.simple_bind_s(f"uid=tess,{PEOPLE}", "")


@pytest.mark.parametrize(
    "username",
    [
        *(
            "*",
            "t*",
            "tess)(uid=*",
            "tess)(|(uid=*",
            "*)(objectClass=*",
            "tess\\2a",
            "(uid=tess)",
            "\\74ess",
        ),
        *(
            f"uid=tess,{PEOPLE}",
            "tess,ou=people",
            "tess" * 50,
            "t\N{SOFT HYPHEN}ess",
            "\N{FULLWIDTH LATIN SMALL LETTER T}ess",
        ),
        *("te  ss", "%(user)s", "%s", "\N{LATIN SMALL LETTER LONG S}am"),
    ],
)
def test_a_name_is_a_name_and_no_filter(
    username: str, options: DirectoryOptions, tess: User, settings: Any
) -> None:
    change(settings, first=FirstSignIn(match="username", create=True))
    request = RequestFactory().post("/accounts/login/")
    assert authenticate(request, username=username, password=DIRECTORY_PASSWORD) is None
    assert not User.objects.exclude(pk=tess.pk).exists()


def test_a_name_with_spaces_is_counted_as_one(options: DirectoryOptions, settings: Any) -> None:
    for spelling in ("lone wolf", "Lone  Wolf", " lone wolf ", "LONE WOLF", "lone   wolf")[: LIMITS["both"]]:
        assert sign_in(spelling, "wrong") == ""
    answer = Client().post("/accounts/login/", {"username": "lone wolf", "password": "wrong"})
    assert answer.status_code == 429


def test_a_first_sign_in_is_matched_by_the_name_only_if_a_setting_says_so(
    options: DirectoryOptions, settings: Any
) -> None:
    made = person("sam")
    assert sign_in("sam") == ""
    refused = AuditEntry.objects.get(action="sign-in-failed")
    assert refused.details["reason"] == "This site has no account for you."
    assert len(refused.details["person"]) == 36
    change(settings, first=FirstSignIn(match="username"))
    assert sign_in("sam") == "sam"
    assert Identity.objects.get(account=made).subject == refused.details["person"]


@pytest.mark.parametrize("chosen", [{"match": "username"}, {"create": True}])
def test_the_name_of_an_account_is_that_of_the_directory_and_not_what_was_typed(
    chosen: dict[str, Any], options: DirectoryOptions, settings: Any
) -> None:
    change(settings, search="(|(uid=%(user)s)(mail=%(user)s))", first=FirstSignIn(**chosen))
    other = person("sam@example.org", idnumber="of somebody else")
    if "match" in chosen:
        assert sign_in("sam@example.org") == ""
        person("sam")
    else:
        User.objects.filter(pk=other.pk).update(email="other@example.org")
    assert sign_in("sam@example.org") == "sam"
    assert not other.identities.exists()


@pytest.mark.parametrize(
    ("attribute", "found"), [("cn", "sam"), ("employeeNumber", ""), ("objectClass", ""), ("jpegPhoto", "")]
)
def test_a_name_that_the_directory_does_not_say_finds_no_account(
    attribute: str, found: str, options: DirectoryOptions, settings: Any
) -> None:
    person("sam")
    change(settings, name=attribute, first=FirstSignIn(match="username", create=True))
    assert sign_in("sam") == found


def test_an_administrator_is_not_taken_over_by_the_name(options: DirectoryOptions, settings: Any) -> None:
    person("ada", is_superuser=True)
    change(settings, first=FirstSignIn(match="username", create=True))
    assert sign_in("ada") == ""
    assert not Identity.objects.exists()
    assert sign_in("ada", PASSWORD) == "ada"


def test_an_account_is_made_only_if_a_setting_says_so(options: DirectoryOptions, settings: Any) -> None:
    assert sign_in("sam") == ""
    change(settings, first=FirstSignIn(create=True))
    assert sign_in("sam") == "sam"
    made = User.objects.get(username="sam")
    assert (made.firstname, made.lastname, made.email) == ("Sam", "Directory", "sam@example.org")
    assert not made.has_usable_password()
    assert not made.is_superuser


def test_a_suspended_person_is_not_let_in_and_told_why_if_the_password_is_right(
    options: DirectoryOptions, tess: User
) -> None:
    account_changes.set_suspended(tess, True, by=None)
    said = []
    for password in (DIRECTORY_PASSWORD, "wrong"):
        client = Client()
        answer = client.post("/accounts/login/", {"username": "tess", "password": password})
        assert "_auth_user_id" not in client.session
        said.append("The account of T.Tester Test may not sign in." in answer.content.decode())
    assert said == [True, False]
    failed = AuditEntry.objects.filter(action="sign-in-failed").order_by("pk")[0]
    assert (failed.subject_id, failed.details["reason"]) == (
        tess.pk,
        "The account of T.Tester Test may not sign in.",
    )


def test_somebody_without_the_stable_id_is_refused_and_the_log_says_what_to_set(
    options: DirectoryOptions, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    change(settings, identifier="employeeNumber", first=FirstSignIn(create=True))
    assert sign_in("sam") == ""
    assert "Set COURSEKEEP_LDAP_ID_ATTRIBUTE" in caplog.text


def test_the_second_factor_is_asked_after_a_password_of_the_directory(
    options: DirectoryOptions, tess: User
) -> None:
    account_changes.set_administrator(tess, True, by=None)
    with_device(tess)
    client = Client()
    client.post("/accounts/login/", {"username": "tess", "password": DIRECTORY_PASSWORD})
    assert client.get("/").headers["Location"].startswith("/accounts/second-factor/code/")


@pytest.mark.parametrize("fault", ["away", "wrong password of the reader"])
def test_a_directory_that_does_not_answer_is_told_and_counts_as_no_failure(
    fault: str, options: DirectoryOptions, tess: User, settings: Any
) -> None:
    change(settings, **({"url": "ldaps://127.0.0.1:1"} if fault == "away" else {"bind_password": "wrong"}))
    for _ in range(LIMITS["both"] + 1):
        answer = Client().post("/accounts/login/", {"username": "tess", "password": DIRECTORY_PASSWORD})
        assert answer.status_code == 200
        assert "The directory that checks your password does not answer." in answer.content.decode()
    assert sign_in("t.tester", PASSWORD) == "t.tester"


@pytest.mark.parametrize("fault", ["away", "wrong password of the reader"])
def test_passwords_of_the_site_are_not_tried_out_while_the_directory_does_not_answer(
    fault: str, options: DirectoryOptions, settings: Any
) -> None:
    change(settings, **({"url": "ldaps://127.0.0.1:1"} if fault == "away" else {"bind_password": "wrong"}))
    person("zoe")
    guesses = [
        Client().post("/accounts/login/", {"username": spelling, "password": "wrong"}).status_code
        for spelling in ("zoe", "ZOE", " zoe ", "zoe", "zoe", "zoe")
    ]
    assert guesses == [200] * LIMITS["both"] + [429]
    assert AuditEntry.objects.filter(action="sign-in-failed").count() == LIMITS["both"]
    assert sign_in("zoe", PASSWORD) == ""


def test_names_without_a_password_are_not_recorded_while_the_directory_does_not_answer(
    options: DirectoryOptions, settings: Any
) -> None:
    change(settings, url="ldaps://127.0.0.1:1")
    assert {sign_in(f"somebody{number}") for number in range(LIMITS["both"])} == {""}
    assert not AuditEntry.objects.filter(action="sign-in-failed").exists()
    assert not SignInCounter.objects.filter(failures__gt=0).exists()


@pytest.mark.parametrize("linked", [True, False])
def test_who_has_the_same_name_in_the_directory_makes_no_room_for_guesses(
    linked: bool, options: DirectoryOptions, server: LdapServer
) -> None:
    """The account “tess” of the site is somebody else than the person “tess” of the directory."""
    person("tess")
    if linked:
        link(person("t.tester"), LDAP, ldap_server.subject_of(server, "tess"), by=None)
    for _ in range(LIMITS["both"] - 1):
        assert sign_in("tess", "a guess") == ""
    assert sign_in("tess") == ("t.tester" if linked else "")
    assert sign_in("tess", "a guess") == ""
    answer = Client().post("/accounts/login/", {"username": "tess", "password": PASSWORD})
    assert answer.status_code == 429


def test_many_people_who_are_refused_after_the_right_password_keep_nobody_out(
    options: DirectoryOptions,
) -> None:
    for _ in range(LIMITS["address"] + 1):
        assert sign_in("sam") == ""
    assert AuditEntry.objects.filter(action="sign-in-failed").count() == LIMITS["address"] + 1
    person("zoe")
    assert sign_in("zoe", PASSWORD) == "zoe"


def test_a_password_of_the_directory_changes_no_password_of_the_site(
    options: DirectoryOptions, server: LdapServer
) -> None:
    sam = person("sam")
    link(sam, LDAP, ldap_server.subject_of(server, "sam"), by=None)
    client = Client()
    client.post("/accounts/login/", {"username": "sam", "password": DIRECTORY_PASSWORD})
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    answer = client.post("/accounts/password/", {"old_password": DIRECTORY_PASSWORD, **words})
    assert answer.status_code == 200
    sam.refresh_from_db()
    assert sam.check_password(PASSWORD)
    assert client.post("/accounts/password/", {"old_password": PASSWORD, **words}).status_code == 302


def test_a_directory_that_lets_the_site_wait_is_not_asked_again_at_once(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "TIMEOUT", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.setblocking(False)
        settings.DIRECTORY = DirectoryOptions(f"ldap://127.0.0.1:{mute.getsockname()[1]}", PEOPLE)
        taken = []
        for pause in (30, 30, -1):
            monkeypatch.setattr(directory, "PAUSE", pause)
            answer = Client().post("/accounts/login/", {"username": "tess", "password": DIRECTORY_PASSWORD})
            assert "The directory that checks your password does not answer." in answer.content.decode()
            taken.append(connections_of(mute))
    # The first attempt may connect more than once.
    assert [bool(number) for number in taken] == [True, False, True]


def connections_of(mute: socket.socket) -> int:
    """Take the connections that wait at a server, close them, and return how many there were."""
    number = 0
    while True:
        try:
            mute.accept()[0].close()
        except BlockingIOError:
            return number
        number += 1


def test_wrong_passwords_are_counted_and_the_directory_is_not_asked_at_the_limit(
    options: DirectoryOptions, tess: User
) -> None:
    assert {sign_in("tess", "wrong") for _ in range(LIMITS["both"])} == {""}
    answer = Client().post("/accounts/login/", {"username": "tess", "password": DIRECTORY_PASSWORD})
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ok"),
        ({"bind_password": "wrong"}, "error"),
        ({"base": "ou=nobody,dc=example,dc=org"}, "error"),
        ({"authorities": ""}, "error"),
        ({"url": "ldaps://127.0.0.1:1"}, "error"),
    ],
)
def test_the_doctor_looks_at_the_directory(
    changes: dict[str, str], state: str, options: DirectoryOptions, settings: Any
) -> None:
    change(settings, **changes)
    found = next(one for one in examine(backup_hours=48) if one.part == "directory")
    assert found.state == state
    assert bool(found.mend) == (state == "error")
    assert READER_PASSWORD not in found.fact


@pytest.mark.parametrize(
    ("error", "context", "silent"),
    [
        (ldap.UNWILLING_TO_PERFORM, "authenticate", False),
        (ldap.CONSTRAINT_VIOLATION, "authenticate", False),
        (ldap.SERVER_DOWN, "authenticate", True),
        (ldap.INVALID_CREDENTIALS, "search_for_user_dn", True),
    ],
)
def test_an_error_about_one_password_counts_as_a_failure(
    error: type[Exception], context: str, silent: bool
) -> None:
    request = RequestFactory().post("/accounts/login/")
    ldap_error.send(Directory, context=context, user=None, request=request, exception=error())
    assert (DIRECTORY_SILENT in request.META) is silent
