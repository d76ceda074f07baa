"""Foreign keys that are checked while a member is read: no restore fails by them, and hardly any are left to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from courses import bulk
from restore import loader
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check after each record."""
    monkeypatch.setattr(loader, "MANY", 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """The foreign keys by which rows were checked."""
    found: set[tuple[str, str]] = set()

    def check(keys: loader.Keys) -> None:
        found.update(keys)
        bulk.check_what_was_sent(keys)

    monkeypatch.setattr(loader, "check_what_was_sent", check)
    return found


def test_the_rows_of_a_course_are_checked_where_they_are_and_come_as_before(
    fixtures: Path, tmp_path: Path, asked: set[tuple[str, str]]
) -> None:
    source = fixtures / "rich1-users.mbz"
    path = back_up(restore(source).course, tmp_path / "again.mbz")
    assert compared(source, path).equal
    assert ("courses_forumpost", "courses_forumdiscussion") in asked


@pytest.mark.parametrize("option", ["users", "groups"])
def test_a_course_comes_without_people_or_groups_although_its_rows_are_checked_where_they_are(
    fixtures: Path, option: str
) -> None:
    options: dict[str, Any] = {option: 0}
    assert restore(fixtures / "novel.mbz", **options).course.pk
