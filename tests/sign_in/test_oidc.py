"""Sign-in by OpenID Connect: who is let in, as whom, and what of all that can be forged is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from config.doctor import examine
from courses import account_changes
from courses.models import User
from sign_in import provider as discovery
from sign_in.attempts import LIMITS
from sign_in.identities import link
from sign_in.models import Identity
from sign_in.options import LDAP, FirstSignIn
from tests.people_made import PASSWORD, person
from tests.sign_in.addresses import ELSEWHERE
from tests.sign_in.oidc_provider import CLIENT, SECRET, SUBJECT, OidcProvider

pytestmark = pytest.mark.django_db
Walk = Callable[..., Any]


@pytest.fixture(autouse=True)
def ada() -> User:
    """The administrator, so that the site is never without one."""
    return person("ada", is_superuser=True)


@pytest.fixture
def tess(provider: OidcProvider) -> User:
    """The account that is linked to the person at the provider."""
    made = person("tess")
    link(made, provider.issuer, SUBJECT, by=None)
    return made


def first(settings: Any, **chosen: Any) -> None:
    """Set how a first sign-in finds an account."""
    settings.OIDC = dataclasses.replace(settings.OIDC, first=FirstSignIn(**chosen))


def signed_in(client: Client) -> str:
    """The user name of the person whose session a client has, "" for nobody."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


def failures() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="sign-in-failed"))


def test_the_page_offers_the_provider_only_where_there_is_one(provider: OidcProvider, settings: Any) -> None:
    assert "Sign in with Example University" in Client().get("/accounts/login/").content.decode()
    settings.OIDC = None
    assert "Example University" not in Client().get("/accounts/login/").content.decode()
    assert Client().get("/accounts/oidc/").status_code == 404
    assert Client().get("/accounts/oidc/callback/?code=a&state=b").status_code == 404


def test_a_person_who_is_linked_signs_in_with_a_new_session_and_is_in_the_trail(
    walk: Walk, tess: User
) -> None:
    client = Client()
    client.get("/accounts/oidc/")
    before = client.session.session_key
    assert walk(client, "/jobs/").headers["Location"] == "/jobs/"
    assert signed_in(client) == "tess"
    assert client.session.session_key != before
    entry = AuditEntry.objects.get(action="sign-in")
    assert (entry.actor, entry.details) == (tess.pk, {"way": "oidc"})


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_address_of_another_site_is_gone_to_afterwards(address: str, walk: Walk, tess: User) -> None:
    assert walk(Client(), address).headers["Location"] == "/"


def test_the_link_stays_when_name_and_address_change_at_the_provider(
    provider: OidcProvider, walk: Walk, tess: User, settings: Any
) -> None:
    first(settings, match="email", create=True)
    person("other")
    provider.person |= {"email": "other@example.org", "preferred_username": "other"}
    client = Client()
    walk(client)
    assert signed_in(client) == "tess"


@pytest.mark.parametrize("match", ["email", "username", "none"])
def test_a_first_sign_in_is_matched_only_by_what_a_setting_allows(
    match: str, walk: Walk, settings: Any
) -> None:
    made = person("tess")
    first(settings, match=match)
    client = Client()
    answer = walk(client)
    assert signed_in(client) == ("" if match == "none" else "tess")
    assert Identity.objects.filter(account=made, subject=SUBJECT).exists() == (match != "none")
    if match == "none":
        assert answer.status_code == 403
        assert "This site has no account for you." in answer.content.decode()
        assert failures()[0].details["person"] == SUBJECT


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0, 1, [], "yes"])
def test_an_address_that_is_not_verified_takes_over_no_account(
    verified: Any, provider: OidcProvider, walk: Walk, settings: Any
) -> None:
    person("victim")
    first(settings, match="email", create=True)
    provider.person |= {"email": "victim@example.org", "email_verified": verified}
    if verified is None:
        del provider.person["email_verified"]
    client = Client()
    walk(client)
    assert signed_in(client) == "tess"
    assert User.objects.get(username="tess").email == ""


