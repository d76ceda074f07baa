"""The pages of accounts: administrators make and change people, their roles and access; people set their own password."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from archive.errors import UsageError
from audit.models import AuditEntry
from courses import account_changes
from courses.account_changes import EDITABLE
from courses.capabilities import may
from courses.models import Category, Enrol, Role, RoleAssignment, User
from courses.services import create_category, create_course
from tests.pages.places import PASSWORD, Place
from tests.people_made import person

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
FORM = {
    "username": "newton",
    "firstname": "Isaac",
    "lastname": "Newton",
    "email": "isaac@example.org",
    "idnumber": "7",
}


@pytest.fixture
def admin(as_person: SignIn) -> Client:
    """The browser of the administrator."""
    return as_person("admin")


def role(shortname: str) -> int:
    return Role.objects.get(shortname=shortname).pk


def link_in(text: str) -> str:
    """Return the path of the link to set a password in a text."""
    found = re.search(r"https?://[^/\s]+(/accounts/password/\S+?/\S+?/)", text)
    assert found is not None, text
    return found[1]


def test_an_account_is_made_without_a_password_and_nobody_signs_in_with_an_empty_one(admin: Client) -> None:
    assert admin.post(reverse("account-new"), FORM).status_code == 302
    made = User.objects.get(username="newton")
    assert (made.firstname, made.email, made.idnumber) == ("Isaac", "isaac@example.org", "7")
    assert made.is_active
    assert not made.has_usable_password()
    assert not Client().login(username="newton", password="")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "New ton"}, "small letters"),
        ({"username": ""}, "small letters"),
        ({"username": "tess"}, "is taken"),
        ({"email": "isaac"}, "Enter the e-mail address"),
        ({"email": "TESS@example.org"}, "belongs to another account"),
        ({"firstname": " "}, "Enter the first name"),
        ({"lastname": "N" * 101}, "At most 100 characters"),
    ],
)
def test_what_an_account_cannot_have_is_said_beside_its_field(
    changes: dict[str, str], sentence: str, admin: Client
) -> None:
    answer = admin.post(reverse("account-new"), FORM | changes)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "<title>Error: New account" in page
    assert sentence in page
    assert not User.objects.filter(lastname__startswith="New").exists()


def test_an_account_that_came_from_elsewhere_with_another_name_can_be_changed(admin: Client) -> None:
    old = person("Old Name")
    answer = admin.post(reverse("account", args=[old.pk]), FORM | {"username": "Old Name"})
    assert answer.status_code == 302
    old.refresh_from_db()
    assert (old.username, old.lastname) == ("Old Name", "Newton")
    assert AuditEntry.objects.get(action="account-changed").details["fields"] == [
        "firstname",
        "lastname",
        "email",
        "idnumber",
    ]


def test_people_are_found_by_the_beginnings_of_their_names_and_listed_page_by_page(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = admin.get(reverse("accounts"), {"search": "st tes"}).content.decode()
    assert "stan@example.org" in page
    assert "tess@example.org" not in page
    monkeypatch.setattr("vault.views.accounts.PAGE", 2)
    first = admin.get(reverse("accounts")).content.decode()
    assert "ada@" in first
    assert "stan@" not in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    assert "stan@" in admin.get(reverse("accounts") + following[1]).content.decode()


@pytest.mark.parametrize("where", ["site", "category", "course"])
def test_a_role_is_given_and_taken_at_the_site_in_a_category_and_in_a_course(
    where: str, place: Place, admin: Client
) -> None:
    below = create_category("Below", parent=Category.objects.get(pk=place.course.category_id))
    inner = create_course("INNER", "Inner", category=below)
    data = {"where": where, "role": role("manager"), "category": place.course.category_id, "course": "GEO1"}
    stranger = place.stranger
    assert not may(stranger, place.course)
    assert admin.post(reverse("account-role", args=[stranger.pk]), data).status_code == 302
    assert "moodle/backup:backupcourse" in may(stranger, place.course)
    assert bool(may(stranger, inner)) == (where != "course")
    again = admin.post(reverse("account-role", args=[stranger.pk]), data, follow=True).content.decode()
    assert "already" in again
    given = RoleAssignment.objects.get(userid=stranger.pk)
    assert given.modifierid == place.admin.pk
    admin.post(reverse("account-role-taken", args=[stranger.pk, given.pk]))
    assert not may(stranger, place.course)
    found = AuditEntry.objects.filter(action__startswith="role-").order_by("pk")
    assert [one.action for one in found] == ["role-given", "role-taken"]


def test_a_teacher_is_made_in_a_course_and_not_for_the_site(place: Place, admin: Client) -> None:
    data = {"where": "site", "role": role("editingteacher")}
    assert admin.post(reverse("account-role", args=[place.stranger.pk]), data).status_code == 403
    data = {"where": "course", "role": role("editingteacher"), "course": str(place.course.pk)}
    assert admin.post(reverse("account-role", args=[place.stranger.pk]), data).status_code == 302


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"role": "x"},
        {"role": "{role}"},
        {"role": "{role}", "where": "course", "course": "NONE"},
        {"role": "{role}", "where": "category", "category": "9" * 30},
        {"role": "{role}", "where": "planet"},
    ],
)
def test_a_role_without_a_place_is_refused_with_a_sentence(
    data: dict[str, str], place: Place, admin: Client
) -> None:
    sent = {name: value.replace("{role}", str(role("manager"))) for name, value in data.items()}
    answer = admin.post(reverse("account-role", args=[place.stranger.pk]), sent)
    assert answer.status_code in (400, 404)
    assert not RoleAssignment.objects.filter(userid=place.stranger.pk).exists()


def test_a_role_that_an_enrolment_gave_is_taken_where_it_was_given(place: Place, admin: Client) -> None:
    enrol = Enrol.objects.filter(course=place.course).first()
    given = RoleAssignment.objects.get(userid=place.teacher.pk)
    RoleAssignment.objects.filter(pk=given.pk).update(
        component="enrol_cohort", itemid=enrol.pk if enrol else 1
    )
    assert admin.post(reverse("account-role-taken", args=[place.teacher.pk, given.pk])).status_code == 400
    assert RoleAssignment.objects.filter(pk=given.pk).exists()


def test_a_role_is_taken_only_from_the_person_who_holds_it(place: Place, admin: Client) -> None:
    given = RoleAssignment.objects.get(userid=place.teacher.pk)
    assert admin.post(reverse("account-role-taken", args=[place.stranger.pk, given.pk])).status_code == 404
    assert RoleAssignment.objects.filter(pk=given.pk).exists()


def test_a_suspended_person_is_signed_out_for_good_and_signs_in_again_when_reactivated(
    place: Place, admin: Client, as_person: SignIn
) -> None:
    teacher = as_person("teacher")
    assert teacher.get("/").status_code == 200
    admin.post(reverse("account-access", args=[place.teacher.pk, "suspend"]))
    assert teacher.get("/").status_code == 302
    assert not Client().login(username="tess", password=PASSWORD)
    admin.post(reverse("account-access", args=[place.teacher.pk, "reactivate"]))
    assert teacher.get("/").status_code == 302
    assert teacher.login(username="tess", password=PASSWORD)
    assert teacher.get("/").status_code == 200


def test_a_session_that_was_not_used_during_the_suspension_ends_too(
    place: Place, admin: Client, as_person: SignIn
) -> None:
    teacher = as_person("teacher")
    for change in ("suspend", "reactivate"):
        admin.post(reverse("account-access", args=[place.teacher.pk, change]))
    assert teacher.get("/").status_code == 302


def test_the_link_of_a_person_who_was_suspended_meanwhile_sets_no_password(
    place: Place, admin: Client
) -> None:
    page = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "show"}).content.decode()
    browser, address = Client(), link_in(page)
    form = browser.get(address, follow=True).redirect_chain[-1][0]
    admin.post(reverse("account-access", args=[place.stranger.pk, "suspend"]))
    browser.post(form, {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"})
    assert "used already" in Client().get(address, follow=True).content.decode()
    admin.post(reverse("account-access", args=[place.stranger.pk, "reactivate"]))
    assert Client().login(username="nora", password=PASSWORD)


def ways_in(admin: Client, number: int) -> tuple[Client, str, str]:
    """A browser with an open form to set a password, the form's address, and the address of the link."""
    page = admin.post(reverse("account-password", args=[number]), {"how": "show"}).content.decode()
    browser, address = Client(), link_in(page)
    return browser, browser.get(address, follow=True).redirect_chain[-1][0], address


