"""The option `permissions`: overrides of roles in the course, its activities and its blocks come, or none of them does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from courses.models import Activity, Block, Course, RoleOverride
from courses.services import create_course
from restore.services import review
from tests.archives_made import real
from tests.jobs_done import restore

pytestmark = pytest.mark.django_db(transaction=True)

OVERRIDE = (
    "<override id='999001'><roleid>5</roleid><capability>moodle/course:view</capability>"
    "<permission>-1</permission></override>"
)


@pytest.fixture
def archive(fixtures: Path, tmp_path: Path) -> Path:
    """A course without people with overrides in it, in two activities and in a block."""
    folder = "course/blocks/activity_results_16/roles.xml"
    return real(
        fixtures / "rich1-nousers.mbz",
        tmp_path / "a.mbz",
        {folder: ("<role_overrides>", f"<role_overrides>{OVERRIDE}")},
    )


def overrides(course: Course) -> dict[str, int]:
    """Return how many overrides there are in the course, in its activities and in its blocks."""
    owners: dict[str, Any] = {
        "course": [course.contextid],
        "activities": list(Activity.objects.filter(course=course).values_list("contextid", flat=True)),
        "blocks": list(Block.objects.filter(course=course).values_list("contextid", flat=True)),
    }
    return {name: RoleOverride.objects.filter(contextid__in=found).count() for name, found in owners.items()}


def test_all_overrides_come_unless_they_are_left_out(archive: Path) -> None:
    assert min(overrides(restore(archive).course).values()) > 0
    assert overrides(restore(archive, permissions=0).course) == {"course": 0, "activities": 0, "blocks": 0}


def test_a_course_that_exists_gets_none_if_they_are_left_out(archive: Path) -> None:
    course = create_course("HERE", "Here")
    restore(archive, target={"course": course.pk}, permissions=0)
    assert set(overrides(course).values()) == {0}
    restore(archive, target={"course": course.pk})
    assert min(overrides(course).values()) > 0


def test_overrides_that_are_left_out_are_not_reviewed(archive: Path) -> None:
    codes = {one.code for one in review(archive, by=None, target={}, options={"permissions": "0"})}
    assert "override-skipped" not in codes
