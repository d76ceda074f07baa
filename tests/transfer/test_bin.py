"""The recycle bin: courses, sections and activities are stored before they are removed, and come back whole to their place."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from archive.errors import Cancelled, NotAllowed, NotFound, UsageError
from backup.services import request_backup
from courses import removal
from courses.activities.forum import ForumPost
from courses.changes import create_activity
from courses.models import Activity, Course, Section, User
from courses.services import outline
from jobs import runner
from jobs.models import Job
from tests.conftest import PROJECT
from tests.jobs_done import back_up, compared, row_counts
from tests.pages.places import discuss, make_place
from transfer import removals, returns
from transfer.models import RemovedItem
from vault import catalogue, storage
from vault.models import LooseFile, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


def order(course: Course) -> list[tuple[str, list[str]]]:
    """The titles of a course's sections, each with those of its activities, in their order; subsections last, by title."""
    lines = outline(course).sections
    titles = [(line.title, [one.title for one in line.activities]) for line in lines if not line.under]
    return titles + sorted(
        (line.title, [one.title for one in line.activities]) for line in lines if line.under
    )


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
    found = [one for one in comparison.differences if not one.path.endswith("/timemodified")]
    assert not found, [f"{one.kind} {one.member} {one.path}: {one.message[:300]}" for one in found]


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
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any transaction"):
        removal.remove(rich)
    assert Course.objects.filter(pk=rich.pk).exists()


def test_a_section_comes_back_with_its_activities_to_its_number(rich: Course) -> None:
    section = next(
        line for line in outline(rich).sections if line.number and line.activities and not line.under
    )
    before = order(rich)
    removal.remove(Section.objects.get(pk=section.id))
    assert section.title not in [title for title, _ in order(rich)]
    [item] = returns.items_of(rich)
    bring_back(item)
    assert order(rich) == before


def test_a_course_comes_back_with_people_archives_and_what_was_removed_from_it(
    rich: Course, tmp_path: Path
) -> None:
    before = back_up(rich, tmp_path / "before.mbz", logs="1", grade_histories="1")
    page = Activity.objects.filter(course=rich, modulename="page").order_by("-pk").first()
    assert page is not None
    kept = runner.run(request_backup(rich, by=None, notify=False).pk)
    assert kept is not None
    category = rich.category
    removal.remove(rich)
    assert not Course.objects.exists()
    admin = User.objects.create_superuser("ada", "ada@example.org", "secret")
    [item] = returns.courses_seen(admin)
    assert (item.title, item.category, item.removed_by) == (rich.fullname, category, None)
    bring_back(item)
    back = Course.objects.get()
    assert (back.fullname, back.shortname, back.idnumber, back.visible, back.category) == (
        rich.fullname,
        rich.shortname,
        rich.idnumber,
        rich.visible,
        category,
    )
    assert StoredArchive.objects.get().course == back
    after = back_up(back, tmp_path / "after.mbz", logs="1", grade_histories="1")
    comparison = compared(before, after)
    assert not comparison.differences, [one.message for one in comparison.differences][:5]


def test_what_is_old_is_removed_for_good(rich: Course) -> None:
    pages = Activity.objects.filter(course=rich, modulename="page").order_by("-pk")[:2]
    for page in pages:
        removal.remove(page)
    old, young = RemovedItem.objects.order_by("pk")
    RemovedItem.objects.filter(pk=old.pk).update(removed=timezone.now() - timedelta(days=8))
    assert removals.sweep() == 1
    assert list(RemovedItem.objects.all()) == [young]
    assert list(StoredArchive.objects.all()) == [young.archive]
    job = returns.request_return(young, by=None, notify=False)
    assert removals.sweep(now=timezone.now() + timedelta(days=8)) == 0
    runner.run(job.pk, raising=True)
    assert not RemovedItem.objects.exists()


def test_archives_of_the_bin_are_in_no_list_of_archives(rich: Course) -> None:
    admin = User.objects.create_superuser("ada", "ada@example.org", "secret")
    page = Activity.objects.filter(course=rich, modulename="page").order_by("-pk").first()
    assert page is not None
    removal.remove(page)
    assert not catalogue.archives_seen(admin).exists()


