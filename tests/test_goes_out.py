"""The check after each test sees what came in, looks at an archive once, and finds what does not go out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.errors import CoursekeepError
from archive.findings import Finding
from courses.changes import delete_activity
from courses.models import Course
from jobs import operations
from jobs.events import Event, Progress
from jobs.models import Job
from tests import goes_out
from tests.archives_made import small
from tests.jobs_done import back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_restore_is_noted_and_looked_at_once(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna<", "<username>noted<")})
    course = restore(path).course
    restore(path)
    first, second = goes_out._arrivals
    assert (first.course, first.key) == (course.pk, second.key)
    assert goes_out._is_first(first.key)
    assert not goes_out._is_first(second.key)


def test_of_large_archives_with_the_same_members_one_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(goes_out, "LARGE", 0)
    course = restore(small(tmp_path / "a.mbz")).course
    for _ in range(2):
        restore(back_up(course, tmp_path / "b.mbz"))
    restore(back_up(course, tmp_path / "c.mbz", container="zip"))
    restore(back_up(course, tmp_path / "d.mbz", groups="0"))
    delete_activity(course.activities.get(modulename="page"))
    restore(back_up(course, tmp_path / "e.mbz"))
    Course.objects.filter(pk=course.pk).update(fullname="Another")
    restore(back_up(course, tmp_path / "f.mbz"))
    _, first, again, packed, *others = [arrival.key for arrival in goes_out._arrivals]
    assert first == again == packed
    assert len({first, *others}) == 4


@pytest.mark.parametrize("way", goes_out.WAYS)
def test_a_course_that_does_not_go_out_is_found(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    assert goes_out._problems(course, goes_out.WAYS[way]) == []
    with monkeypatch.context() as patch:
        patch.setattr(goes_out, "verify", lambda archive: iter([Finding("error", "broken", "It is broken.")]))
        assert goes_out._problems(course, goes_out.WAYS[way]) == ["It is broken."]
    with monkeypatch.context() as patch:
        patch.setitem(operations.operations, "backup", refused)
        assert goes_out._problems(course, goes_out.WAYS[way]) == ["It cannot be backed up."]


def refused(job: Job) -> Iterator[Event]:
    """A backup that ends with an error."""
    yield Progress("Begin", 0, 1)
    raise CoursekeepError("It cannot be backed up.")