@pytest.mark.parametrize(
    "address",
    [
        "v\N{LATIN SMALL LETTER DOTLESS I}ctim@example.org",
        "vict\N{LATIN SMALL LETTER DOTLESS I}m@EXAMPLE.org",
    ],
)
def test_an_address_that_only_looks_the_same_is_another_one(
    address: str, provider: OidcProvider, walk: Walk, settings: Any
) -> None:
    person("victim")
    first(settings, match="email")
    provider.person["email"] = address
    client = Client()
    assert walk(client).status_code == 403
    assert signed_in(client) == ""


@pytest.mark.parametrize("match", ["email", "username"])
def test_an_administrator_is_not_taken_over_by_a_match(
    match: str, provider: OidcProvider, walk: Walk, settings: Any
) -> None:
    first(settings, match=match)
    provider.person |= {"email": "ada@example.org", "preferred_username": "ada"}
    client = Client()
    answer = walk(client)
    assert (answer.status_code, signed_in(client)) == (403, "")
    assert "is not linked by a name or an address" in answer.content.decode()


def test_a_second_identity_does_not_take_over_an_account_that_has_one(
    provider: OidcProvider, walk: Walk, tess: User, settings: Any
) -> None:
    first(settings, match="email", create=True)
    provider.person["sub"] = "another person who has the address now"
    client = Client()
    assert walk(client).status_code == 403
    assert signed_in(client) == ""


def test_an_account_is_made_only_if_a_setting_says_so_and_administers_nothing(
    provider: OidcProvider, walk: Walk, settings: Any
) -> None:
    provider.person["groups"] = ["admins"]
    first(settings, create=True)
    client = Client()
    walk(client)
    made = User.objects.get(username="tess")
    assert signed_in(client) == "tess"
    assert (made.firstname, made.lastname, made.email) == ("Tess", "Tester", "tess@example.org")
    assert not made.is_superuser
    assert not made.has_usable_password()
    assert AuditEntry.objects.get(action="account-created").details["provider"] == provider.issuer


@pytest.mark.parametrize("taken", ["username", "email"])
def test_no_account_is_made_with_a_name_or_an_address_that_is_taken(
    taken: str, walk: Walk, settings: Any
) -> None:
    first(settings, create=True)
    other = person("other")
    User.objects.filter(pk=other.pk).update(
        **{taken: {"username": "tess", "email": "tess@example.org"}[taken]}
    )
    client = Client()
    answer = walk(client)
    assert (answer.status_code, signed_in(client)) == (403, "")
    assert "No account could be made for you" in answer.content.decode()


def test_the_group_of_administrators_makes_and_unmakes_them_and_the_last_one_stays(
    provider: OidcProvider, walk: Walk, tess: User, ada: User, settings: Any
) -> None:
    settings.OIDC = dataclasses.replace(settings.OIDC, administrators="keepers")
    for groups, expected in (["keepers"], True), (["keepers of another house"], False), ("keepers", True):
        provider.person["groups"] = groups
        walk(Client())
        tess.refresh_from_db()
        assert tess.is_superuser is expected
    account_changes.set_suspended(ada, True, by=None)
    provider.person["groups"] = []
    walk(Client())
    tess.refresh_from_db()
    assert tess.is_superuser


def test_a_suspended_account_is_refused_with_a_sentence_and_so_is_its_session(walk: Walk, tess: User) -> None:
    before = Client()
    walk(before)
    assert before.get("/").status_code == 200
    account_changes.set_suspended(tess, True, by=None)
    assert before.get("/").status_code == 302
    client = Client()
    answer = walk(client)
    assert (answer.status_code, signed_in(client)) == (403, "")
    assert "The account of Tess Test may not sign in." in answer.content.decode()
    assert (failures()[0].subject_id, failures()[0].details["reason"]) == (
        tess.pk,
        "The account of Tess Test may not sign in.",
    )


