"""Rights to backups: each role asks for each type of archive with each option; one table says what is granted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.errors import CoursekeepError, NotAllowed, NotFound, UsageError
from backup.services import request_backup, resolve_options
from courses.capabilities import ALLOW, PREVENT, PROHIBIT, STANDARD_ROLES
from courses.models import Activity, Category, Course, Role, RoleAssignment, RoleOverride, Section, User
from jobs import runner
from jobs.models import Job
from selection.models import OptionDefault
from tests.archives_made import small
from tests.jobs_done import restore
from tests.people_made import person

Override = Callable[[str, str, int, Course | Activity], None]
KINDS = ("course", "section", "activity")
MAY_BACK_UP = {"manager", "editingteacher"}
OPTIONS: dict[tuple[str, str], set[str]] = {
    ("users", "1"): {"manager"},
    ("anonymize", "1"): {"manager"},
    ("logs", "1"): {"manager"},
    ("users", "0"): {"manager", "editingteacher"},
    ("anonymize", "0"): {"manager", "editingteacher"},
    ("filters", "0"): {"manager", "editingteacher"},
    ("files", "0"): {"manager", "editingteacher"},
    ("container", "zip"): {"manager", "editingteacher"},
    ("filename", "mine.mbz"): {"manager", "editingteacher"},
}
"""Each choice that the table of options lets somebody make, and whose roles allow it."""

PRIVATE = {("users", "1"), ("anonymize", "1"), ("logs", "1")}


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module")
def course(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The small course."""
    return restore(small(tmp_path_factory.mktemp("made") / "a.mbz")).course


@pytest.fixture(scope="module")
def people(course: Course) -> dict[str, User]:
    """A person for each role, who holds it in the course."""
    return {name: person(f"may.{name}", name, at=course) for name in STANDARD_ROLES}


def item_of(course: Course, kind: str) -> int | None:
    """Something of the kind in the course."""
    if kind == "section":
        return Section.objects.get(course=course).pk
    return Activity.objects.get(course=course, modulename="forum").pk if kind == "activity" else None


def asked(course: Course, by: User | None, kind: str, **options: str) -> str:
    """Ask for a backup; return "" when it is granted, else the code of the error."""
    before = Job.objects.count()
    try:
        job = request_backup(
            course, by=by, archive_type=kind, item=item_of(course, kind), options=options, notify=False
        )
    except CoursekeepError as error:
        found = error
    else:
        granted = {name: job.options[name] for name in options}
        assert granted == options
        job.delete()
        return ""
    assert Job.objects.count() == before
    return found.code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", STANDARD_ROLES)
def test_each_role_may_back_up_what_it_says(
    transactional_db: None, course: Course, people: dict[str, User], role: str, kind: str
) -> None:
    assert asked(course, people[role], kind) == ("" if role in MAY_BACK_UP else "not-allowed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", STANDARD_ROLES)
