"""What a schedule keeps: rules that hold for every list of archives, and their execution on real files."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from courses.models import Category, Course
from jobs import queue
from jobs.clock import database_now
from vault import retention, storage
from vault.models import LooseFile, Schedule, StoredArchive
from vault.retention import plan

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@st.composite
def archive_lists(draw: st.DrawFn) -> list[StoredArchive]:
    """Archives of one course: some of the same second, some in the future, some held, some damaged."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(-40, 10), st.booleans(), st.integers(0, 2), st.integers(0, 2)), max_size=12
        ),
    )
    return [
        StoredArchive(
            pk=number,
            created=NOW + timedelta(hours=hours),
            keep=held,
            verify_errors=errors,
            missing_contents=missing,
        )
        for number, (hours, held, errors, missing) in enumerate(rows, start=1)
    ]


def kept(archives: list[StoredArchive], keep: int) -> set[int]:
    return {decision.archive.pk for decision in plan(archives, keep=keep, now=NOW) if decision.keep}


def newest_first(archives: list[StoredArchive]) -> list[StoredArchive]:
    return sorted(archives, key=lambda archive: (archive.created, archive.pk), reverse=True)


@given(archive_lists(), st.integers(0, 5))
def test_every_archive_gets_one_decision_with_a_reason(archives: list[StoredArchive], keep: int) -> None:
    decisions = plan(archives, keep=keep, now=NOW)

    assert [decision.archive for decision in decisions] == newest_first(archives)
    assert all(decision.reason.endswith(".") for decision in decisions)


@given(archive_lists(), st.integers(0, 5))
def test_the_last_good_archive_is_never_removed(archives: list[StoredArchive], keep: int) -> None:
    good = [archive.pk for archive in newest_first(archives) if archive.good]

    assert not good or good[0] in kept(archives, keep)
    assert not good or kept(archives, keep) & set(good)


@given(archive_lists(), st.integers(0, 5))
def test_a_held_archive_is_never_removed(archives: list[StoredArchive], keep: int) -> None:
    assert {archive.pk for archive in archives if archive.keep} <= kept(archives, keep)


@given(archive_lists(), st.integers(0, 5))
def test_an_archive_dated_in_the_future_is_never_removed(archives: list[StoredArchive], keep: int) -> None:
    assert {archive.pk for archive in archives if archive.created > NOW} <= kept(archives, keep)


@given(archive_lists())
def test_zero_keeps_all(archives: list[StoredArchive]) -> None:
    assert kept(archives, 0) == {archive.pk for archive in archives}


@given(archive_lists(), st.integers(1, 5))
def test_as_many_good_archives_are_kept_as_was_said(archives: list[StoredArchive], keep: int) -> None:
    counting = [a.pk for a in newest_first(archives) if a.good and not a.keep and a.created <= NOW]

    stored_last = max((archive.pk for archive in archives if archive.good), default=0)
    assert (kept(archives, keep) & set(counting)) - {stored_last} == set(counting[:keep]) - {stored_last}


@given(archive_lists(), st.integers(1, 5))
def test_what_is_kept_stays_kept_when_the_plan_is_made_again(
    archives: list[StoredArchive], keep: int
) -> None:
    stay = kept(archives, keep)

    assert kept([archive for archive in archives if archive.pk in stay], keep) == stay


@given(archive_lists(), st.integers(1, 5))
def test_keeping_more_never_removes_more(archives: list[StoredArchive], keep: int) -> None:
    assert kept(archives, keep) <= kept(archives, keep + 1)


@given(archive_lists(), st.integers(1, 5))
def test_a_newer_damaged_archive_changes_nothing_for_the_others(
    archives: list[StoredArchive], keep: int
) -> None:
    damaged = StoredArchive(pk=99, created=NOW, verify_errors=1)

    assert kept([*archives, damaged], keep) >= kept(archives, keep)


@given(archive_lists(), st.integers(1, 5))
def test_a_newer_incomplete_archive_costs_no_archive_that_lacks_less(
    archives: list[StoredArchive], keep: int
) -> None:
    incomplete = StoredArchive(pk=99, created=NOW, missing_contents=2)
    fuller = {archive.pk for archive in archives if archive.verify_errors or archive.missing_contents < 2}

    assert kept([*archives, incomplete], keep) >= kept(archives, keep) & fuller


@given(st.integers(1, 5))
def test_of_archives_that_lack_the_same_content_night_after_night_as_many_are_kept_as_was_said(
    keep: int,
) -> None:
    archives = [
        StoredArchive(pk=pk, created=NOW - timedelta(days=pk), missing_contents=1) for pk in range(1, 9)
    ]
    whole = StoredArchive(pk=50, created=NOW - timedelta(days=50))

    assert kept([*archives, whole], keep) == {*range(1, keep + 1), 50}


@given(archive_lists())
def test_an_archive_that_a_restore_waits_for_is_kept(archives: list[StoredArchive]) -> None:
    in_use = {archive.pk for archive in archives}

    assert all(decision.keep for decision in plan(archives, keep=1, now=NOW, in_use=in_use))


def test_the_archive_that_was_stored_last_stays_when_a_clock_had_dated_others_too_late() -> None:
    archives = [StoredArchive(pk=pk, created=NOW - timedelta(hours=pk)) for pk in (1, 2, 3)]

    decisions = plan(archives, keep=1, now=NOW)

    assert [(decision.archive.pk, decision.keep) for decision in decisions] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    assert decisions[-1].reason == "It was stored last, though others have later dates."


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="0 \\(all\\) or more"):
        plan([], keep=-1, now=NOW)


