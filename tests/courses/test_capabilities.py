"""Capabilities: who may do what where, with real rows in a real database."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from courses.capabilities import (
    ALLOW,
    CAPABILITIES,
    EVERYTHING,
    PREVENT,
    PROHIBIT,
    STANDARD_ROLES,
    assignable_roles,
    categories_where,
    courses_where,
    ensure_standard_roles,
    may,
)
from courses.models import (
    SYSTEM_CONTEXT,
    Activity,
    Category,
    Context,
    Course,
    Role,
    RoleAssignment,
    RoleOverride,
    Section,
    User,
)

pytestmark = pytest.mark.django_db

BACKUP = "moodle/backup:backupcourse"

# Role -> what it may in a course where it is held, written out and not computed from the table.
TEACHES = {
    "moodle/backup:backupcourse",
    "moodle/backup:backupsection",
    "moodle/backup:backupactivity",
    "moodle/backup:downloadfile",
    "moodle/backup:configure",
    "moodle/restore:restorecourse",
    "moodle/restore:restoresection",
    "moodle/restore:restoreactivity",
    "moodle/restore:viewautomatedfilearea",
    "moodle/restore:uploadfile",
    "moodle/restore:configure",
    "moodle/course:view",
    "moodle/backup:backuptargetimport",
    "moodle/restore:restoretargetimport",
    "moodle/course:update",
    "moodle/course:changefullname",
    "moodle/course:changeshortname",
    "moodle/course:changeidnumber",
    "moodle/course:enrolconfig",
    "moodle/course:manageactivities",
    "tool/recyclebin:viewitems",
    "tool/recyclebin:restoreitems",
    "tool/recyclebin:deleteitems",
}
MANAGES = TEACHES | {
    "moodle/backup:userinfo",
    "moodle/backup:anonymise",
    "moodle/restore:userinfo",
    "moodle/restore:rolldates",
    "moodle/course:create",
    "moodle/course:delete",
}
ONLY_FOR_THE_SITE = {"moodle/restore:createuser", "coursekeep/role:create"}
MATRIX = {
    "manager": MANAGES,
    "coursecreator": {"moodle/restore:rolldates", "moodle/course:create"},
    "editingteacher": TEACHES,
    "teacher": {"moodle/course:view", "tool/recyclebin:viewitems"},
    "student": set(),
    "guest": set(),
    "user": set(),
    "frontpage": set(),
}
numbers = itertools.count(1)


def new_context() -> int:
    return Context.objects.create().pk


def new_category(parent: Category | None = None) -> Category:
    return Category.objects.create(name=f"Category {next(numbers)}", parent=parent, contextid=new_context())


def new_course(category: Category) -> Course:
    name = f"Course {next(numbers)}"
    return Course.objects.create(fullname=name, shortname=name, category=category, contextid=new_context())


def new_user(**columns: Any) -> User:
    return User.objects.create_user(f"user{next(numbers)}", **columns)


def role(shortname: str) -> Role:
    return Role.objects.get(shortname=shortname)


def assign(user: User, shortname: str, contextid: int) -> User:
    RoleAssignment.objects.create(userid=user.pk, roleid=role(shortname).pk, contextid=contextid)
    return user


def override(shortname: str, capability: str, permission: int, contextid: int) -> None:
    RoleOverride.objects.create(
        roleid=role(shortname).pk, capability=capability, permission=permission, contextid=contextid
    )


@pytest.fixture(autouse=True)
def roles() -> None:
    ensure_standard_roles()


@pytest.fixture
def faculty() -> Category:
    return new_category()


@pytest.fixture
def department(faculty: Category) -> Category:
    return new_category(faculty)


@pytest.fixture
def course(department: Category) -> Course:
    return new_course(department)


@pytest.mark.parametrize("shortname", STANDARD_ROLES)
@pytest.mark.parametrize("capability", sorted(CAPABILITIES))
def test_a_role_in_a_course_may_what_moodles_role_may_and_no_more(
    shortname: str, capability: str, course: Course
) -> None:
    user = assign(new_user(), shortname, course.contextid)
    assert user.has_perm(capability, course) is (capability in MATRIX[shortname])


@pytest.mark.parametrize("shortname", STANDARD_ROLES)
def test_a_role_at_the_site_or_a_category_holds_in_all_courses_below(
    shortname: str, faculty: Category, course: Course
) -> None:
    assert may(assign(new_user(), shortname, faculty.contextid), course) == MATRIX[shortname]
    more = ONLY_FOR_THE_SITE if shortname == "manager" else set()
    user = assign(new_user(), shortname, SYSTEM_CONTEXT)
    assert may(user, course) == may(user, None) == MATRIX[shortname] | more


def test_a_role_in_one_course_is_nothing_in_another_nor_in_the_category(
    course: Course, department: Category
) -> None:
    user = assign(new_user(), "manager", course.contextid)
    assert may(user, new_course(department)) == may(user, department) == may(user, None) == frozenset()


def test_a_role_in_an_activity_holds_there_only(course: Course) -> None:
    section = Section.objects.create(course=course)
    activity = Activity.objects.create(
        course=course, section=section, modulename="forum", instance=1, contextid=new_context()
    )
    user = assign(new_user(), "editingteacher", activity.contextid)
    assert "moodle/backup:backupactivity" in may(user, activity)
    assert may(user, section) == may(user, course) == frozenset()


def test_a_site_administrator_may_all_everywhere(course: Course) -> None:
    user = User.objects.create_superuser("root")
    assert may(user, course) == may(user, None) == EVERYTHING
    assert user.has_perm(BACKUP, course)


@pytest.mark.parametrize("state", [{"deleted": 1}, {"suspended": True}, {"confirmed": 0}])
@pytest.mark.parametrize("is_superuser", [False, True])
def test_who_is_deleted_suspended_or_unconfirmed_may_nothing(
    state: dict[str, Any], is_superuser: bool, course: Course
) -> None:
    user = assign(new_user(is_superuser=is_superuser, **state), "manager", SYSTEM_CONTEXT)
    assert may(user, course) == frozenset()
    assert not user.has_perm(BACKUP, course)
    assert not courses_where(user, BACKUP).exists()


def test_who_has_not_signed_in_may_nothing(course: Course) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert may(AnonymousUser(), course) == frozenset()
    assert not courses_where(AnonymousUser(), BACKUP).exists()


def test_an_override_in_a_course_gives_and_takes_there_only(course: Course, department: Category) -> None:
    other = new_course(department)
    override("editingteacher", "moodle/backup:userinfo", ALLOW, course.contextid)
    override("editingteacher", BACKUP, PREVENT, course.contextid)
    user = assign(new_user(), "editingteacher", department.contextid)
    assert may(user, course) == (TEACHES | {"moodle/backup:userinfo"}) - {BACKUP}
    assert may(user, other) == TEACHES


def test_the_nearest_override_of_a_role_wins(course: Course, department: Category, faculty: Category) -> None:
    override("editingteacher", BACKUP, PREVENT, faculty.contextid)
    override("editingteacher", BACKUP, ALLOW, course.contextid)
    user = assign(new_user(), "editingteacher", department.contextid)
    assert BACKUP in may(user, course)
    assert BACKUP not in may(user, new_course(department))


def test_one_role_that_allows_is_enough_against_one_that_prevents(course: Course) -> None:
    override("editingteacher", BACKUP, PREVENT, course.contextid)
    user = assign(assign(new_user(), "editingteacher", course.contextid), "manager", course.contextid)
    assert BACKUP in may(user, course)


def test_a_prohibition_anywhere_on_the_way_wins_over_all(course: Course, faculty: Category) -> None:
    override("teacher", BACKUP, PROHIBIT, faculty.contextid)
    override("teacher", BACKUP, ALLOW, course.contextid)
    user = assign(assign(new_user(), "teacher", course.contextid), "manager", course.contextid)
    assert BACKUP not in may(user, course)


def test_what_counts_for_the_site_is_not_given_in_a_course(course: Course) -> None:
    override("editingteacher", "moodle/restore:createuser", ALLOW, course.contextid)
    user = assign(new_user(), "editingteacher", course.contextid)
    assert "moodle/restore:createuser" not in may(user, course)


def test_everybody_who_has_signed_in_holds_the_role_of_users(course: Course) -> None:
    override("user", "moodle/course:view", ALLOW, SYSTEM_CONTEXT)
    user = new_user()
    assert may(user, course) == {"moodle/course:view"}
    assert list(courses_where(user, "moodle/course:view")) == [course]


def test_a_role_without_archetype_may_what_overrides_say(course: Course) -> None:
    Role.objects.create(shortname="archivist", sortorder=20)
    override("archivist", BACKUP, ALLOW, SYSTEM_CONTEXT)
    assert may(assign(new_user(), "archivist", course.contextid), course) == {BACKUP}


def test_an_assignment_of_a_role_that_is_no_more_gives_nothing(course: Course) -> None:
    user = new_user()
    RoleAssignment.objects.create(userid=user.pk, roleid=4711, contextid=course.contextid)
    assert may(user, course) == frozenset()


def test_what_is_no_capability_nobody_has(course: Course) -> None:
    assert not assign(new_user(), "manager", SYSTEM_CONTEXT).has_perm("moodle/backup:everything", course)
    with pytest.raises(KeyError):
        courses_where(new_user(), "moodle/backup:everything")


def test_the_list_of_courses_is_what_asking_for_each_course_says(
    faculty: Category, department: Category
) -> None:
    courses = [new_course(category) for category in (faculty, department, new_category()) for _ in range(3)]
    override("editingteacher", BACKUP, PREVENT, courses[1].contextid)
    override("teacher", BACKUP, ALLOW, courses[3].contextid)
    override("teacher", BACKUP, PROHIBIT, courses[4].contextid)
    override("student", BACKUP, ALLOW, department.contextid)
    people = {
        "at the faculty": assign(new_user(), "editingteacher", faculty.contextid),
        "in one course": assign(new_user(), "editingteacher", courses[7].contextid),
        "two roles": assign(
            assign(new_user(), "teacher", SYSTEM_CONTEXT), "editingteacher", department.contextid
        ),
        "student": assign(new_user(), "student", SYSTEM_CONTEXT),
        "manager": assign(new_user(), "manager", SYSTEM_CONTEXT),
        "nobody": new_user(),
    }
    for who, user in people.items():
        expected = {course.pk for course in courses if BACKUP in may(user, course)}
        assert set(courses_where(user, BACKUP).values_list("pk", flat=True)) == expected, who
    assert courses_where(people["manager"], BACKUP).count() == len(courses)


def test_the_list_of_categories_is_what_asking_for_each_category_says(
    faculty: Category, department: Category
) -> None:
    new_category()
    override("coursecreator", "moodle/course:create", PREVENT, department.contextid)
    for user in (
        assign(new_user(), "coursecreator", faculty.contextid),
        assign(new_user(), "manager", SYSTEM_CONTEXT),
        assign(new_user(), "manager", department.contextid),
        User.objects.create_superuser("root"),
        new_user(suspended=True, is_superuser=True),
    ):
        every = Category.objects.all()
        expected = {each.pk for each in every if "moodle/course:create" in may(user, each)}
        assert {each.pk for each in categories_where(user, "moodle/course:create")} == expected
    with pytest.raises(KeyError):
        categories_where(new_user(), "moodle/course:build")


def test_rights_and_lists_take_as_many_queries_however_much_there_is(
    faculty: Category,
    department: Category,
    course: Course,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user = assign(new_user(), "editingteacher", department.contextid)
    for _ in range(20):
        extra = new_course(new_category(department))
        assign(user, "manager", extra.contextid)
        override("manager", BACKUP, PREVENT, extra.contextid)
    with django_assert_max_num_queries(4):
        may(user, course)
    with django_assert_max_num_queries(6):
        list(courses_where(user, BACKUP))
    with django_assert_max_num_queries(5):
        list(categories_where(user, BACKUP))


def test_a_teacher_may_assign_lower_roles_and_a_manager_those_of_a_course(course: Course) -> None:
    Role.objects.create(shortname="tutor", archetype="teacher", sortorder=20)
    Role.objects.create(shortname="observer", sortorder=21)

    def names(user: User) -> list[str]:
        return [each.shortname for each in assignable_roles(user, course)]

    assert names(assign(new_user(), "editingteacher", course.contextid)) == ["teacher", "student", "tutor"]
    everything = ["manager", "editingteacher", "teacher", "student", "tutor", "observer"]
    assert names(assign(new_user(), "manager", course.contextid)) == everything
    assert names(User.objects.create_superuser("root")) == everything
    assert names(assign(new_user(), "student", course.contextid)) == []


def test_the_standard_roles_are_made_once_and_stay_as_somebody_changed_them() -> None:
    Role.objects.filter(shortname="teacher").update(name="Tutor")
    ensure_standard_roles()
    assert list(Role.objects.values_list("shortname", flat=True)) == list(STANDARD_ROLES)
    assert role("teacher").name == "Tutor"


def test_people_sign_in_with_their_password_and_a_suspended_one_does_not(client: Client) -> None:
    from django.contrib.auth import authenticate

    User.objects.create_user("ada", password="engine")
    User.objects.create_user("eve", password="apple", suspended=True)
    assert authenticate(username="ada", password="engine") is not None
    assert authenticate(username="ada", password="apple") is None
    assert authenticate(username="eve", password="apple") is None
