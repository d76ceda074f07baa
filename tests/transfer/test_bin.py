"""What is removed through the doors of courses is stored first, and comes back whole, where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from courses import removal
from courses.models import Activity, Course
from courses.services import outline
from jobs import runner
from jobs.models import Job
from tests.jobs_done import back_up, compared, row_counts
from transfer import returns
from transfer.models import RemovedItem
from vault import storage
from vault.models import LooseFile, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


def order(course: Course) -> list[tuple[str, list[str]]]:
    """The titles of a course's sections, each with those of its activities, in their order."""
    return [(line.title, [one.title for one in line.activities]) for line in outline(course).sections]


def bring_back(item: RemovedItem) -> Job:
    """Bring an entry back and return the job. Raises the error of the job."""
    job = returns.request_return(item, by=None, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return job


def test_an_activity_comes_back_with_grades_and_work_to_its_position(rich: Course, tmp_path: Path) -> None:
    quiz = Activity.objects.filter(course=rich, modulename="quiz").order_by("pk").first()
    assert quiz is not None
    before, was = order(rich), back_up(rich, tmp_path / "before.mbz", logs="1", grade_histories="1")
    removal.remove(quiz)
    assert order(rich) != before
    [item] = returns.items_of(rich)
    assert (item.title, item.modulename) == (quiz.title, "quiz")
    bring_back(item)
    assert order(rich) == before
    assert not RemovedItem.objects.exists()
    assert not StoredArchive.objects.exists()
    after = back_up(rich, tmp_path / "after.mbz", logs="1", grade_histories="1")
    comparison = compared(was, after)
    assert not comparison.differences, [str(one) for one in comparison.differences][:20]


def test_nothing_is_removed_if_it_cannot_be_stored(rich: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    forum = Activity.objects.filter(course=rich, modulename="forum").first()
    assert forum is not None
    before = row_counts()

    def full(*_: object, **__: object) -> Any:
        raise OSError("No space left on device")

    monkeypatch.setattr(storage, "put", full)
    with pytest.raises(OSError, match="No space"):
        removal.remove(forum)
    assert row_counts() == before


def test_nothing_is_stored_if_it_cannot_be_removed(rich: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    forum = Activity.objects.filter(course=rich, modulename="forum").first()
    assert forum is not None
    before = row_counts()

    def broken(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(removal, "delete_activity", broken)
    with pytest.raises(RuntimeError, match="no"):
        removal.remove(forum)
    assert row_counts() == before
    assert not LooseFile.objects.exists()


def test_a_removal_inside_a_transaction_is_refused(rich: Course) -> None:
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any transaction"):
        removal.remove(rich)
    assert Course.objects.filter(pk=rich.pk).exists()
