"""Matching: people by Moodle's rules, one test a rule, purely and against a real database; and roles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from archive.findings import Finding
from courses.models import User
from restore.match import (
    ArchivedPerson,
    ArchivedRole,
    match_role,
    match_roles,
    match_user,
    match_users,
    review_override,
    review_users,
)

ADA = ArchivedPerson(7, "ada", "ada@example.org", firstaccess=1700000000)
GONE = "ada@example.org.1711111111"
ANON = ArchivedPerson(7, "anon3", "anon5@doesntexist.invalid", "anonfirstname3", "anonlastname3")
HASH = "7bd6861668baffb9e869d0c8a399ebb1"
MAY_CREATE = {"moodle/restore:createuser", "moodle/restore:userinfo"}
ROLE_RIGHT = {"coursekeep/role:create"}


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def here(**changes: Any) -> ArchivedPerson:
    """An account of this site, like Ada's but for the changes."""
    return replace(ADA, **changes)


# What is in the archive, what is here, same site?, and what must come of it: rule, action, target.
CASES = [
    ("1A", ADA, [here(email="other@example.org", firstaccess=0)], True, "map", 7),
    ("1B", ANON, [here(id=9, username="anon3")], True, "map", 9),
    ("1C", ADA, [here(username="ADA@example.org.1711111111", email="x", deleted=True)], True, "map", 7),
    ("1C", ADA, [here(username="someone.1711111111", email=md5("ada"), deleted=True)], True, "map", 7),
    ("1D", here(username=GONE, email=md5("ada"), deleted=True), [ADA], True, "map", 7),
    ("1E", ADA, [here(id=8)], True, "conflict", 8),
    ("1F", ADA, [here(username="someone")], True, "create", None),
    ("1F", ADA, [], True, "create", None),
    ("2A1", ADA, [here(id=8, email="ADA@Example.org", firstaccess=5)], False, "map", 8),
    ("2A1", ADA, [here(id=8, email="other@example.org")], False, "map", 8),
    (
        "2B1",
        ADA,
        [here(id=8, username=GONE, email=md5("ada"), deleted=True, firstaccess=0)],
        False,
        "map",
        8,
    ),
    ("2B1", ADA, [here(id=8, username="x.1711111111", email=md5("ada"), deleted=True)], False, "map", 8),
    ("2B2", ADA, [here(id=8, username=GONE, email="x", deleted=True)], False, "map", 8),
    ("2C", here(username=GONE, email=md5("ada"), deleted=True), [here(id=8)], False, "map", 8),
    ("2D", ADA, [here(id=8, email="other@example.org", firstaccess=5)], False, "conflict", 8),
    ("2E", ADA, [here(id=7, username="someone")], False, "create", None),
    ("2E", ADA, [here(id=8, username=GONE, email="x", deleted=True, firstaccess=5)], False, "create", None),
    (
        "2E",
        here(firstaccess=0),
        [here(username=GONE, email="x", deleted=True, firstaccess=0)],
        False,
        "create",
        None,
    ),
]
NAMES = [f"{case[0]} {number}" for number, case in enumerate(CASES)]


@pytest.mark.parametrize(("rule", "person", "accounts", "same_site", "action", "target"), CASES, ids=NAMES)
def test_a_person_is_matched_by_the_rule(
    rule: str,
    person: ArchivedPerson,
    accounts: list[ArchivedPerson],
    same_site: bool,
    action: str,
    target: int | None,
) -> None:
    match = match_user(person, accounts, same_site=same_site)
    assert (match.rule, match.action, match.target) == (rule, action, target)
    assert match.sentence.endswith(".")


@pytest.mark.django_db
@pytest.mark.parametrize(("rule", "person", "accounts", "same_site", "action", "target"), CASES, ids=NAMES)
def test_the_database_finds_who_the_rule_means(
    rule: str,
    person: ArchivedPerson,
    accounts: list[ArchivedPerson],
    same_site: bool,
    action: str,
    target: int | None,
) -> None:
    for account in accounts:
        User.objects.create_user(
            account.username,
            account.email,
            id=10_000 + account.id,
            firstaccess=account.firstaccess,
            deleted=int(account.deleted),
        )
    for number in range(3):
        User.objects.create_user(f"bystander{number}", f"by{number}@example.org", id=20_000 + number)
    archived = replace(person, id=10_000 + person.id)
    (match,) = match_users([archived], same_site=same_site)
    assert (match.rule, match.action, match.target) == (rule, action, target and 10_000 + target)


