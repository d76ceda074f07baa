"""The table of targets: each target for each type of archive and each person, taken or refused, and again in the worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.errors import NotAllowed, UsageError
from courses.changes import create_section
from courses.models import Course, RoleAssignment, User
from courses.services import create_category, create_course
from jobs import runner
from jobs.models import Job
from restore.services import request_restore
from tests.archives_made import Change, small
from tests.jobs_done import row_counts
from tests.people_made import person

Targets = dict[str, Callable[[Course], dict[str, Any]]]

TARGETS: Targets = {
    "new": lambda course: {"category": course.category_id},
    "merge": lambda course: {"course": course.pk},
    "replace": lambda course: {"course": course.pk, "replace": True},
    "section": lambda course: {"course": course.pk, "section": course.sections.get(number=1).pk},
    "position": lambda course: {"course": course.pk, "position": 1},
    "section and position": lambda course: {
        "course": course.pk,
        "section": course.sections.get(number=1).pk,
        "position": 1,
    },
    "section without a course": lambda course: {"section": course.sections.get(number=1).pk},
    "replaced section": lambda course: {
        "course": course.pk,
        "replace": True,
        "section": course.sections.get(number=1).pk,
    },
    "category and course": lambda course: {"course": course.pk, "category": course.category_id},
}
MEANINGFUL = {
    "course": {"new", "merge", "replace"},
    "section": {"new", "merge", "section", "position"},
    "activity": {"new", "merge", "section", "position", "section and position"},
}
"""The targets that have an effect, by type of archive."""

PEOPLE = ("site", "manager", "teacher", "teacher elsewhere", "assistant", "student", "creator")
MAY_NEW = {"site", "manager", "creator"}
MAY_INTO = {"site", "manager", "teacher"}
MAY_TAKE_PEOPLE = {"site", "manager"}


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
    made = create_course(
        f"T{abs(hash(request.node.name))}"[:20], "Target", category=create_category(request.node.name[:200])
    )
    create_section(made, "Second")
    return made


def people_of(course: Course) -> dict[str, User | None]:
    """A person of each kind. `creator` may make courses in the category and restore in it."""
    other = create_course(f"O{course.pk}", "Elsewhere", category=course.category)
    return {
        "site": None,
        "manager": person(f"manager{course.pk}", "manager", at=course.category),
        "teacher": person(f"teacher{course.pk}", "editingteacher", at=course),
        "teacher elsewhere": person(f"elsewhere{course.pk}", "editingteacher", at=other),
        "assistant": person(f"assistant{course.pk}", "teacher", at=course),
        "student": person(f"student{course.pk}", "student", at=course),
        "creator": person(f"creator{course.pk}", "coursecreator", "editingteacher", at=course.category),
    }


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kind", MEANINGFUL)
def test_a_target_is_taken_or_refused_by_type_and_person(
    archives: dict[str, Path], course: Course, kind: str, name: str
) -> None:
    target = TARGETS[name](course)
    # Who may restore in the category may restore in its courses.
    allowed = MAY_NEW if name == "new" else MAY_INTO | {"creator"}
    for who, by in people_of(course).items():
        before = Job.objects.count()
        if name not in MEANINGFUL[kind]:
            with pytest.raises(UsageError):
                request_restore(archives[kind], by=by, target=target, notify=False)
        elif who not in allowed:
            with pytest.raises(NotAllowed):
                request_restore(archives[kind], by=by, target=target, notify=False)
        else:
            job = request_restore(archives[kind], by=by, target=target, notify=False)
            assert (job.options["users"] == "1") is (who in MAY_TAKE_PEOPLE)
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