FORGED: dict[str, dict[str, Any]] = {
    "another nonce": {"token": {"nonce": "x"}},
    "no nonce": {"token": {"nonce": None}},
    "for another client": {"token": {"aud": "somebody-else"}},
    "for several clients, made for another": {"token": {"aud": [CLIENT, "b"], "azp": "b"}},
    "for several clients, made for nobody": {"token": {"aud": [CLIENT, "b"]}},
    "of another issuer": {"token": {"iss": "https://evil.example"}},
    "expired": {"token": {"exp": 1}},
    "without an end": {"token": {"exp": None}},
    "from the future": {"token": {"iat": 99999999999}},
    "without a subject": {"token": {"sub": None}},
    "an odd subject": {"token": {"sub": 5}},
    "an empty subject": {"token": {"sub": ""}, "information": {"sub": ""}},
    "a long subject": {"token": {"sub": "x" * 256}, "information": {"sub": "x" * 256}},
    "user info about somebody else": {"information": {"sub": "another"}},
    "without a signature": {"algorithm": "none"},
    "signed with the secret of the client": {"algorithm": "HS256", "key": SECRET},
}


@pytest.mark.parametrize("change", FORGED)
def test_an_answer_that_is_forged_signs_nobody_in(
    change: str, provider: OidcProvider, walk: Walk, tess: User
) -> None:
    for name, value in FORGED[change].items():
        setattr(provider, name, value)
    client = Client()
    answer = walk(client)
    assert (answer.status_code, signed_in(client)) == (403, "")
    assert "Not signed in" in answer.content.decode()
    assert len(failures()) == 1


def test_a_state_of_another_browser_signs_nobody_in(provider: OidcProvider, walk: Walk, tess: User) -> None:
    attacker, victim = Client(), Client()
    attacker.get("/accounts/oidc/")
    state = next(iter(attacker.session["oidc_states"]))
    for address in (
        f"/accounts/oidc/callback/?code=code-0&state={state}",
        "/accounts/oidc/callback/?code=code-0",
        "/accounts/oidc/callback/",
    ):
        victim.get("/accounts/oidc/")
        answer = victim.get(address)
        assert (answer.status_code, signed_in(victim)) == (403, "")
    assert "/token" not in provider.asked


def test_an_answer_is_taken_once(provider: OidcProvider, tess: User) -> None:
    client = Client()
    client.get("/accounts/oidc/")
    state, kept = next(iter(client.session["oidc_states"].items()))
    query = {
        "redirect_uri": "http://testserver/accounts/oidc/callback/",
        "state": state,
        "nonce": kept["nonce"],
    }
    provider.wants_challenge = False
    address = provider.approve(query).partition("testserver")[2]
    assert client.get(address).status_code == 302
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/", "/accounts/password/"])
def test_a_code_in_the_address_of_another_page_is_not_looked_at(
    page: str, provider: OidcProvider, tess: User
) -> None:
    """The package's backend would take it there: without a state, a nonce and a verifier."""
    provider.wants_challenge = False
    provider.token["nonce"] = None
    address = provider.approve({"redirect_uri": "http://testserver/accounts/oidc/callback/", "state": "s"})
    client = Client()
    client.post(
        f"{page}?{address.partition('?')[2]}", {"username": "ada", "password": "wrong", "old_password": "x"}
    )
    assert signed_in(client) == ""
    assert "/token" not in provider.asked


def test_an_error_of_the_provider_is_told_and_signs_nobody_out(walk: Walk, tess: User) -> None:
    client = Client()
    walk(client)
    answer = client.get("/accounts/oidc/callback/?error=access_denied&error_description=<script>")
    assert "Example University did not sign you in." in answer.content.decode()
    assert "<script>" not in answer.content.decode().partition("<body")[2]
    assert signed_in(client) == "tess"


def test_refused_answers_are_counted_for_the_address_and_others_are_not(
    provider: OidcProvider, walk: Walk, tess: User
) -> None:
    for _ in range(LIMITS["address"] + 2):
        assert walk(Client()).status_code == 302
    provider.token["aud"] = "somebody-else"
    assert {walk(Client()).status_code for _ in range(LIMITS["address"])} == {403}
    provider.token.clear()
    assert walk(Client()).status_code == 429


