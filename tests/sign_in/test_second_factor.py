"""The second factor of administrators: no page without it, by whatever way; codes are right once and cannot be tried out."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin import site as administration
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import AuditEntry
from courses import account_changes
from courses.models import User
from sign_in import second_factor
from sign_in.attempts import LIMITS
from sign_in.gate import ALWAYS_OPEN
from sign_in.identities import link
from sign_in.models import RecoveryCode
from tests.people_made import PASSWORD, person
from tests.sign_in.addresses import ELSEWHERE
from tests.sign_in.authenticator import KEY, moments_later, shown, with_device, wrong
from tests.sign_in.oidc_provider import SUBJECT, OidcProvider

pytestmark = pytest.mark.django_db
CODE = "/accounts/second-factor/code/"
OWN = "/accounts/second-factor/"


@pytest.fixture
def ada() -> User:
    """An administrator without a second factor."""
    return person("ada", is_superuser=True)


@pytest.fixture
def device(ada: User) -> TOTPDevice:
    """The second factor of the administrator."""
    return with_device(ada)


def by_password(path: str = "/accounts/login/") -> Client:
    """A client in which the administrator has entered the password and no code yet."""
    client = Client()
    assert client.post(path, {"username": "ada", "password": PASSWORD}).status_code == 302
    return client


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def enter(client: Client, code: str, **fields: str) -> Any:
    return client.post(CODE, {"code": code, **fields})


def addresses(found: Any = None, before: str = "/") -> list[tuple[str, str]]:
    """Every address of the site with its name, parameters filled in."""
    listed: list[tuple[str, str]] = []
    for one in (found or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            listed += addresses(one, route)
        elif isinstance(one, URLPattern):
            plain = re.sub(r"\(\?P<[^)]*\)|[$\\^?]", "1", re.sub(r"<[^>]+>", "1", route))
            listed.append((plain, str(one.name)))
    return listed


def test_no_address_of_the_site_is_reached_with_the_password_alone(device: TOTPDevice) -> None:
    client = by_password()
    open_names = {name.rpartition(":")[2] for name in ALWAYS_OPEN} | {"second-factor-code"}
    walked = [(address, name) for address, name in addresses() if name not in open_names]
    assert len(walked) > 80
    for address, name in walked:
        for method in ("get", "post", "put", "delete"):
            answer = getattr(client, method)(address)
            assert answer.status_code == 302, (method, address, name)
            assert answer.headers["Location"].partition("?")[0] == CODE, (method, address, name)
    assert client.get("/no/such/page/").headers["Location"].startswith(CODE)
    answer = client.get("/jobs/under-way/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == CODE


def test_a_code_opens_the_site_with_a_new_session_and_leads_on(device: TOTPDevice) -> None:
    client = by_password()
    assert "sign-in" not in actions()
    asked = client.get("/administration/?x=1").headers["Location"]
    page = client.get(asked).content.decode()
    assert 'name="next" value="/administration/?x=1"' in page
    assert "main-nav" not in page
    before, token = client.session.session_key, client.cookies["csrftoken"].value
    answer = enter(client, shown(), next="/administration/?x=1")
    assert answer.headers["Location"] == "/administration/?x=1"
    assert client.session.session_key != before
    assert client.cookies["csrftoken"].value != token
    assert client.get("/administration/").status_code == 200
    assert AuditEntry.objects.get(action="sign-in").details == {"factor": "code"}


def test_a_password_that_was_right_is_recorded_before_the_code_is(device: TOTPDevice, ada: User) -> None:
    client = by_password()
    client.get(CODE)
    begun = AuditEntry.objects.get(action="sign-in-begun")
    assert (begun.actor, begun.subject_id, begun.details) == (ada.pk, ada.pk, {"factor": "awaited"})
    assert begun.address == "127.0.0.1"
    enter(client, shown())
    assert actions() == ["sign-in-begun", "sign-in"]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_code_leads_to_no_other_site(address: str, device: TOTPDevice) -> None:
    assert enter(by_password(), shown(), next=address).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_each_page_with_a_password_is_followed_by_the_code(path: str, device: TOTPDevice) -> None:
    client = by_password(path)
    assert client.get("/admin/").headers["Location"].startswith(CODE)
    enter(client, shown())
    assert client.get("/admin/").status_code == 200


def test_a_new_sign_in_in_a_session_that_was_verified_asks_again(device: TOTPDevice) -> None:
    client = by_password()
    enter(client, shown())
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert client.get("/").headers["Location"].startswith(CODE)


def test_a_session_of_before_the_second_factor_was_set_up_is_asked(ada: User) -> None:
    client = by_password()
    assert client.get("/administration/").status_code == 200
    with_device(ada)
    assert client.get("/administration/").headers["Location"].startswith(CODE)


def test_a_code_of_somebody_else_opens_nothing(device: TOTPDevice) -> None:
    other = person("bob", is_superuser=True)
    TOTPDevice.objects.create(user=other, name="app", key=KEY[::-1], confirmed=True)
    client = by_password()
    assert enter(client, shown(KEY[::-1])).status_code == 400
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.get(user=other).persistent_id
    session.save()
    assert client.get("/administration/").headers["Location"].startswith(CODE)


def test_a_code_is_right_once_and_an_older_one_not_after_it(device: TOTPDevice) -> None:
    code, older = shown(), shown(steps=-1)
    assert enter(by_password(), code).status_code == 302
    for used in (code, older):
        client = by_password()
        assert enter(client, used).status_code == 400
        assert client.get("/").headers["Location"].startswith(CODE)
        moments_later(device)


@pytest.mark.parametrize(
    "code",
    [
        "",
        " ",
        "12345",
        "1234567",
        "0",
        "-1",
        "1e5",
        "٠١٢٣٤٥",
        "0x1234",
        "None",
        "A" * 5000,
        "AAAA-AAAA-AAAA-AAAA",
    ],
)
def test_odd_codes_are_wrong(code: str, device: TOTPDevice) -> None:
    assert enter(by_password(), code).status_code == 400


def test_a_code_of_the_far_past_or_future_is_wrong(device: TOTPDevice) -> None:
    for steps in (-3, 3):
        assert enter(by_password(), shown(steps=steps)).status_code == 400
        moments_later(device)


def test_wrong_codes_are_recorded_and_waited_after_and_refused_at_the_limit(device: TOTPDevice) -> None:
    client = by_password()
    assert "The code is wrong" in enter(client, wrong()).content.decode()
    said = enter(client, shown()).content.decode()
    assert "Too many codes were wrong. Wait 1 seconds" in said
    for _ in range(LIMITS["both"] - 1):
        moments_later(device)
        assert enter(client, wrong()).status_code == 400
    moments_later(device)
    answer = enter(client, shown())
    assert answer.status_code == 429
    failed = AuditEntry.objects.filter(action="sign-in-failed")
    assert {(one.subject_id, one.details["factor"]) for one in failed} == {(device.user_id, "code")}
    assert failed.count() == LIMITS["both"]
    # Another sign-in with the password gives no further attempts.
    assert enter(by_password(), shown()).status_code == 429


def test_an_account_has_so_many_codes_from_all_addresses(device: TOTPDevice) -> None:
    found = []
    for number in range(LIMITS["account"] + 1):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        client.force_login(device.user)
        moments_later(device)
        found.append(enter(client, wrong()).status_code)
    assert found == [400] * LIMITS["account"] + [429]


def test_wrong_codes_of_somebody_who_knows_the_password_close_no_recovery_code(device: TOTPDevice) -> None:
    codes = second_factor.renew_codes(device.user)
    for number in range(LIMITS["account"] + 1):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        client.force_login(device.user)
        moments_later(device)
        enter(client, wrong())
    assert enter(client, shown()).status_code == 429
    assert enter(client, codes[0]).status_code == 302
    # From an address from which all codes of the device are refused.
    client = by_password()
    for _ in range(LIMITS["both"] + 1):
        moments_later(device)
        enter(client, wrong())
    assert enter(client, codes[1]).status_code == 302


def test_codes_that_nobody_looked_at_are_not_counted(device: TOTPDevice) -> None:
    client = by_password()
    enter(client, wrong())
    for _ in range(LIMITS["both"]):
        assert "Too many codes were wrong. Wait" in enter(client, wrong()).content.decode()
    moments_later(device)
    assert enter(client, shown()).status_code == 302


def test_recovery_codes_are_tried_so_often_from_an_address(device: TOTPDevice) -> None:
    client = by_password()
    tried = [enter(client, "AAAA-AAAA-AAAA-AAAA").status_code for _ in range(LIMITS["address"] + 1)]
    assert tried == [400] * LIMITS["address"] + [429]


def test_recovery_codes_are_shown_once_are_stored_as_hashes_and_work_once(ada: User) -> None:
    client = by_password()
    codes = set_up(client)
    assert len(codes) == second_factor.RECOVERY_CODES
    assert not set(codes) & set(RecoveryCode.objects.values_list("digest", flat=True))
    assert codes[0] not in client.get(OWN).content.decode()
    lower = codes[0].replace("-", " ").lower()
    client = by_password()
    assert enter(client, lower).status_code == 302
    assert client.get("/administration/").status_code == 200
    assert "recovery-code-used" in actions()
    assert enter(by_password(), codes[0]).status_code == 400
    assert "9 recovery codes left" in client.get(OWN).content.decode()


def test_a_recovery_code_of_somebody_else_is_wrong(device: TOTPDevice) -> None:
    other = person("bob", is_superuser=True)
    codes = second_factor.renew_codes(other)
    assert enter(by_password(), codes[0]).status_code == 400


def set_up(client: Client) -> list[str]:
    """Set the second factor up in a client, and return the recovery codes."""
    page = client.get(OWN).content.decode()
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found is not None
    key = client.session["coursekeep.second_factor_key"]
    assert second_factor.as_text(key) == found[1]
    answer = client.post(OWN, {"code": shown(key)})
    assert answer.status_code == 200, answer.content.decode()
    return re.findall(r"<li><code>([^<]+)</code></li>", answer.content.decode())


def test_a_second_factor_is_set_up_with_a_picture_and_a_code(ada: User) -> None:
    client = by_password()
    page = client.get(OWN).content.decode()
    assert "<svg" in page
    assert "style=" not in page.partition("<svg")[2].partition("</svg>")[0]
    before = client.session.session_key
    assert client.post(OWN, {"code": "000"}).status_code == 400
    assert second_factor.device_of(ada) is None
    set_up(client)
    assert client.session.session_key != before
    assert client.get("/administration/").status_code == 200
    assert "second-factor-set" in actions()
    device = second_factor.device_of(ada)
    assert device is not None
    assert device.key not in client.get(OWN).content.decode()
    # The code that set it up is used up.
    assert enter(by_password(), shown(device.key)).status_code == 400


def test_the_page_to_set_up_replaces_no_device(device: TOTPDevice) -> None:
    client = by_password()
    session = client.session
    session["coursekeep.second_factor_key"] = KEY[::-1]
    session.save()
    assert client.post(OWN, {"code": shown(KEY[::-1])}).headers["Location"].startswith(CODE)
    enter(client, shown())
    client.post(OWN, {"code": shown(KEY[::-1])})
    assert TOTPDevice.objects.get().key == KEY


def test_the_secret_that_is_set_up_is_that_of_the_session_and_not_of_the_form(ada: User) -> None:
    client = by_password()
    client.get(OWN)
    sent = {
        "code": shown(KEY[::-1]),
        "key": KEY[::-1],
        "secret": second_factor.as_text(KEY[::-1]),
        "user": "1",
    }
    assert client.post(OWN, sent).status_code == 400
    assert not TOTPDevice.objects.exists()


def test_only_administrators_set_a_second_factor_up(ada: User) -> None:
    client = Client()
    client.force_login(person("tess"))
    assert client.get(OWN).status_code == 403
    assert client.post(OWN, {"code": "123456"}).status_code == 403


@pytest.mark.parametrize("what", ["remove", "codes"])
def test_an_open_session_alone_changes_no_second_factor(what: str, device: TOTPDevice) -> None:
    client = by_password()
    enter(client, shown())
    second_factor.renew_codes(device.user)
    digests = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert client.post(OWN, {"what": what, "code": wrong()}).status_code == 400
    assert TOTPDevice.objects.exists()
    assert set(RecoveryCode.objects.values_list("digest", flat=True)) == digests
    moments_later(device)
    assert client.post(OWN, {"what": what, "code": shown(steps=1)}).status_code in (200, 302)
    assert TOTPDevice.objects.exists() == (what == "codes")
    assert not set(RecoveryCode.objects.values_list("digest", flat=True)) & digests


def test_an_administrator_removes_the_second_factor_of_another_one_and_not_the_own(ada: User) -> None:
    other = person("bob", is_superuser=True)
    with_device(other)
    second_factor.renew_codes(other)
    with_device(ada)
    client = by_password()
    enter(client, shown())
    assert "Remove the second factor" in client.get(reverse("account", args=[other.pk])).content.decode()
    assert client.post(reverse("account-second-factor", args=[other.pk])).status_code == 302
    assert not TOTPDevice.objects.filter(user=other).exists()
    assert not RecoveryCode.objects.exists()
    entry = AuditEntry.objects.get(action="second-factor-removed")
    assert (entry.actor, entry.subject_id) == (ada.pk, other.pk)
    assert client.post(reverse("account-second-factor", args=[ada.pk])).status_code == 400
    assert TOTPDevice.objects.filter(user=ada).exists()


def test_where_it_is_required_every_page_leads_to_setting_it_up(ada: User, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    client = by_password()
    for address in ("/", "/administration/", "/admin/", "/metrics", "/accounts/password/", "/no/such/page/"):
        assert client.get(address).headers["Location"] == OWN
    assert "Administrators of this site need a second factor." in client.get(OWN).content.decode()
    set_up(client)
    assert client.get("/administration/").status_code == 200
    tess = Client()
    tess.force_login(person("tess"))
    assert tess.get("/").status_code == 200


def test_who_becomes_an_administrator_is_asked_in_a_session_that_is_open(ada: User, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    tess, client = person("tess"), Client()
    client.force_login(tess)
    assert client.get("/").status_code == 200
    account_changes.set_administrator(tess, True, by=ada)
    assert client.get("/").headers["Location"] == OWN


@pytest.mark.parametrize("asked", [False, True])
def test_after_a_sign_in_by_the_provider_a_setting_says_whether_it_is_asked(
    asked: bool,
    device: TOTPDevice,
    ada: User,
    provider: OidcProvider,
    walk: Callable[..., Any],
    settings: Any,
) -> None:
    settings.SECOND_FACTOR_AFTER_OIDC = asked
    link(ada, provider.issuer, SUBJECT, by=None)
    client = Client()
    walk(client)
    assert client.get("/administration/").status_code == (302 if asked else 200)
    # The password in the same browser is another way in, and asks.
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert client.get("/administration/").headers["Location"].startswith(CODE)


def test_somebody_else_at_the_provider_does_not_go_round_the_code(
    device: TOTPDevice, provider: OidcProvider, walk: Callable[..., Any]
) -> None:
    tess = person("tess")
    link(tess, provider.issuer, SUBJECT, by=None)
    client = by_password()
    walk(client)
    assert client.session["_auth_user_id"] == str(tess.pk)
    assert client.get("/administration/").status_code == 403


def test_a_new_password_does_not_go_round_the_code(device: TOTPDevice, ada: User) -> None:
    parts = account_changes.password_link(ada, by=None, how="shown")
    client = Client()
    form = client.get(reverse("password-set", args=parts), follow=True).redirect_chain[-1][0]
    client.post(form, {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"})
    client.post("/accounts/login/", {"username": "ada", "password": "granite and gneiss"})
    assert client.get("/administration/").headers["Location"].startswith(CODE)


def test_the_administration_of_tables_shows_no_devices(device: TOTPDevice) -> None:
    assert not any(model._meta.app_label.startswith("otp") for model in administration._registry)


@pytest.mark.django_db(transaction=True)
def test_a_code_that_comes_twice_at_the_same_time_is_right_once(device: TOTPDevice) -> None:
    code, clients = shown(), [by_password() for _ in range(4)]

    def one(client: Client) -> int:
        try:
            return int(enter(client, code).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, clients))
    assert sorted(found) == [302, 400, 400, 400]