def test_a_link_from_before_a_suspension_sets_no_password_after_the_reactivation(
    place: Place, admin: Client
) -> None:
    browser, form, address = ways_in(admin, place.stranger.pk)
    for change in ("suspend", "reactivate"):
        admin.post(reverse("account-access", args=[place.stranger.pk, change]))
    browser.post(form, {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"})
    assert "used already" in Client().get(address, follow=True).content.decode()
    assert Client().login(username="nora", password=PASSWORD)
    assert (
        "Set your password"
        in Client().get(ways_in(admin, place.stranger.pk)[2], follow=True).content.decode()
    )


def test_a_new_address_ends_links_and_sessions_for_good_and_a_new_name_does_not(
    place: Place, admin: Client, as_person: SignIn
) -> None:
    teacher, path = as_person("teacher"), reverse("account", args=[place.teacher.pk])
    values = {name: getattr(place.teacher, name) for name in EDITABLE}
    browser, form, address = ways_in(admin, place.teacher.pk)
    assert admin.post(path, values | {"firstname": "Theresa"}).status_code == 302
    assert "Set your password" in Client().get(address, follow=True).content.decode()
    assert teacher.get("/").status_code == 200
    for email in ("new@example.org", values["email"]):
        assert admin.post(path, values | {"email": email}).status_code == 302
    browser.post(form, {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"})
    assert "used already" in Client().get(address, follow=True).content.decode()
    assert teacher.get("/").status_code == 302
    assert Client().login(username=place.teacher.username, password=PASSWORD)


def test_who_changes_the_own_address_stays_signed_in_here_and_nowhere_else(
    place: Place, admin: Client, as_person: SignIn
) -> None:
    elsewhere = Client()
    elsewhere.force_login(place.admin)
    values = {name: getattr(place.admin, name) for name in EDITABLE} | {"email": "boss@example.org"}
    assert admin.post(reverse("account", args=[place.admin.pk]), values).status_code == 302
    assert admin.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_the_user_name_of_a_deleted_account_is_taken(place: Place, admin: Client) -> None:
    User.objects.filter(pk=place.stranger.pk).update(deleted=1)
    for path in (reverse("account-new"), reverse("account", args=[place.teacher.pk])):
        answer = admin.post(path, FORM | {"username": "nora"})
        assert answer.status_code == 400
        assert "The user name nora is taken." in answer.content.decode()


def test_a_user_name_that_is_taken_at_this_moment_is_refused_with_a_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_changes, "faults", lambda *_, **__: [])
    with pytest.raises(UsageError, match="nora is taken"):
        account_changes.create_person(FORM | {"username": "nora"}, by=place.admin)
    with pytest.raises(UsageError, match="nora is taken"):
        account_changes.change_person(place.teacher, FORM | {"username": "nora"}, by=place.admin)
    assert User.objects.get(pk=place.teacher.pk).username == "tess"


def test_the_old_password_is_guessed_only_a_few_times_and_failures_are_recorded(
    place: Place, as_person: SignIn
) -> None:
    browser = as_person("teacher")
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    codes = [
        browser.post(reverse("password"), {"old_password": f"x{number}", **words}).status_code
        for number in range(6)
    ]
    assert codes == [200] * 5 + [429]
    assert browser.post(reverse("password"), {"old_password": PASSWORD, **words}).status_code == 429
    assert AuditEntry.objects.filter(action="sign-in-failed").count() >= 5
    assert User.objects.get(pk=place.teacher.pk).check_password(PASSWORD)


def test_a_password_is_not_changed_if_that_cannot_be_recorded(
    place: Place, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no trail")

    browser = as_person("teacher")
    monkeypatch.setattr("vault.views.passwords.record_password", broken)
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    with pytest.raises(OSError, match="no trail"):
        browser.post(reverse("password"), {"old_password": PASSWORD, **words})
    assert User.objects.get(pk=place.teacher.pk).check_password(PASSWORD)


def test_nobody_locks_themselves_out_and_the_last_administrator_stays(place: Place, admin: Client) -> None:
    for change in ("suspend", "no-administrator"):
        answer = admin.post(reverse("account-access", args=[place.admin.pk, change]))
        assert answer.status_code == 400
        assert "your own account" in answer.content.decode()
    for function, value in (
        (account_changes.set_suspended, True),
        (account_changes.set_administrator, False),
    ):
        with pytest.raises(UsageError, match="only administrator"):
            function(place.admin, value, by=None)
    assert User.objects.get(pk=place.admin.pk).is_superuser


def test_the_link_sets_a_password_once(place: Place, admin: Client) -> None:
    page = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "show"}).content.decode()
    address = link_in(page)
    browser = Client()
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    form = browser.get(address, follow=True)
    assert "Set your password" in form.content.decode()
    assert browser.post(form.redirect_chain[-1][0], words).status_code == 302
    assert Client().login(username="nora", password="granite and gneiss")
    again = Client().get(address, follow=True).content.decode()
    assert "used already" in again
    assert AuditEntry.objects.get(action="password-changed").actor == place.stranger.pk


def test_a_password_that_everybody_uses_is_refused(place: Place, admin: Client) -> None:
    page = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "show"}).content.decode()
    browser = Client()
    form = browser.get(link_in(page), follow=True).redirect_chain[-1][0]
    answer = browser.post(form, {"new_password1": "password", "new_password2": "password"})
    assert "too common" in answer.content.decode()
    assert Client().login(username="nora", password=PASSWORD)