@pytest.mark.parametrize("choice", OPTIONS, ids="=".join)
def test_each_role_may_choose_what_it_says(
    transactional_db: None,
    course: Course,
    people: dict[str, User],
    role: str,
    kind: str,
    choice: tuple[str, str],
) -> None:
    found = asked(course, people[role], kind, **dict([choice]))
    if role in OPTIONS[choice]:
        assert found == ""
    elif role in MAY_BACK_UP and choice == ("logs", "1"):
        assert found == "usage"  # it needs people, who are off
    else:
        assert found == "not-allowed"


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_right_to_people_they_are_off_whatever_the_kind(
    transactional_db: None, course: Course, people: dict[str, User], kind: str
) -> None:
    teacher = resolve_options(
        course, by=people["editingteacher"], archive_type=kind, item=item_of(course, kind), options={}
    )
    manager = resolve_options(
        course, by=people["manager"], archive_type=kind, item=item_of(course, kind), options={}
    )
    assert (teacher.on("users"), manager.on("users")) == (False, True)
    assert teacher["users"].lock == "permission"
    assert not any(setting.value is True for name, setting in teacher.items() if name.endswith("_userinfo"))
    assert all(setting.value is True for name, setting in manager.items() if name.endswith("_userinfo"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_and_its_administrators_may_all(transactional_db: None, course: Course, kind: str) -> None:
    administrator = person(f"may.admin.{kind}", is_superuser=True)
    for by in (None, administrator):
        for name, value in OPTIONS:
            assert asked(course, by, kind, **{name: value}) == ""


@pytest.mark.parametrize("column", ["deleted", "suspended"])
def test_who_is_not_active_may_nothing(transactional_db: None, course: Course, column: str) -> None:
    somebody = person(f"may.{column}", "manager", at=course, **{column: 1})
    assert {asked(course, somebody, kind) for kind in KINDS} == {"not-allowed"}


def test_a_role_elsewhere_gives_nothing_and_one_above_does(transactional_db: None, course: Course) -> None:
    category = Category.objects.get(pk=course.category_id)
    other = Category.objects.create(name="Other", contextid=category.contextid + 987_650)
    assert asked(course, person("may.above", "manager", at=category), "course") == ""
    assert asked(course, person("may.everywhere", "manager"), "course") == ""
    assert asked(course, person("may.elsewhere", "manager", at=other), "course") == "not-allowed"


@pytest.fixture
def override(transactional_db: None) -> Iterator[Override]:
    """Makes an exception for a role at a place, until the test is over."""
    made = []

    def make(role: str, capability: str, permission: int, place: Course | Activity) -> None:
        number = Role.objects.get(shortname=role).pk
        made.append(
            RoleOverride.objects.create(
                roleid=number, capability=capability, permission=permission, contextid=place.contextid
            )
        )

    yield make
    for row in made:
        row.delete()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_takes_a_right_of_its_own(
    course: Course, people: dict[str, User], override: Override, kind: str
) -> None:
    override("editingteacher", f"moodle/backup:backup{kind}", PREVENT, course)
    for other in KINDS:
        assert asked(course, people["editingteacher"], other) == ("not-allowed" if other == kind else "")


def test_who_may_not_configure_has_the_defaults_and_chooses_a_name(
    course: Course, people: dict[str, User], override: Override
) -> None:
    override("editingteacher", "moodle/backup:configure", PREVENT, course)
    teacher = people["editingteacher"]
    assert asked(course, teacher, "course", blocks="0") == "not-allowed"
    assert asked(course, teacher, "course", container="zip") == "not-allowed"
    assert asked(course, teacher, "course", filename="mine.mbz") == ""
    assert asked(course, teacher, "course", blocks="1") == ""


def test_an_exception_gives_the_right_to_people(
    course: Course, people: dict[str, User], override: Override
) -> None:
    override("editingteacher", "moodle/backup:userinfo", ALLOW, course)
    assert asked(course, people["editingteacher"], "course", users="1", logs="1") == ""
    assert asked(course, people["editingteacher"], "course", anonymize="1") == "not-allowed"


def test_what_is_forbidden_for_one_activity_is_forbidden_for_that_one_alone(
    course: Course, people: dict[str, User], override: Override
) -> None:
    forum = Activity.objects.get(course=course, modulename="forum")
    page = Activity.objects.get(course=course, modulename="page")
    override("editingteacher", "moodle/backup:backupactivity", PROHIBIT, forum)
    teacher = people["editingteacher"]
    assert asked(course, teacher, "activity") == "not-allowed"
    assert request_backup(course, by=teacher, archive_type="activity", item=page.pk, notify=False).pk
    assert asked(course, teacher, "course") == ""


def test_a_role_in_one_activity_lets_its_holder_back_that_one_up(
    transactional_db: None, course: Course
) -> None:
    forum = Activity.objects.get(course=course, modulename="forum")
    page = Activity.objects.get(course=course, modulename="page")
    somebody = person("may.forum", "editingteacher", at=forum)
    assert asked(course, somebody, "activity") == ""
    with pytest.raises(NotAllowed):
        request_backup(course, by=somebody, archive_type="activity", item=page.pk, notify=False)
    assert asked(course, somebody, "course") == asked(course, somebody, "section") == "not-allowed"


def test_what_the_site_has_fixed_nobody_changes(
    transactional_db: None, course: Course, people: dict[str, User]
) -> None:
    fixed = OptionDefault.objects.create(operation="backup", name="blocks", value="0", locked=True)
    try:
        for role in sorted(MAY_BACK_UP):
            assert asked(course, people[role], "course", blocks="1") == "not-allowed"
            assert asked(course, people[role], "course", blocks="0") == ""
    finally:
        fixed.delete()


def test_a_part_of_another_course_is_not_there(
    transactional_db: None, course: Course, people: dict[str, User], tmp_path: Path
) -> None:
    other = restore(small(tmp_path / "a.mbz")).course
    for kind in ("section", "activity"):
        for by in (None, people["manager"]):
            with pytest.raises(NotFound):
                request_backup(course, by=by, archive_type=kind, item=item_of(other, kind), notify=False)
        with pytest.raises(NotFound):
            request_backup(course, by=None, archive_type=kind, notify=False)


def test_what_is_no_option_is_no_matter_of_rights(
    transactional_db: None, course: Course, people: dict[str, User]
) -> None:
    for by in (None, people["manager"], people["editingteacher"]):
        with pytest.raises(UsageError):
            request_backup(course, by=by, options={"nosuch": "1"}, notify=False)


def test_the_rights_are_asked_again_when_the_job_is_done(
    transactional_db: None, course: Course, tmp_path: Path
) -> None:
    somebody = person("may.nomore", "manager", at=course)
    path = tmp_path / "a.mbz"
    job = request_backup(course, by=somebody, path=str(path), notify=False)
    RoleAssignment.objects.filter(userid=somebody.pk).delete()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert list(tmp_path.iterdir()) == []


def test_who_loses_the_right_to_people_gets_no_archive_of_them(
    transactional_db: None, course: Course, tmp_path: Path
) -> None:
    somebody = person("may.less", "manager", at=course)
    job = request_backup(course, by=somebody, path=str(tmp_path / "a.mbz"), notify=False)
    teacher = Role.objects.get(shortname="editingteacher")
    RoleAssignment.objects.filter(userid=somebody.pk).update(roleid=teacher.pk)
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert list(tmp_path.iterdir()) == []
