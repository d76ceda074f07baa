"""The table of targets: modes, types of archive, targets, people; by the web, the commands and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from archive.errors import NotAllowed, UsageError
from backup.services import request_backup
from courses import removal
from courses.changes import create_activity, create_section
from courses.models import Activity, Category, Course, Role, RoleAssignment, User
from courses.removal import Removable
from courses.services import create_category, create_course
from jobs import runner
from jobs.models import Job
from restore.services import request_restore
from selection.option import Mode
from tests.archives_made import Change, small
from tests.jobs_done import row_counts
from tests.pages.places import discuss
from tests.people_made import person
from tests.transfer.target_table import (
    MEANINGFUL,
    NOT_ON_THE_PAGES,
    PEOPLE,
    RESTORES,
    TABLE,
    TARGETS,
    Line,
    Outcome,
    lines,
)
from tests.transfer.three_ways import Scene, asked_outcome, by_command, by_web, by_worker
from transfer.models import RemovedItem
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.stays_in("the same small archives again and again; other tests carry them on")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database."""


@pytest.fixture(scope="module")
def archives(standing: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One archive of each type, with people."""
    folder = tmp_path_factory.mktemp("archives")
    changes: dict[str, dict[str, Change]] = {
        kind: {"moodle_backup.xml": ("<type>course</type>", f"<type>{kind}</type>")}
        for kind in ("section", "activity")
    }
    return {kind: small(folder / f"{kind}.mbz", changes.get(kind)) for kind in MEANINGFUL}


@pytest.fixture
def course(transactional_db: None, request: pytest.FixtureRequest) -> Course:
    """A course with two sections, in a category of its own."""
    return made_course("Target", create_category(request.node.name[:200]))


def made_course(name: str, category: Category) -> Course:
    """Make a course with two sections."""
    made = create_course(f"{name[:8]}{category.pk}", f"{name} {category.pk}", category=category)
    create_section(made, "Second")
    return made


@pytest.fixture
def scene(archives: dict[str, Path], course: Course, line: Line) -> Scene:
    """Make all that a line needs: another course with a forum and its post, people, and what is restored or brought back."""
    source = made_course("Source", course.category)
    found = Scene(line, course.category, source, course, people_of(source, course))
    for one in (source, course):
        forum = create_activity(one, one.sections.get(number=1), "forum", "Field trips")
        discuss(forum, found.people["student"])
    for name in ("anna", "boris"):
        if not User.objects.filter(username=name).exists():
            User.objects.create_user(name, f"{name}@example.com")
    if line.mode == "general":
        found.path = archives[line.archive_type]
        found.archive = uploaded(found.path)
    elif line.mode in RESTORES:
        found.archive = backed_up(course, line.mode)
        found.path = Path(storage.archives().path(found.archive.file))
    return found


def uploaded(path: Path) -> StoredArchive:
    """Store a file as an upload."""
    stored = storage.put(path, title=path.name)
    return storage.record(stored, course_title="A sample", source=StoredArchive.Source.UPLOAD)


def backed_up(course: Course, mode: Mode) -> StoredArchive:
    """Back a course up in a mode, with people, into the storage."""
    job = runner.run(request_backup(course, by=None, mode=mode, options={"users": 1}, notify=False).pk)
    assert job is not None
    if mode == "automated":
        StoredArchive.objects.filter(pk=job.archive_id or 0).update(source=StoredArchive.Source.SCHEDULE)
    return StoredArchive.objects.get(pk=job.archive_id or 0)


def people_of(source: Course, target: Course) -> dict[str, User]:
    """Make a person of each kind of the table, with their roles."""
    found = {
        who: person(f"{who.replace(' ', '.')}{target.pk}", is_superuser=who == "admin") for who in PEOPLE
    }
    give_roles(found, source, target)
    return found


def give_roles(people: Mapping[str, User], source: Course, target: Course) -> None:
    """Give people the roles that PEOPLE says, if they do not have them: to replace a course with its people takes them away."""
    category = target.category
    roles: dict[str, list[tuple[str, Course | Category]]] = {
        "manager": [("manager", category)],
        "teacher": [("editingteacher", source), ("editingteacher", target)],
        "teacher of the target": [("editingteacher", target)],
        "teacher of the source": [("editingteacher", source)],
        "assistant": [("teacher", source), ("teacher", target)],
        "student": [("student", source), ("student", target)],
        "creator": [("coursecreator", category), ("editingteacher", category)],
    }
    numbers = dict(Role.objects.values_list("shortname", "pk"))
    for who, held in roles.items():
        for role, at in held:
            RoleAssignment.objects.get_or_create(
                roleid=numbers[role], userid=people[who].pk, contextid=at.contextid
            )


LINES = list(lines())


@pytest.mark.parametrize("line", LINES, ids=str)
def test_the_web_and_the_command_ask_for_the_same_or_refuse(
    scene: Scene, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    if line.mode == "bin":
        scene.removed = removed(scene)
    # The box is locked for them, so both answers are one on the pages; they are asked with a form that ticks it anyway.
    locked = {cell.who for cell in line.cells if cell.people and cell.on_web == "without people"}
    by_commands: dict[tuple[str, Outcome], Job] = {}
    for who, people, on_web, elsewhere in line.cells:
        before = Job.objects.exclude(operation="rehearse").count()
        command = by_command(scene, who, people, monkeypatch)
        assert asked_outcome(command) == elsewhere, f"{who}, people: {people}, by the command"
        if command is not None:
            by_commands[who, elsewhere] = command
        if (line.archive_type, line.target) in NOT_ON_THE_PAGES or (who in locked and not people):
            continue
        web = by_web(scene, who, people)
        assert asked_outcome(web) == on_web, f"{who}, people: {people}, on the web"
        if web is not None:
            assert what_is_asked(web) == what_is_asked(by_commands[who, on_web])
        asked = sum(one is not None for one in (command, web))
        assert Job.objects.exclude(operation="rehearse").count() == before + asked


def what_is_asked(job: Job) -> dict[str, object]:
    """Return what a job is to do, whoever asked for it and by which way."""
    names = ("operation", "mode", "course_id", "source_id", "archive_type", "item", "options", "target")
    found = {name: getattr(job, name) for name in names}
    if job.operation == "copy":
        # The page proposes the names that the command leaves open.
        found["options"] = {name: value for name, value in job.options.items() if name not in NAMES_OF_COPY}
    return found


NAMES_OF_COPY = ("fullname", "shortname", "keep_weekdays")


@pytest.mark.parametrize("line", LINES, ids=str)
def test_the_worker_does_what_may_be_asked_for_and_refuses_the_rest(scene: Scene, line: Line) -> None:
    for who, people, _, elsewhere in line.cells:
        if line.mode == "bin" and scene.removed is None:
            scene.removed = removed(scene)
        if line.target == "replace":
            give_roles(scene.people, scene.source, scene.target)
        refused = row_counts() if elsewhere == "refused" else {}
        outcome = by_worker(scene, who, people)
        assert outcome == elsewhere, f"{who}, people: {people}"
        if refused:
            assert row_counts() == refused
        elif line.mode == "bin":
            scene.removed = None


def removed(scene: Scene) -> RemovedItem:
    """Remove the target, or the section or the activity with the forum of it, and return its entry in the recycle bin."""
    removal.remove(thing_removed(scene))
    return RemovedItem.objects.latest("pk")


def thing_removed(scene: Scene) -> Removable:
    """Return the course, section or activity that the line brings back. A course that came back has another id."""
    course = Course.objects.get(category=scene.category, fullname__startswith="Target")
    forum = Activity.objects.select_related("course", "section").get(course=course, modulename="forum")
    if scene.line.archive_type == "course":
        return course
    return forum if scene.line.archive_type == "activity" else forum.section


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kind", MEANINGFUL)
def test_a_target_is_taken_or_refused_by_type_and_person(
    archives: dict[str, Path], course: Course, kind: str, name: str
) -> None:
    target = TARGETS[name](course)
    people = people_of(made_course("Source", course.category), course)
    row = next(
        (one for one in TABLE if one.archive_type == kind and name in one.targets and "general" in one.modes),
        None,
    )
    assert (row is not None) is (name in MEANINGFUL[kind])
    for who, by in {"the site": None, **people}.items():
        before = Job.objects.count()
        if row is None:
            with pytest.raises(UsageError):
                request_restore(archives[kind], by=by, target=target, notify=False)
        elif by is not None and who not in row.may:
            with pytest.raises(NotAllowed):
                request_restore(archives[kind], by=by, target=target, notify=False)
        else:
            job = request_restore(archives[kind], by=by, target=target, notify=False)
            assert (job.options["users"] == "1") is (by is None or who in row.may_people)
            assert job.target == target
            continue
        assert Job.objects.count() == before


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in MEANINGFUL.items() for name in sorted(names)]
)
@pytest.mark.parametrize("users", [0, 1])
def test_what_is_taken_is_restored_by_the_worker(
    archives: dict[str, Path], course: Course, kind: str, name: str, users: int
) -> None:
    target = TARGETS[name](course)
    options = {"users": users, **({"backup_first": 0} if name == "replace" else {})}
    job = request_restore(archives[kind], by=None, target=target, options=options, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert (job.result["course_id"] == course.pk) is (name != "new")
    restored = Course.objects.get(pk=job.result["course_id"])
    assert sorted(restored.activities.values_list("modulename", flat=True)) == ["forum", "page"]
    numbers = list(restored.sections.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", ["merge", "replace"])
def test_a_right_that_is_gone_when_the_worker_begins_stops_it(
    archives: dict[str, Path], course: Course, name: str
) -> None:
    teacher = person(f"gone{course.pk}", "editingteacher", at=course)
    job = request_restore(archives["course"], by=teacher, target=TARGETS[name](course), notify=False)
    RoleAssignment.objects.filter(userid=teacher.pk).delete()
    before = row_counts()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert row_counts() == before
