"""The check after each test sees what came in, looks at an archive once, and finds what does not go out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.errors import CoursekeepError
from archive.findings import Finding
from jobs import operations
from jobs.events import Event, Progress
from jobs.models import Job
from tests import goes_out
from tests.archives_made import small
from tests.jobs_done import restore

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_restore_is_noted_and_looked_at_once(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna<", "<username>noted<")})
    course = restore(path).course
    restore(path)
    first, second = goes_out._arrivals
    assert (first.course, first.key) == (course.pk, second.key)
    assert goes_out._is_first(first.key)
    assert not goes_out._is_first(second.key)


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