def test_archives_of_the_same_second_do_not_hide_one_another() -> None:
    archives = [StoredArchive(pk=number, created=NOW) for number in (1, 2, 3)]

    assert kept(archives, 2) == {2, 3}


def test_the_reasons_read_well() -> None:
    archives = [StoredArchive(pk=number, created=NOW - timedelta(days=9 - number)) for number in (1, 2, 3)]

    assert [decision.reason for decision in plan(archives, keep=2, now=NOW)] == [
        "It is number 1 of the 2 newest that are kept.",
        "It is number 2 of the 2 newest that are kept.",
        "2 good archives are newer.",
    ]


# With real rows and files.


@pytest.fixture
def course(transactional_db: None) -> Course:
    category = Category.objects.create(name="Sciences", contextid=9001)
    return Course.objects.create(category=category, contextid=9002, shortname="BIO", fullname="Biology")


@pytest.fixture
def schedule(transactional_db: None) -> Schedule:
    return Schedule.objects.create(name="Nightly", weekdays=[0, 1, 2, 3, 4, 5, 6], keep_count=2)


def archived(course: Course, schedule: Schedule | None, *, days: int, **facts: Any) -> StoredArchive:
    stored = storage.put(io.BytesIO(b"an archive"), title=f"backup-{days}.mbz")
    return storage.record(
        stored,
        course=course,
        schedule=schedule,
        source="schedule" if schedule else "backup",
        created=NOW - timedelta(days=days),
        **facts,
    )


def test_pruning_removes_rows_and_files_of_this_schedule_and_course_only(
    course: Course, schedule: Schedule
) -> None:
    other_course = Course.objects.create(
        category=course.category, contextid=9003, shortname="C", fullname="C"
    )
    other_schedule = Schedule.objects.create(name="Weekly", weekdays=[0], keep_count=1)
    mine = [archived(course, schedule, days=days) for days in (4, 3, 2, 1)][::-1]
    others = [
        archived(course, None, days=9),
        archived(course, other_schedule, days=9),
        archived(other_course, schedule, days=9),
    ]

    retention.prune(schedule, course, now=NOW)

    left = set(StoredArchive.objects.values_list("pk", flat=True))
    assert left == {archive.pk for archive in [*mine[:2], *others]}
    assert [storage.archives().exists(archive.file) for archive in mine] == [True, True, False, False]
    assert not LooseFile.objects.exists()


def test_a_review_tells_what_pruning_would_do_and_does_nothing(course: Course, schedule: Schedule) -> None:
    for days in (3, 2, 1):
        archived(course, schedule, days=days)

    assert [decision.keep for decision in retention.decisions_for(schedule, course, now=NOW)] == [
        True,
        True,
        False,
    ]
    assert StoredArchive.objects.count() == 3


def test_an_archive_that_is_held_meanwhile_stays(
    course: Course, schedule: Schedule, monkeypatch: Any
) -> None:
    old, *_ = [archived(course, schedule, days=days) for days in (3, 2, 1)]
    decisions = retention.decisions_for(schedule, course, now=NOW)
    monkeypatch.setattr(retention, "decisions_for", lambda *args, **named: decisions)
    StoredArchive.objects.filter(pk=old.pk).update(keep=True)

    done = retention.prune(schedule, course, now=NOW)

    assert StoredArchive.objects.filter(pk=old.pk).exists()
    assert [one.archive.pk for one in done if not one.keep] == []


def test_an_archive_of_which_a_restore_is_requested_meanwhile_stays(
    course: Course, schedule: Schedule, monkeypatch: Any, settings: Any
) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    old, *_ = [archived(course, schedule, days=days) for days in (3, 2, 1)]
    decisions = retention.decisions_for(schedule, course, now=NOW)
    monkeypatch.setattr(retention, "decisions_for", lambda *args, **named: decisions)
    queue.request("restore", by=None, archive=old)

    retention.prune(schedule, course, now=NOW)

    assert storage.archives().exists(old.file)
    assert StoredArchive.objects.filter(pk=old.pk).exists()


def test_an_archive_with_a_waiting_restore_stays(course: Course, schedule: Schedule, settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    old, *_ = [archived(course, schedule, days=days) for days in (3, 2, 1)]
    job = queue.request("restore", by=None, archive=old)

    retention.prune(schedule, course, now=NOW)
    assert storage.archives().exists(old.file)

    queue.cancel(job, by=None)
    retention.prune(schedule, course, now=NOW)
    assert not storage.archives().exists(old.file)


def test_the_database_dates_archives_and_files_without_a_row(course: Course, monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=9000))
    stored = storage.put(io.BytesIO(b"an archive"), title="a.mbz")
    since = LooseFile.objects.get().since
    assert storage.sweep() == []
    archive = storage.record(stored, course=course)

    assert abs(since - database_now()) < timedelta(hours=1)
    assert abs(archive.created - database_now()) < timedelta(hours=1)


def test_a_storage_that_refuses_is_asked_again_by_the_sweep(
    course: Course, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = archived(course, schedule, days=3)

    def refuse(name: str) -> None:
        raise OSError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(type(storage.archives()), "delete", lambda self, name: refuse(name))
        storage.remove(old)
    assert storage.archives().exists(old.file)
    assert not StoredArchive.objects.exists()

    assert storage.sweep(now=datetime.now(UTC) + timedelta(days=2)) == [old.file]
    assert not storage.archives().exists(old.file)
