"""An archive gives nobody power: no role outside the course, no account to use, nothing of others changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.forms.models import model_to_dict

from archive.errors import ArchiveError, NotAllowed, PrecheckFailed
from backup.manifest import site_hash
from courses.capabilities import courses_where, may
from courses.models import (
    SYSTEM_CONTEXT,
    Activity,
    Enrol,
    File,
    Preference,
    Role,
    RoleAssignment,
    RoleName,
    RoleOverride,
    User,
)
from courses.services import create_category, create_course, default_category
from tests.archives_made import Change, members, small
from tests.jobs_done import restore, row_counts
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

FORUM = "activities/forum_31"
MANAGER = ("<shortname>student</shortname>", "<shortname>manager</shortname><archetype>manager</archetype>")
HOLDS = (
    "<roles><role_overrides></role_overrides><role_assignments><assignment id='1'><roleid>5</roleid>"
    "<userid>11</userid><component></component><itemid>0</itemid></assignment></role_assignments></roles>"
)
OTHER_SITE = ("<original_site_identifier_hash>" + "0" * 32, "<original_site_identifier_hash>")


def allows(capability: str, permission: int = 1) -> bytes:
    """A member with an exception for the role of the archive."""
    return (
        f"<roles><role_overrides><override id='1'><roleid>5</roleid><capability>{capability}</capability>"
        f"<permission>{permission}</permission></override></role_overrides></roles>"
    ).encode()


def a_part(changes: dict[str, Change]) -> dict[str, Change]:
    """The changes that make an activity's archive of the small one."""
    return {
        "moodle_backup.xml": ("<type>course</type>", "<type>activity</type>"),
        **changes,
    }


def test_roles_at_people_reach_no_further_than_these_people(tmp_path: Path) -> None:
    restored = restore(
        small(tmp_path / "a.mbz", {"roles.xml": MANAGER, "users.xml": ("</email>", "</email>" + HOLDS, 1)})
    )
    anna = User.objects.get(username="anna")
    held = RoleAssignment.objects.filter(userid=anna.pk)
    assert {one.contextid for one in held} <= set(User.objects.values_list("contextid", flat=True))
    assert may(anna, None) == may(User.objects.get(username="boris"), None)
    assert may(anna, restored.course) == may(person("carla"), restored.course)
    assert not courses_where(anna, "moodle/backup:backupcourse").exists()


@pytest.mark.parametrize("context", ["1", "101", "102", "511"])
def test_roles_of_an_activity_do_not_hold_for_the_site_or_the_course(tmp_path: Path, context: str) -> None:
    changes: dict[str, Change] = {
        "roles.xml": MANAGER,
        f"{FORUM}/roles.xml": HOLDS.encode(),
        f"{FORUM}/forum.xml": ('contextid="103"', f'contextid="{context}"'),
    }
    restored = restore(small(tmp_path / "a.mbz", changes))
    assert "context-shared" in restored.findings
    [activity] = Activity.objects.filter(course=restored.course, modulename="forum")
    assert activity.contextid not in {SYSTEM_CONTEXT, restored.course.contextid}
    assert {one.contextid for one in RoleAssignment.objects.all()} == {activity.contextid}
    assert may(User.objects.get(username="anna"), None) == may(User.objects.get(username="boris"), None)


def test_roles_of_the_course_do_not_hold_for_the_site(tmp_path: Path) -> None:
    changes: dict[str, Change] = {
        "roles.xml": MANAGER,
        "course/roles.xml": HOLDS.encode(),
        "course/course.xml": ('contextid="101"', 'contextid="1"'),
    }
    with pytest.raises(ArchiveError):
        restore(small(tmp_path / "a.mbz", changes))
    assert not RoleAssignment.objects.filter(contextid=SYSTEM_CONTEXT).exists()


def test_nobody_who_came_with_an_archive_can_sign_in(tmp_path: Path) -> None:
    columns = (
        "<is_superuser>1</is_superuser><suspended>0</suspended><confirmed>1</confirmed><is_staff>1</is_staff>"
        "<password>5f4dcc3b5aa765d61d8327deb882cf99</password><auth>manual</auth><deleted>0</deleted>"
    )
    restore(small(tmp_path / "a.mbz", {"users.xml": ("<deleted>0</deleted>", columns)}))
    anna = User.objects.get(username="anna")
    assert not anna.is_superuser
    assert not anna.has_usable_password()
    for guess in ("password", "", "5f4dcc3b5aa765d61d8327deb882cf99", "!"):
        assert authenticate(username="anna", password=guess) is None


