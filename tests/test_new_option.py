"""A new option is a row of the table and the word that names it: those of docs/new-option.md, obeyed by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive.container import open_archive
from archive.manifest import read_manifest
from backup import completeness as archive_completeness
from courses import registry
from courses.activities.forum import ForumRating
from courses.models import Course
from selection import table
from selection.option import Option, Use
from selection.options_page import documentation
from tests.exhaustive import Exhaustive
from tests.guides import code_after
from tests.jobs_done import back_up, compared, restore
from tests.test_exhaustive import forget

PAGE = "new-option.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> Iterator[Option]:
    """The page's row in the table, and its word in the description of ratings."""
    row: Option = eval(code_after(PAGE, "This is the row"), {"Option": Option, "Use": Use})
    word = eval(f"dict({code_after(PAGE, 'this is what it governs').strip()})")
    assert word == {"option": row.name}
    monkeypatch.setattr(table, "TABLE", [*table.TABLE])
    table.register(row)
    monkeypatch.setattr(ForumRating, "archive_meta", replace(ForumRating.archive_meta, **word))
    registry.clear_derived()
    yield row
    del table.ROOT[row.name]
    monkeypatch.undo()
    registry.clear_derived()


@pytest.fixture
def course() -> Course:
    """A course with every record, so with ratings of posts."""
    made = Exhaustive(1).make()
    assert ForumRating.objects.exists()
    return made


def off(option: Option) -> dict[str, Any]:
    """The option as a backup or a restore is asked to leave out what it governs."""
    return {option.name: 0}


def ratings(course: Course) -> int:
    return ForumRating.objects.filter(post__discussion__forum__owner__course=course).count()


def test_the_site_finds_no_gap(option: Option) -> None:
    assert list(archive_completeness.gaps()) == []
    assert f"| `{option.name}` | {option.label}." in documentation()


def test_a_backup_obeys_it(option: Option, course: Course, tmp_path: Path) -> None:
    path = back_up(course, tmp_path / "a.mbz", **off(option))
    with open_archive(path) as archive:
        said = {setting.name: setting.value for setting in read_manifest(archive).settings}
        assert said[option.name] == "0"
        forums = [name for name in archive.members if name.endswith("/forum.xml")]
        texts = []
        for name in forums:
            with archive.open(name) as stream:
                texts.append(stream.read())
    assert any(b"<post " in text for text in texts)
    assert not any(b"<rating " in text for text in texts)
    forget(course)
    assert ratings(restore(path).course) == 0


def test_a_restore_obeys_it(option: Option, course: Course, tmp_path: Path) -> None:
    path = back_up(course, tmp_path / "a.mbz")
    number = ratings(course)
    forget(course)
    without = restore(path, **off(option)).course
    assert ratings(without) == 0
    forget(without)
    assert ratings(restore(path).course) == number > 0


def test_with_the_option_on_nothing_changes(option: Option, course: Course, tmp_path: Path) -> None:
    first = back_up(course, tmp_path / "first.mbz")
    forget(course)
    assert compared(first, back_up(restore(first).course, tmp_path / "second.mbz")).equal


def test_a_name_is_given_once(option: Option) -> None:
    with pytest.raises(ValueError, match="There is an option 'forumratings' already"):
        table.register(option)