def test_who_may_not_remove_or_bring_back_is_refused() -> None:
    place = make_place()
    with pytest.raises(NotAllowed, match="not remove this activity"):
        removals.request_removal(place.forum, by=place.student, notify=False)
    with pytest.raises(NotAllowed, match="not remove this course"):
        removals.request_removal(place.course, by=place.teacher, notify=False)
    with pytest.raises(UsageError, match="first section"):
        removals.request_removal(place.course.sections.get(), by=place.teacher, notify=False)
    job = removals.request_removal(place.forum, by=place.teacher, notify=False)
    runner.run(job.pk, raising=True)
    [item] = returns.items_of(place.course)
    assert (item.title, item.removed_by) == (place.forum.title, place.teacher)
    with pytest.raises(NotAllowed, match="not bring this back"):
        returns.request_return(item, by=place.student, notify=False)
    runner.run(returns.request_return(item, by=place.teacher, notify=False).pk, raising=True)
    [post] = ForumPost.objects.all()
    assert post.userid == place.student.pk


@pytest.mark.parametrize("problem", [Cancelled("no"), RuntimeError("no"), KeyboardInterrupt()])
def test_a_removal_that_stops_at_any_step_removes_nothing_and_stores_nothing(problem: BaseException) -> None:
    place = make_place()
    before, steps = row_counts(), 0
    while True:
        job = removals.request_removal(place.course, by=None, notify=False)
        left = steps

        def stop(_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise problem

        try:
            runner.run(job.pk, watch=stop, raising=True)
        except type(problem):
            assert row_counts() == before
            steps += 1
        else:
            break
    assert steps > 20
    assert not Course.objects.exists()


def test_no_page_and_no_command_deletes_without_storing() -> None:
    found = [
        path.relative_to(PROJECT).as_posix()
        for room in ("backup", "config", "jobs", "selection", "transfer", "vault", "viewer")
        for path in (PROJECT / room).rglob("*.py")
        if re.search(r"delete_(course|section|activity)\b", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_two_that_bring_the_same_back_do_it_once() -> None:
    place = make_place()
    removal.remove(place.forum)
    item = RemovedItem.objects.get()
    first, second = (returns.request_return(item, by=None, notify=False) for _ in range(2))
    runner.run(first.pk, raising=True)
    with pytest.raises(NotFound, match="not in the recycle bin"):
        runner.run(second.pk, raising=True)
    assert Activity.objects.filter(course=place.course, modulename="forum").count() == 1


def test_what_comes_back_has_its_ids_again() -> None:
    place = make_place()
    before = (place.forum.pk, ForumPost.objects.get().pk)
    removal.remove(place.forum)
    bring_back(RemovedItem.objects.get())
    forum = Activity.objects.get(course=place.course, modulename="forum")
    assert (forum.pk, ForumPost.objects.get().pk) == before


def test_it_gets_new_ids_if_somebody_has_its_own() -> None:
    place = make_place()
    pk, post = place.forum.pk, ForumPost.objects.get().pk
    removal.remove(place.forum)
    other = create_activity(place.course, place.course.sections.get(), "forum", "Other")
    discuss(other, place.student)
    ForumPost.objects.update(id=post)
    bring_back(RemovedItem.objects.get())
    assert ForumPost.objects.count() == 2
    assert not Activity.objects.filter(pk=pk).exists()


def test_what_was_removed_meanwhile_is_not_stored_a_second_time(rich: Course) -> None:
    forum = Activity.objects.filter(course=rich, modulename="forum").first()
    assert forum is not None
    same = Activity.objects.get(pk=forum.pk)
    removal.remove(forum)
    assert RemovedItem.objects.count() == 1
    with pytest.raises(NotFound, match="removed meanwhile"):
        removal.remove(same)
    assert RemovedItem.objects.count() == 1


def test_the_administrators_list_has_no_link_to_an_archive_of_the_bin() -> None:
    place = make_place()
    removal.remove(place.page)
    client = Client()
    client.force_login(place.admin)
    page = client.get("/administration/").content.decode()
    archive = StoredArchive.objects.get()
    assert reverse("archive", args=[archive.pk]) not in page
    assert "1 archive of what was removed" in page
    links = set(re.findall(r'href="(/[^"#]*)"', page)) - {"/administration/"}
    assert not [one for one in sorted(links) if client.get(one).status_code == 404]