@pytest.mark.parametrize("same_site", [False, True])
def test_an_account_of_this_site_stays_as_it_is(tmp_path: Path, same_site: bool) -> None:
    anna = person("anna", city="Paris", description="Me", lastlogin=7)
    User.objects.filter(pk=anna.pk).update(email="anna@example.com")
    boris = person("boris")
    User.objects.filter(pk=boris.pk).update(email="boris@example.com")
    preference = Preference.objects.create(user=anna, name="theme", value="dark")
    picture = File.objects.create(
        contextid=anna.contextid, component="user", filearea="icon", filename="f1.png"
    )
    before = model_to_dict(User.objects.get(pk=anna.pk))
    intruding = (
        "<city>Gotham</city><firstname>X</firstname><picture>71</picture><is_superuser>1</is_superuser>"
        "<custom_fields><custom_field id='1'><field_name>a</field_name></custom_field></custom_fields>"
        "<preferences><preference id='5'><name>theme</name><value>light</value></preference></preferences>"
        f"<deleted>0</deleted>{HOLDS}"
    )
    people = members()["users.xml"].decode().replace("<deleted>0</deleted>", intruding, 1)
    if same_site:
        people = people.replace('id="11"', f'id="{anna.pk}"').replace('id="12"', f'id="{boris.pk}"')
    changes: dict[str, Change] = {
        "users.xml": people.encode(),
        "files.xml": (
            "<contextid>102</contextid><component>mod_page",
            "<contextid>511</contextid><component>user",
        ),
    }
    if same_site:
        changes["moodle_backup.xml"] = ("0" * 32, site_hash())
    restored = restore(small(tmp_path / "a.mbz", changes))
    assert model_to_dict(User.objects.get(pk=anna.pk)) == before
    assert list(Preference.objects.filter(user=anna)) == [preference]
    assert Preference.objects.get(pk=preference.pk).value == "dark"
    assert list(File.objects.filter(component="user")) == [picture]
    assert not RoleAssignment.objects.filter(contextid=anna.contextid).exists()
    assert restored.job.result["people_created"] == 0


def test_the_number_of_a_person_alone_means_nobody_even_with_the_sites_own_mark(tmp_path: Path) -> None:
    root = person("root", is_superuser=True)
    changes: dict[str, Change] = {
        "moodle_backup.xml": ("0" * 32, site_hash()),
        "users.xml": ('<user id="11"', f'<user id="{root.pk}"'),
        "files.xml": ("<userid>11", f"<userid>{root.pk}"),
    }
    restore(small(tmp_path / "a.mbz", changes))
    anna = User.objects.get(username="anna")
    assert anna.pk != root.pk
    assert not anna.is_superuser
    assert not File.objects.filter(userid=root.pk).exists()


def founder(username: str, *roles: str) -> User:
    """Somebody who may make courses in the first category, and restore into them."""
    return person(username, "coursecreator", "editingteacher", *roles, at=default_category())


def test_a_teacher_brings_no_people_along(tmp_path: Path) -> None:
    teacher = founder("theo")
    path = small(tmp_path / "a.mbz", {"roles.xml": MANAGER, "course/roles.xml": HOLDS.encode()})
    people = User.objects.count()
    with pytest.raises(NotAllowed):
        restore(path, by=teacher, users=1)
    restored = restore(path, by=teacher)
    assert User.objects.count() == people
    assert restored.job.result["people_created"] == 0
    assert not RoleAssignment.objects.filter(contextid=restored.course.contextid).exists()
    from courses.activities.forum import ForumDiscussion
    from courses.models.groups import GroupMember

    assert not ForumDiscussion.objects.exists()
    assert not GroupMember.objects.exists()


def test_who_may_not_make_accounts_makes_none(tmp_path: Path) -> None:
    category = create_category("Biology")
    manager = person("mara", "manager", at=category)
    before = row_counts()
    with pytest.raises(PrecheckFailed, match="moodle/restore:createuser"):
        restore(small(tmp_path / "a.mbz"), by=manager, target={"category": category.pk})
    assert row_counts() == before