def test_the_link_goes_by_mail_with_the_sites_own_text(place: Place, admin: Client, settings: Any) -> None:
    settings.EMAIL_IS_SET = True
    answer = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "mail"})
    assert answer.status_code == 302
    [sent] = mail.outbox
    assert sent.to == ["nora@example.org"]
    assert Client().get(link_in(str(sent.body)), follow=True).status_code == 200
    # Who reads the administrator's page does not read the link.
    page = admin.get(reverse("account", args=[place.stranger.pk])).content.decode()
    assert link_in(str(sent.body)) not in page


def test_without_a_mail_server_the_page_says_to_show_the_link(place: Place, admin: Client) -> None:
    answer = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "mail"})
    assert answer.status_code == 400
    assert "Show the link instead" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="password-link").exists()


def test_a_mail_server_that_refuses_is_told_in_a_sentence(place: Place, admin: Client, settings: Any) -> None:
    settings.EMAIL_IS_SET = True
    settings.EMAIL_BACKEND = "tests.notices.mail_servers.Refusing"
    answer = admin.post(reverse("account-password", args=[place.stranger.pk]), {"how": "mail"})
    assert answer.status_code == 400
    assert "did not take the e-mail" in answer.content.decode()


def test_a_person_changes_the_own_password_and_stays_signed_in(place: Place, as_person: SignIn) -> None:
    browser = as_person("teacher")
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    wrong = browser.post(reverse("password"), {"old_password": "x", **words})
    assert "<title>Error" in wrong.content.decode()
    assert browser.post(reverse("password"), {"old_password": PASSWORD, **words}).status_code == 302
    assert browser.get("/").status_code == 200
    assert Client().login(username="tess", password="granite and gneiss")


