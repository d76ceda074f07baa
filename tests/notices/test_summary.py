"""Overdue backups and the daily summary: what is told, to whom, once a day, before the next night."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses.models import Course, Role, RoleAssignment, User
from courses.services import create_course
from jobs.models import Job, SiteLimit
from notices import summary, tasks
from notices.models import Notice, NoticeChoice, WebHook
from notices.overdue import due_before, overdue
from tests.people_made import person
from vault import tasks as vault_tasks
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 20, 10, 0, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERY_DAY = list(range(7))


def course(name: str, *, age: timedelta = 30 * DAY) -> Course:
    return create_course(name, f"Course {name}", timecreated=int((NOW - age).timestamp()))


def schedule(
    *courses: Course, weekdays: list[int] = EVERY_DAY, begun: datetime | None = NOW - 30 * DAY, **columns: Any
) -> Schedule:
    """Make a schedule at 02:00 whose first run was at a moment; None: it never ran."""
    found = Schedule.objects.create(name="Nightly", scope="list", weekdays=weekdays, hour=2, **columns)
    found.courses.set(courses)
    if begun is not None:
        ScheduleRun.objects.create(
            schedule=found, due=begun, window_from=begun, started=begun, finished=begun
        )
        Schedule.objects.filter(pk=found.pk).update(last_run=begun, due_since=begun)
    Schedule.objects.filter(pk=found.pk).update(next_run=NOW + 16 * HOUR)
    return Schedule.objects.get(pk=found.pk)


def archive(of: Course, age: timedelta, **columns: Any) -> StoredArchive:
    """Store a row of an archive, without a file."""
    values = {
        "file": f"{of.pk}-{age}-{columns}", "title": "a.mbz", "course": of, "size": 1, "sha256": "", "created": NOW - age,
        "source": "schedule", **columns,
    }  # fmt: skip
    return StoredArchive.objects.create(**values)


def names(now: datetime = NOW) -> list[str]:
    return [name for one in overdue(now=now) for _, name in one.first]


def test_a_course_is_overdue_if_it_has_no_good_backup_since_the_schedule_was_due_so_long_ago() -> None:
    good, old, bad, other, section, uploaded, never, partial = (course(name) for name in "ABCDEFGH")
    schedule(good, old, bad, section, uploaded, never, partial)
    archive(good, 32 * HOUR)
    archive(old, 60 * HOUR)
    archive(bad, 8 * HOUR, verify_errors=1)
    archive(partial, 8 * HOUR, missing_contents=1)
    archive(section, 8 * HOUR, archive_type="section", item=1)
    archive(uploaded, 8 * HOUR, source="upload")
    assert names() == ["Course B", "Course C", "Course E", "Course F", "Course G", "Course H"]
    assert other.fullname not in names()


def test_a_course_that_a_schedule_found_unchanged_is_not_overdue() -> None:
    one = course("A")
    schedule(one)
    archive(one, 20 * DAY)
    assert names() == ["Course A"]
    Job.objects.create(
        operation="backup", course=one, state="succeeded", created=NOW - 8 * HOUR, finished=NOW - 8 * HOUR,
        result={"unchanged": True},
    )  # fmt: skip
    assert names() == []


def test_a_new_course_and_a_new_schedule_have_time() -> None:
    schedule(course("A", age=8 * HOUR))
    schedule(course("B"), begun=None)
    schedule(course("C"), begun=NOW - 10 * HOUR)
    schedule(course("D"), enabled=False)
    assert names() == []


def test_a_schedule_that_no_worker_ever_ran_is_noticed() -> None:
    found = schedule(course("A"), begun=None)
    Schedule.objects.filter(pk=found.pk).update(next_run=NOW - 3 * DAY, due_since=NOW - 4 * DAY)
    assert names() == ["Course A"]


def test_a_schedule_is_noticed_though_the_reports_of_its_old_runs_are_removed() -> None:
    found = schedule(course("A"))
    ScheduleRun.objects.all().delete()
    ScheduleRun.objects.create(schedule=found, due=NOW, window_from=NOW, started=NOW - HOUR)
    assert names() == ["Course A"]


def test_a_schedule_that_is_switched_on_again_or_has_other_times_has_time() -> None:
    found = schedule(course("A"))
    found.name = "Each night"
    found.save()
    assert names() == ["Course A"]
    begun = found.due_since
    for change in ({"enabled": False}, {"enabled": True}, {"hour": 3}):
        for name, value in change.items():
            setattr(found, name, value)
        found.save()
        assert names() == []
        assert found.due_since != begun
        begun = found.due_since


def test_a_weekly_schedule_is_not_overdue_all_week() -> None:
    one = course("A")
    found = schedule(one, weekdays=[6])
    archive(one, 3 * DAY + 7 * HOUR)  # Sunday at 03:00
    assert names() == []
    assert due_before(found, NOW - 2 * DAY) == datetime(2026, 5, 17, 2, 0, tzinfo=UTC)
    assert names(NOW + 6 * DAY) == ["Course A"]


def test_the_hours_are_a_limit_of_the_site() -> None:
    one = course("A")
    schedule(one)
    archive(one, 60 * HOUR)
    assert names() == ["Course A"]
    SiteLimit.objects.create(name="backup_hours", value=72)
    assert names() == []


def test_the_statements_do_not_grow_with_the_courses() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            overdue(now=NOW)
        return len(seen)

    found = schedule(course("A"))
    before = statements()
    found.courses.add(*(course(f"X{number}") for number in range(30)))
    assert statements() == before


@pytest.fixture
def admin(by_mail: None) -> User:
    """An administrator who gets notices."""
    return person("ada", is_superuser=True)


def test_overdue_backups_are_told_once_a_day_to_owner_administrators_and_web_hooks(
    admin: User, hook: WebHook
) -> None:
    owner = person("tess", "manager")
    found = schedule(*(course(f"C{number:02}") for number in range(25)), owner=owner)
    assert [summary.tell_overdue(now=NOW), summary.tell_overdue(now=NOW + HOUR)] == [3, 0]
    notice = Notice.objects.get(person=owner)
    assert "25 courses of “Nightly” without a good backup" in notice.subject
    assert "Course C00" in notice.text
    assert "and 5 more" in notice.text
    told = Notice.objects.get(hook=hook).data
    assert (told["schedule"], told["courses"], len(told["first"])) == (found.pk, 25, 20)
    assert "tess" not in json.dumps(told)
    Notice.objects.update(created=NOW)
    assert summary.tell_overdue(now=NOW + DAY) == 3


def failed_job(of: Course, by: User, entry: ScheduleEntry | None = None) -> Job:
    return Job.objects.create(
        operation="backup", course=of, title=of.fullname, state="failed", requested_by=by, schedule_entry=entry,
        created=NOW - 9 * HOUR, finished=NOW - 8 * HOUR, error="The disk is full.",
    )  # fmt: skip


def test_the_summary_counts_names_failures_and_what_is_overdue(admin: User, hook: WebHook) -> None:
    one = course("A")
    schedule(one, owner=admin)
    job = failed_job(one, admin)
    Job.objects.create(operation="rehearse", state="failed", created=NOW - HOUR, finished=NOW - HOUR)
    archive(one, 60 * HOUR, verify_errors=2)
    assert summary.send_summaries(now=NOW) == 2
    notice = Notice.objects.get(person=admin)
    assert "1 failed, 1 overdue" in notice.subject
    for part in (
        "0 done, 1 failed",
        f"backup {job.pk}, Course A: The disk is full.",
        "1 damaged or incomplete archive",
    ):
        assert part in notice.text
    told = Notice.objects.get(hook=hook).data
    assert told["jobs"] == {"failed": 1}
    assert "disk" not in json.dumps(told)


def test_the_summary_comes_once_a_day_from_its_hour_on_and_says_when_all_is_well(admin: User) -> None:
    early = NOW.replace(hour=5)
    sent = [summary.send_summaries(now=moment) for moment in (early, NOW, NOW + HOUR)]
    assert sent == [0, 1, 0]
    assert "all is well" in Notice.objects.get().subject
    assert summary.send_summaries(now=NOW + DAY) == 1


def test_an_owner_is_told_of_own_schedules_only_and_only_if_something_is_wrong(by_mail: None) -> None:
    tess, stan = person("tess", "manager"), person("stan", "manager")
    mine, other = course("A"), course("B")
    own, foreign = schedule(mine, owner=tess), schedule(other, owner=stan)
    for one in (mine, other):
        archive(one, 8 * HOUR)
    assert summary.send_summaries(now=NOW) == 0
    entry = ScheduleEntry.objects.create(
        run=ScheduleRun.objects.create(schedule=own, due=NOW, window_from=NOW, started=NOW),
        course=mine,
        title="A",
        state="failed",
    )
    failed_job(mine, tess, entry)
    failed_job(other, stan)
    assert summary.send_summaries(now=NOW) == 1
    notice = Notice.objects.get()
    assert notice.person == tess
    assert "Course B" not in notice.text
    assert foreign.owner == stan


def test_a_schedule_whose_owner_lost_the_rights_is_told_before_the_night(admin: User) -> None:
    tess = person("tess", "manager")
    one = course("A")
    archive(one, 8 * HOUR)
    schedule(one, owner=tess)
    summary.send_summaries(now=NOW)
    assert "all is well" in Notice.objects.get().subject
    RoleAssignment.objects.filter(userid=tess.pk).delete()
    Notice.objects.all().delete()
    assert summary.send_summaries(now=NOW) == 2
    for notice in Notice.objects.all():
        assert "“Nightly”: Tess Test, who owns the schedule, may not back up 1 course of it." in notice.text


def test_an_owner_without_rights_is_told_numbers_and_no_names_of_courses(admin: User) -> None:
    tess, one, two = person("tess"), course("A"), course("B")
    RoleAssignment.objects.create(
        roleid=Role.objects.get(shortname="manager").pk, userid=tess.pk, contextid=two.contextid
    )
    own = schedule(one, two, owner=tess)
    run = ScheduleRun.objects.create(schedule=own, due=NOW, window_from=NOW, started=NOW)
    for of in (one, two):
        failed_job(
            of, tess, ScheduleEntry.objects.create(run=run, course=of, title=of.fullname, state="failed")
        )
    summary.tell_overdue(now=NOW)
    summary.send_summaries(now=NOW)
    for kind in ("overdue", "summary"):
        text = Notice.objects.get(person=tess, kind=kind).text
        assert "Course A" not in text
        assert "Course B" in text
        assert "and 1 more" in text
        assert "Course A" in Notice.objects.get(person=admin, kind=kind).text


def test_who_turned_summaries_off_gets_none(admin: User) -> None:
    NoticeChoice.objects.create(person=admin, summaries=False)
    schedule(course("A"), owner=admin)
    assert (summary.send_summaries(now=NOW), summary.tell_overdue(now=NOW)) == (0, 0)


def test_nothing_is_computed_where_nobody_is_to_be_told(db: None) -> None:
    schedule(course("A"))
    assert (summary.send_summaries(now=NOW), summary.tell_overdue(now=NOW)) == (0, 0)
    assert not Notice.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_tasks_run(transactional_db: None, admin: User, caplog: pytest.LogCaptureFixture) -> None:
    tasks.watch()
    tasks.deliver()
    assert [one for one in caplog.records if one.exc_info] == []


@pytest.mark.django_db(transaction=True)
def test_a_step_that_fails_does_not_hold_the_other_steps(
    transactional_db: None, admin: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def broken(name: str) -> Callable[[], None]:
        def do() -> None:
            calls.append(name)
            raise OSError("no disk")

        return do

    steps = ("trail.catch_up", "failures.catch_up", "summary.tell_overdue", "summary.send_summaries")
    for step in steps:
        monkeypatch.setattr(f"notices.tasks.{step}", broken(step))
    tasks.watch()
    assert calls == list(steps)
    assert len([one for one in caplog.records if one.exc_info]) == len(steps)


def test_a_summary_that_cannot_be_made_leaves_the_whole_day_to_the_next_call(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule(course("A"), owner=person("tess", "manager"))
    with monkeypatch.context() as patched:
        patched.setattr(summary, "of_owner", None)
        with pytest.raises(TypeError):
            summary.send_summaries(now=NOW)
        assert not Notice.objects.exists()
    assert summary.send_summaries(now=NOW) == 2


@pytest.mark.django_db(transaction=True)
def test_of_several_processes_one_watches_and_one_removes_what_is_old(
    transactional_db: None, by_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    barrier = Barrier(2, timeout=20)

    def slow(name: str) -> Any:
        def do(**_: Any) -> None:
            calls.append(name)
            barrier.wait()  # until the other process has seen that somebody is at it

        return do

    def other(task: Callable[[], None]) -> None:
        task()
        barrier.wait()
        connection.close()

    monkeypatch.setattr("notices.tasks.trail.catch_up", slow("watch"))
    monkeypatch.setattr("vault.tasks.expiry.sweep", slow("expire"))
    for number, task in enumerate((tasks.watch, vault_tasks.expire), 1):
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(one_after, task)
            wait_for(calls.__len__, number)
            other(task)
            first.result(20)
    assert calls == ["watch", "expire"]


def one_after(task: Callable[[], None]) -> None:
    """Do a task in this thread, and close its connection."""
    try:
        task()
    finally:
        connection.close()


def wait_for(count: Callable[[], int], number: int) -> None:
    """Wait until something was counted so often; AssertionError if it never is."""
    for _ in range(2000):
        if count() == number:
            return
        sleep(0.01)
    raise AssertionError