def test_a_right_that_the_restorer_has_not_is_not_given_to_a_role(tmp_path: Path) -> None:
    teacher = founder("theo")
    changes: dict[str, Change] = {"course/roles.xml": allows("moodle/backup:userinfo")}
    restored = restore(small(tmp_path / "a.mbz", changes), by=teacher)
    assert "override-skipped" in restored.findings
    assert not RoleOverride.objects.exists()


def test_a_teacher_makes_no_role(tmp_path: Path) -> None:
    teacher = founder("theo")
    roles = set(Role.objects.values_list("shortname", flat=True))
    changes: dict[str, Change] = {
        "roles.xml": ("<shortname>student", "<archetype>manager</archetype><shortname>boss")
    }
    restored = restore(small(tmp_path / "a.mbz", changes), by=teacher)
    assert set(Role.objects.values_list("shortname", flat=True)) == roles
    assert "role-skipped" in restored.findings


def test_a_part_changes_nothing_of_the_course_that_gets_it(tmp_path: Path) -> None:
    course = create_course("OLD", "An old course")
    changes = a_part(
        {
            "course/roles.xml": HOLDS.replace(
                "<role_overrides>",
                "<role_overrides><override id='1'><roleid>5</roleid>"
                "<capability>moodle/course:view</capability><permission>-1000</permission></override>",
            ).encode(),
            "roles.xml": ("<shortname>student", "<nameincourse>Boss</nameincourse><shortname>student"),
            "course/comments.xml": b"<comments><comment id='1'><content>Hi</content><userid>11</userid>"
            b"</comment></comments>",
            "gradebook.xml": b"<gradebook><grade_items><grade_item id='1'/></grade_items></gradebook>",
            "completion.xml": b"<course_completion><a/></course_completion>",
        }
    )
    restored = restore(small(tmp_path / "a.mbz", changes), target={"course": course.pk})
    assert restored.course == course
    assert not RoleAssignment.objects.filter(contextid=course.contextid).exists()
    assert not RoleOverride.objects.filter(contextid=course.contextid).exists()
    assert not Enrol.objects.filter(course=course).exists()
    assert not RoleName.objects.exists()
    assert set(course.opaque_members.filter(activity=None).values_list("path", flat=True)) <= {
        "questions.xml",
        "scales.xml",
        "outcomes.xml",
    }


def test_files_of_the_site_are_not_an_archives_to_make(tmp_path: Path) -> None:
    changes: dict[str, Change] = {"files.xml": ("<contextid>102", "<contextid>1")}
    restore(small(tmp_path / "a.mbz", changes))
    assert not File.objects.filter(contextid=SYSTEM_CONTEXT).exists()


@pytest.mark.parametrize(
    ("roleid", "permission"), [("5", "1.0"), ("5", "1.00000"), ("5.0", "1"), ("5.0", "1.0")]
)
def test_an_override_is_reviewed_however_its_numbers_are_written(
    tmp_path: Path, roleid: str, permission: str
) -> None:
    teacher = founder("theo")
    override = allows("moodle/backup:userinfo").decode()
    override = override.replace("<roleid>5<", f"<roleid>{roleid}<")
    override = override.replace("<permission>1<", f"<permission>{permission}<")
    restored = restore(small(tmp_path / "a.mbz", {"course/roles.xml": override.encode()}), by=teacher)
    assert "override-skipped" in restored.findings
    assert not RoleOverride.objects.exists()


@pytest.mark.parametrize("contextid", ["511", "511.0"])
def test_an_account_of_this_site_gets_no_file_however_its_context_is_written(
    tmp_path: Path, contextid: str
) -> None:
    anna = person("anna")
    User.objects.filter(pk=anna.pk).update(email="anna@example.com")
    files = (
        "<contextid>102</contextid><component>mod_page",
        f"<contextid>{contextid}</contextid><component>user",
    )
    restore(small(tmp_path / "a.mbz", {"files.xml": files}))
    assert not File.objects.filter(contextid=anna.contextid).exists()


@pytest.mark.parametrize("context", ["1", "101", "102", "999"])
def test_a_file_of_nobody_is_nobodys_picture(tmp_path: Path, context: str) -> None:
    files = (
        "<contextid>102</contextid><component>mod_page",
        f"<contextid>{context}</contextid><component>user",
    )
    restore(small(tmp_path / "a.mbz", {"files.xml": files}))
    assert not File.objects.filter(component="user").exists()
