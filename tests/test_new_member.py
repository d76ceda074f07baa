"""A new member is a line of the layout and a model: those of docs/new-member.md, taken through a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from archive import layout
from archive.container import open_archive
from backup import completeness as archive_completeness
from courses import completeness, models, registry, schema
from courses.format_page import document
from courses.models import Course, User
from courses.services import create_course, delete_course
from tests.exhaustive import Exhaustive
from tests.guides import code_after, installed
from tests.jobs_done import back_up, compared, restore
from tests.strict_comparison import StrictComparison, wrongly_written
from tests.test_exhaustive import ALL, forget

PAGE = "new-member.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bookmarks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The page's line in the layout, and its file among the models."""
    member = eval(code_after(PAGE, "This is the line"), vars(layout))
    monkeypatch.setattr(layout, "MEMBERS", (*layout.MEMBERS, member))
    monkeypatch.setitem(layout._BY_PATH, (member.scope, member.path), member)
    source = code_after(PAGE, "`courses/models/bookmarks.py`")
    with installed(models, "bookmarks", source, tmp_path_factory.mktemp("guide")) as module:
        yield module
    registry.clear_derived()


def test_the_line_and_the_file_of_the_page_are_all_that_it_takes(bookmarks: Any, tmp_path: Path) -> None:
    assert list(completeness.gaps()) == []
    assert list(archive_completeness.gaps()) == []
    assert "course/bookmarks.xml" in document()
    made = Exhaustive(1)
    first = back_up(made.make(), tmp_path / "first.mbz", **ALL)
    assert made.rows[bookmarks.Bookmark]
    forget(Course.objects.get())
    assert not bookmarks.Bookmark.objects.exists()
    done = restore(first)
    assert bookmarks.Bookmark.objects.count() == len(made.rows[bookmarks.Bookmark])
    second = back_up(done.course, tmp_path / "second.mbz", **ALL)
    assert compared(first, second).equal
    with open_archive(first) as one, open_archive(second) as other:
        assert wrongly_written(one, {bookmarks.Bookmark: made.rows[bookmarks.Bookmark]}) == []
        assert StrictComparison(one, other).run() == []
        assert list(schema.violations(other)) == []


def test_its_links_lead_to_the_restored_course_and_its_people_are_found(
    bookmarks: Any, tmp_path: Path
) -> None:
    course = create_course("B", "Bookmarked")
    person = User.objects.create_user("erika", email="erika@example.org")
    link = f'<a href="{settings.SITE_URL}/course/view.php?id={course.pk}">x</a>'
    bookmarks.Bookmark.objects.create(course=course, userid=person.pk, title="Library", note=link)
    path = back_up(course, tmp_path / "a.mbz")
    delete_course(course)
    again = restore(path).course
    found = bookmarks.Bookmark.objects.get(course=again)
    assert (found.title, found.userid) == ("Library", person.pk)
    assert f"/course/view.php?id={again.pk}" in found.note


def test_without_people_it_stays_behind(bookmarks: Any, tmp_path: Path) -> None:
    course = create_course("B", "Bookmarked")
    bookmarks.Bookmark.objects.create(course=course, userid=0, title="Library")
    with open_archive(back_up(course, tmp_path / "a.mbz", users=0)) as archive:
        assert "course/bookmarks.xml" not in archive
    done = restore(back_up(course, tmp_path / "b.mbz"), users=0)
    assert not bookmarks.Bookmark.objects.filter(course=done.course).exists()


def test_without_the_line_the_check_says_what_is_missing(
    bookmarks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MEMBERS", layout.MEMBERS[:-1])
    registry.clear_derived()
    gaps = list(archive_completeness.gaps())
    assert any("course/bookmarks.xml, which the layout does not have" in gap for gap in gaps)