def test_whose_account_has_no_password_makes_none_that_the_directory_does_not_know(
    place: Place, as_person: SignIn
) -> None:
    place.teacher.set_unusable_password()
    place.teacher.save()
    browser = as_person("teacher")
    assert browser.get(reverse("password")).status_code == 404
    words = {"new_password1": "granite and gneiss", "new_password2": "granite and gneiss"}
    assert browser.post(reverse("password"), {"old_password": "x", **words}).status_code == 404
    place.teacher.refresh_from_db()
    assert not place.teacher.has_usable_password()


def test_a_deleted_account_is_on_no_page(place: Place, admin: Client) -> None:
    User.objects.filter(pk=place.stranger.pk).update(deleted=1)
    assert admin.get(reverse("account", args=[place.stranger.pk])).status_code == 404
    assert "nora" not in admin.get(reverse("accounts")).content.decode()


def test_the_page_of_the_trail_shows_and_filters_entries(place: Place, admin: Client) -> None:
    admin.post(reverse("account-access", args=[place.stranger.pk, "suspend"]))
    page = admin.get(reverse("audit"), {"action": "account-suspended", "words": "nora"}).content.decode()
    assert "Suspended an account" in page.partition("<tbody>")[2]
    nothing = admin.get(reverse("audit"), {"action": "account-suspended", "words": "ghost"}).content.decode()
    assert "No entries" in nothing
    wrong = admin.get(reverse("audit"), {"first": "yesterday"})
    assert wrong.status_code == 400
    assert "Write it as 2026-05-31." in wrong.content.decode()


def test_the_export_has_what_the_filter_shows_and_is_recorded(place: Place, admin: Client) -> None:
    admin.post(reverse("account-access", args=[place.stranger.pk, "suspend"]))
    address = reverse("audit-export", args=["jsonl"])
    lines = b"".join(admin.get(address, {"action": "account-suspended"})).decode().splitlines()
    assert len(lines) == 1
    assert AuditEntry.objects.get(action="audit-exported").details["filter"] == {
        "action": "account-suspended"
    }
    assert admin.get(reverse("audit-export", args=["xml"])).status_code == 400