def test_a_number_alone_is_never_believed_even_on_the_same_site() -> None:
    match = match_user(ADA, [here(username="admin")], same_site=True)
    assert match.action == "create"


def test_a_first_access_of_zero_says_nothing() -> None:
    match = match_user(here(firstaccess=0), [here(id=8, email="x", firstaccess=0)], same_site=False)
    assert match.rule == "2D"


def test_a_person_of_another_host_is_not_the_local_one_of_that_name() -> None:
    remote = here(mnethosturl="https://far.example.org")
    assert match_user(remote, [here(id=8)], same_site=False).rule == "2D"
    assert match_user(remote, [ADA], same_site=True).rule == "1E"
    assert match_user(remote, [replace(remote, id=8)], same_site=False).rule == "2A1"


def test_signs_of_like_patterns_in_an_address_are_plain_characters() -> None:
    gone = here(id=8, username="adaXexampleYorg.1711111111", email="x", deleted=True)
    assert match_user(here(email="ada_example%"), [gone], same_site=False).rule == "2E"


def test_of_several_accounts_the_first_made_is_taken() -> None:
    gone = [here(id=number, username=GONE, email=md5("ada"), deleted=True) for number in (12, 8, 10)]
    assert match_user(ADA, gone, same_site=False).target == 8


def test_another_sites_administrator_becomes_an_account_of_its_own_where_the_site_says_so() -> None:
    admin = ArchivedPerson(2, "admin", "root@far.example.org", firstaccess=5)
    ours = ArchivedPerson(2, "admin", "root@example.org", firstaccess=6)
    assert match_user(admin, [ours], same_site=False).rule == "2D"
    match = match_user(admin, [ours], same_site=False, duplicate_admin=HASH)
    assert (match.rule, match.action, match.username) == ("2A2", "create", f"admin_{HASH}")
    theirs = ArchivedPerson(9, f"admin_{HASH}")
    assert match_user(admin, [ours, theirs], same_site=False, duplicate_admin=HASH).target == 9
    forged = match_user(admin, [ours], same_site=False, duplicate_admin="x" * 500)
    assert len(forged.username) <= 100


def test_a_person_is_read_from_the_fields_of_its_element() -> None:
    values = {"username": "ada", "email": None, "firstaccess": "12", "deleted": "1", "city": "London"}
    assert ArchivedPerson.read(3, values) == ArchivedPerson(3, "ada", firstaccess=12, deleted=True)
    with pytest.raises(ValueError, match="never"):
        ArchivedPerson.read(3, {"firstaccess": "never"})


@pytest.mark.django_db
def test_a_thousand_people_take_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    User.objects.bulk_create(
        User(username=f"user{number}", email=f"user{number}@example.org", contextid=10_000 + number)
        for number in range(0, 1000, 2)
    )
    people = [ArchivedPerson(number, f"user{number}", f"user{number}@example.org") for number in range(1000)]
    with django_assert_num_queries(1):
        matches = list(match_users(people, same_site=False))
    assert [match.old_id for match in matches] == list(range(1000))
    assert [match.action for match in matches[:4]] == ["map", "create", "map", "create"]
    with django_assert_num_queries(10):
        assert [m.rule for m in match_users(people, same_site=False, batch=100)] == [m.rule for m in matches]


@pytest.mark.django_db
def test_two_people_of_one_user_name_in_an_archive_are_a_conflict_even_across_batches() -> None:
    people = [ArchivedPerson(1, "eve"), ArchivedPerson(2, "bob"), ArchivedPerson(3, "eve")]
    assert [match.rule for match in match_users(people, same_site=False, batch=1)] == ["2E", "2E", "twice"]


accounts = st.builds(
    ArchivedPerson,
    id=st.integers(1, 4),
    username=st.sampled_from(["ada", "eve", GONE, "anon3"]),
    email=st.sampled_from(["ada@example.org", "eve@example.org", md5("ada"), ""]),
    firstaccess=st.sampled_from([0, 5, 6]),
    deleted=st.booleans(),
)


@given(
    accounts, st.lists(accounts, max_size=4, unique_by=(lambda a: a.id, lambda a: a.username)), st.booleans()
)
def test_nobody_gets_an_account_with_which_they_share_no_more_than_a_number(
    person: ArchivedPerson, candidates: list[ArchivedPerson], same_site: bool
) -> None:
    match = match_user(person, candidates, same_site=same_site)
    by_id = {account.id: account for account in candidates}
    if match.action == "map":
        assert match.target is not None
        account = by_id[match.target]
        assert account.username == person.username or account.deleted or person.deleted
    if match.action == "create":
        assert match.username not in {account.username for account in candidates}