def test_people_whom_the_provider_vouches_for_and_who_have_no_account_keep_nobody_out(walk: Walk) -> None:
    assert {walk(Client()).status_code for _ in range(LIMITS["address"] + 1)} == {403}
    assert len(failures()) == LIMITS["address"] + 1
    person("zoe")
    assert Client().post("/accounts/login/", {"username": "zoe", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("fault", ["no connection", "no time", "out of order"])
def test_an_outage_of_the_provider_keeps_nobody_out_and_is_no_failed_sign_in(
    fault: str, walk: Walk, tess: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = requests.Response()
    broken.status_code = 503
    error = {
        "no connection": requests.ConnectionError("refused"),
        "no time": requests.ReadTimeout("read"),
        "out of order": requests.HTTPError("503", response=broken),
    }[fault]
    asked = []

    def post(*_: object, **__: object) -> None:
        asked.append(fault)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("mozilla_django_oidc.auth.requests.post", post)
        answers = [walk(Client()) for _ in range(LIMITS["address"] + 1)]
    assert {one.status_code for one in answers} == {403}
    assert "The provider of your sign-in does not answer." in answers[-1].content.decode()
    # Each request that waits for an answer holds a thread of the site.
    assert len(asked) == (1 if fault == "no time" else len(answers))
    assert not failures()
    assert Client().post("/accounts/login/", {"username": "tess", "password": PASSWORD}).status_code == 302
    discovery._slow.clear()
    assert walk(Client()).status_code == 302


def test_a_provider_that_does_not_answer_is_not_asked_again_at_once(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.stop()
    asked = []

    def ask(*_: object, timeout: tuple[int, int], **__: object) -> None:
        asked.append(timeout)
        raise requests.ConnectTimeout("slow")

    monkeypatch.setattr("sign_in.provider.requests.get", ask)
    assert {Client().get("/accounts/oidc/").status_code for _ in range(4)} == {400}
    assert asked == [discovery.TIMEOUT]
    monkeypatch.setattr(discovery, "PAUSE", -1)
    Client().get("/accounts/oidc/")
    assert len(asked) == 2


def test_an_old_document_is_used_on_when_a_new_one_does_not_come(
    provider: OidcProvider, walk: Walk, tess: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk(Client())
    monkeypatch.setattr(discovery, "LASTS", -1)
    provider.document = {"issuer": "https://evil.example"}
    before = provider.asked.count(discovery.PATH)
    for _ in range(3):
        client = Client()
        walk(client)
        assert signed_in(client) == "tess"
    assert provider.asked.count(discovery.PATH) == before + 1


def test_only_one_request_at_a_time_asks_for_the_document(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = discovery.provider()
    monkeypatch.setattr(discovery, "LASTS", -1)
    with discovery._asking:
        assert discovery.provider() is found


def test_a_sign_out_asks_the_provider_nothing(
    walk: Walk, provider: OidcProvider, tess: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    walk(client)
    provider.stop()
    discovery._found.clear()
    page = client.post("/accounts/logout/").content.decode()
    assert f'href="{provider.issuer}/end?client_id={CLIENT}' in page
    assert signed_in(client) == ""
    assert not discovery._failed


def test_the_token_of_somebody_else_is_in_no_session(
    walk: Walk, provider: OidcProvider, tess: User, ada: User
) -> None:
    provider.person["sub"] = "somebody who is not let in"
    client = Client()
    assert walk(client).status_code == 403
    assert "oidc_id_token" not in client.session
    provider.person["sub"] = SUBJECT
    walk(client)
    assert "oidc_id_token" in client.session
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert signed_in(client) == "ada"
    assert "oidc_id_token" not in client.session
    assert client.post("/accounts/logout/").status_code == 302


@pytest.mark.parametrize(
    "known", ["unverified in the token", "only in the user info", "verified in the token"]
)
def test_an_address_and_whether_it_is_verified_come_from_the_same_answer(
    known: str, provider: OidcProvider, walk: Walk, settings: Any
) -> None:
    person("victim")
    first(settings, match="email")
    provider.person = {"sub": SUBJECT}
    said: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "unverified in the token": (
            {"email": "victim@example.org"},
            {"email": "own@example.org", "email_verified": True},
        ),
        "only in the user info": ({"email_verified": True}, {"email": "victim@example.org"}),
        "verified in the token": (
            {"email": "victim@example.org", "email_verified": True},
            {"email": "own@example.org", "email_verified": False},
        ),
    }
    provider.token, provider.information = said[known]
    client = Client()
    walk(client)
    assert signed_in(client) == ("victim" if known == "verified in the token" else "")


def test_an_account_of_the_directory_is_not_found_by_its_address(walk: Walk, settings: Any) -> None:
    """The directory does not say that an address is verified: whoever chose it must not get the owner's sign-in."""
    made = person("tess")
    link(made, LDAP, "7", by=None)
    first(settings, match="email")
    client = Client()
    answer = walk(client)
    assert (answer.status_code, signed_in(client)) == (403, "")
    assert "belongs to another identity" in answer.content.decode()
    assert made.identities.count() == 1


def test_guessed_passwords_do_not_keep_anybody_from_the_provider(walk: Walk, tess: User) -> None:
    for _ in range(LIMITS["both"] + 1):
        Client().post("/accounts/login/", {"username": "tess", "password": "wrong"})
    client = Client()
    walk(client)
    assert signed_in(client) == "tess"


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_discovery_document_with_another_issuer_or_without_tls_is_refused(
    document: dict[str, Any], provider: OidcProvider
) -> None:
    provider.document = document
    answer = Client().get("/accounts/oidc/")
    assert answer.status_code == 400
    assert "The provider" in answer.content.decode()


def test_a_provider_that_is_away_is_told_and_nobody_else_is_kept_from_signing_in(
    provider: OidcProvider, tess: User
) -> None:
    provider.stop()
    discovery._found.clear()
    answer = Client().get("/accounts/oidc/")
    assert answer.status_code == 400
    assert "does not answer" in answer.content.decode()
    assert Client().post("/accounts/login/", {"username": "tess", "password": PASSWORD}).status_code == 302


def test_a_sign_out_leads_on_to_the_provider_and_one_after_a_password_does_not(
    walk: Walk, provider: OidcProvider, tess: User
) -> None:
    client = Client()
    walk(client)
    page = client.post("/accounts/logout/").content.decode()
    assert signed_in(client) == ""
    assert f'href="{provider.issuer}/end?client_id={CLIENT}&amp;post_logout_redirect_uri=' in page
    assert "id_token_hint=" in page
    client.post("/accounts/login/", {"username": "tess", "password": PASSWORD})
    assert client.post("/accounts/logout/").status_code == 302


def test_without_passwords_only_the_provider_and_a_link_let_somebody_in(
    walk: Walk, tess: User, settings: Any
) -> None:
    settings.PASSWORD_SIGN_IN = False
    page = Client().get("/accounts/login/").content.decode()
    assert "Password" not in page
    for address in ("/accounts/login/", "/admin/login/"):
        client = Client()
        client.post(address, {"username": "ada", "password": PASSWORD})
        assert signed_in(client) == ""
    client = Client()
    walk(client)
    assert signed_in(client) == "tess"
    assert client.get("/accounts/password/").status_code == 404


def test_capabilities_are_the_same_by_either_way(walk: Walk, tess: User) -> None:
    client = Client()
    walk(client)
    assert client.get("/administration/").status_code == 403
    seen = User.objects.get(pk=tess.pk).last_login
    assert seen is not None
    assert seen > timezone.now() - timedelta(minutes=5)


def test_the_doctor_looks_at_the_provider(provider: OidcProvider) -> None:
    assert [(one.state, one.fact) for one in examine(backup_hours=48) if one.part == "OpenID Connect"] == [
        ("ok", f"{provider.issuer} answers.")
    ]
    provider.stop()
    found = next(one for one in examine(backup_hours=48) if one.part == "OpenID Connect")
    assert found.state == "error"
    assert "COURSEKEEP_OIDC_ISSUER" in found.mend
