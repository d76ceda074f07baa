"""A course with every field of every kind: backed up, restored, backed up again, and nothing has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive.container import open_archive
from archive.verify import verify
from courses import schema, structure
from courses.fields import ArchiveField
from courses.models import Course, Role, User
from courses.services import delete_course
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up, compared, restore
from tests.strict_comparison import StrictComparison, wrongly_written

pytestmark = pytest.mark.django_db(transaction=True)


ALL: dict[str, Any] = {"logs": 1, "grade_histories": 1, "moodle": "as_is"}
"""The options that are off by default, and that all is written in the layout in which it is here."""

NEVER_FILLED = {
    # An account that is deleted does not come back by a restore.
    "courses.User.deleted",
}


def forget(course: Course) -> None:
    """Takes away the course and its people and roles, so that a restore has to make them."""
    delete_course(course)
    User.objects.filter(username__startswith="exhaustive").delete()
    Role.objects.filter(shortname__startswith="exhaustive").delete()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_field_of_every_part_survives(tmp_path: Path, seed: int) -> None:
    made = Exhaustive(seed)
    course = made.make()
    first = back_up(course, tmp_path / "first.mbz", **ALL)
    forget(course)
    second = back_up(restore(first).course, tmp_path / "second.mbz", **ALL)
    outcome = compared(first, second)
    assert [each.sentence() for each in outcome.differences] == []
    assert outcome.leaves.share == 1
    with open_archive(first) as one, open_archive(second) as other:
        assert wrongly_written(one, made.rows) == []
        comparison = StrictComparison(one, other)
        assert comparison.run() == []
        assert comparison.fields > 10_000
        for archive in (one, other):
            assert [finding.sentence() for finding in schema.violations(archive)] == []
            assert [f.sentence() for f in verify(archive) if f.level == "error"] == []


def test_beside_its_original_a_course_is_the_same_but_for_its_name(tmp_path: Path) -> None:
    first = back_up(Exhaustive(4).make(), tmp_path / "first.mbz", **ALL)
    second = back_up(restore(first).course, tmp_path / "second.mbz", **ALL)
    # The people are the same ones; what they wrote about themselves goes on linking to the course that was there.
    assert set(compared(first, second).totals) <= {"value users.xml users/user/description"}


def test_a_zip_says_the_same(tmp_path: Path) -> None:
    course = Exhaustive(5).make()
    first = back_up(course, tmp_path / "first.mbz", **ALL)
    second = back_up(course, tmp_path / "second.mbz", container="zip", **ALL)
    assert compared(first, second).equal


def test_the_course_really_fills_every_field() -> None:
    made = [Exhaustive(seed) for seed in (7, 8, 9)]
    for each in made:
        each.make()
    for model in structure.archived_models():
        if model._meta.label == "courses.Category":
            continue
        rows = [row for each in made for row in each.rows[model]]
        assert rows, f"{model._meta.label} has no row in the exhaustive course"
        for field in model._meta.concrete_fields:
            if (
                isinstance(field, ArchiveField)
                and not field.omit
                and f"{model._meta.label}.{field.name}" not in NEVER_FILLED
            ):
                values = {getattr(row, field.attname) for row in rows}
                assert values - {None, "", 0}, f"{model._meta.label}.{field.name} is never filled"
                assert None in values or not field.null, f"{model._meta.label}.{field.name} is never NULL"