def test_conflicts_and_accounts_that_may_not_be_made_are_errors_and_say_what_to_do() -> None:
    matches = [match_user(ADA, [here(id=8)], same_site=True), match_user(ADA, [], same_site=True)]
    assert [finding.code for finding in review_users(matches, may=MAY_CREATE)] == ["user-conflict"]
    findings = list(review_users(matches, may={"moodle/restore:userinfo"}))
    assert [finding.code for finding in findings] == ["user-conflict", "user-not-created"]
    assert {finding.level for finding in findings} == {"error"}
    assert findings[0].place == "users.xml, user 7"
    assert "moodle/restore:createuser" in findings[1].message
    assert "users=0" in findings[1].hint


def test_a_thousand_conflicts_are_not_a_thousand_findings() -> None:
    matches = [match_user(replace(ADA, id=number), [here(id=2000)], same_site=True) for number in range(1000)]
    findings = list(review_users(matches, may=MAY_CREATE))
    assert len(findings) == 21
    assert "980 more" in findings[-1].message


def test_anonymous_people_who_take_an_account_of_another_archive_are_a_warning() -> None:
    match = match_user(ANON, [replace(ANON, id=9)], same_site=False)
    assert [finding.code for finding in review_users([match], may=MAY_CREATE)] == ["user-merged"]


@dataclass
class SiteRole:
    id: int
    shortname: str
    archetype: str


MANAGER, EDITING, TEACHER, STUDENT = (
    SiteRole(number, name, name)
    for number, name in enumerate(["manager", "editingteacher", "teacher", "student"], start=1)
)
ALL = [MANAGER, EDITING, TEACHER, STUDENT]
LOWER = [TEACHER, STUDENT]


@pytest.mark.parametrize(
    ("role", "assignable", "may", "expected"),
    [
        (ArchivedRole(5, "student", "", "student"), LOWER, set(), ("map", 4, "shortname")),
        (ArchivedRole(9, "richrole", "Rich", "student"), LOWER, set(), ("map", 4, "archetype")),
        (ArchivedRole(3, "editingteacher", "", "editingteacher"), LOWER, set(), ("map", 3, "teacher")),
        (ArchivedRole(1, "manager", "", "manager"), LOWER, set(), ("skip", None, "none")),
        (ArchivedRole(8, "observer", "", ""), ALL, set(), ("skip", None, "none")),
        (ArchivedRole(9, "richrole", "Rich", "student"), ALL, ROLE_RIGHT, ("create", None, "new")),
        (ArchivedRole(1, "manager", "", "manager"), LOWER, ROLE_RIGHT, ("map", 1, "shortname")),
    ],
)
def test_a_role_is_matched_in_moodles_order_or_made_by_who_may(
    role: ArchivedRole, assignable: list[SiteRole], may: set[str], expected: tuple[str, int | None, str]
) -> None:
    match = match_role(role, assignable, known=ALL, may=may)
    assert (match.action, match.target, match.rule) == expected


def test_a_role_that_nobody_gets_is_a_warning_and_a_replaced_one_is_said() -> None:
    roles = [ArchivedRole(1, "manager", "", "manager"), ArchivedRole(9, "richrole", "Rich rôle", "student")]
    matches, findings = match_roles(roles, LOWER, known=ALL, may=set())
    assert (matches[1].action, matches[9].target) == ("skip", 4)
    assert [(finding.level, finding.code) for finding in findings] == [
        ("warning", "role-skipped"),
        ("info", "role-replaced"),
    ]
    assert "“Rich rôle” becomes “student”" in findings[1].message


def test_the_same_new_role_twice_is_made_once() -> None:
    roles = [ArchivedRole(8, "tutor"), ArchivedRole(9, "tutor")]
    matches, _findings = match_roles(roles, ALL, known=ALL, may=ROLE_RIGHT)
    assert [match.action for match in matches.values()] == ["create", "skip"]


def test_an_exception_that_gives_more_than_the_person_may_is_left_out() -> None:
    def review(permission: int, may: set[str]) -> Finding | None:
        return review_override("moodle/backup:userinfo", permission, may=may, place="course/roles.xml")

    finding = review(1, set())
    assert finding is not None
    assert finding.code == "override-skipped"
    assert review(1, {"moodle/backup:userinfo"}) is None
    assert review(-1, set()) is None
    assert review_override("mod/forum:addnews", 1, may=set(), place="course/roles.xml") is None
