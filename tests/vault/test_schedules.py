"""Schedules under a clock that the tests hold: when they strike, what they queue, what they report."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import NotAllowed
from courses.models import Category, Course, User
from courses.services import create_course
from jobs import operations, queue, runner
from jobs.events import Progress
from jobs.models import Job
from tests.vault.one_by_one import one_by_one
from vault import schedules, storage
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive
from vault.timetable import next_moment

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
ZONES = [
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
]

moments = st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
days = st.sets(st.integers(0, 6), min_size=1)


# The timetable.


@given(moments, days, st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES))
def test_the_next_moment_is_later_and_within_two_weeks(
    after: datetime, weekdays: set[int], hour: int, minute: int, zone: str
) -> None:
    moment = next_moment(after, weekdays=weekdays, hour=hour, minute=minute, zone=zone)

    assert moment is not None
    assert after < moment <= after + timedelta(days=9)


@given(moments, days, st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES))
def test_it_strikes_at_the_wall_clock_time_unless_the_clock_leaps_over_it(
    after: datetime, weekdays: set[int], hour: int, minute: int, zone: str
) -> None:
    moment = next_moment(after, weekdays=weekdays, hour=hour, minute=minute, zone=zone)

    assert moment is not None
    local = moment.astimezone(ZoneInfo(zone))
    wanted = local.replace(hour=hour, minute=minute)
    exists = wanted.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wanted.replace(
        tzinfo=None
    )
    assert ((local.hour, local.minute) == (hour, minute)) == exists
    assert local.weekday() in weekdays or not exists


@given(moments, st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES[:-2]))
def test_every_day_means_once_on_each_day_of_a_year(
    after: datetime, hour: int, minute: int, zone: str
) -> None:
    struck: list[date] = []
    moment = after
    for _ in range(366):
        following = next_moment(moment, weekdays=EVERY_DAY, hour=hour, minute=minute, zone=zone)
        assert following is not None
        moment = following
        struck.append(moment.astimezone(ZoneInfo(zone)).date())

    assert struck == [struck[0] + timedelta(days=number) for number in range(366)]


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "after", "strikes"),
    [
        # Madrid leaps from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October.
        ("Europe/Madrid", 2, 30, "2026-03-28T12:00", "2026-03-29T01:30"),
        ("Europe/Madrid", 2, 30, "2026-03-29T01:30", "2026-03-30T00:30"),
        ("Europe/Madrid", 2, 30, "2026-10-24T12:00", "2026-10-25T00:30"),
        ("Europe/Madrid", 2, 30, "2026-10-25T00:30", "2026-10-26T01:30"),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", 12, 0, "2011-12-29T23:00", "2011-12-30T22:00"),
        ("UTC", 2, 0, "2026-11-22T02:00", "2026-11-23T02:00"),
    ],
)
def test_clocks_that_change(zone: str, hour: int, minute: int, after: str, strikes: str) -> None:
    moment = next_moment(
        datetime.fromisoformat(after).replace(tzinfo=UTC),
        weekdays=EVERY_DAY,
        hour=hour,
        minute=minute,
        zone=zone,
    )

    assert moment == datetime.fromisoformat(strikes).replace(tzinfo=UTC)


def test_a_timetable_without_days_never_strikes() -> None:
    assert next_moment(NOW, weekdays=[], hour=2, minute=0, zone="UTC") is None


# The runs, with real rows.

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_notifications(settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"


@pytest.fixture
def owner() -> User:
    return User.objects.create(username="keeper", contextid=9100)


@pytest.fixture
def courses() -> list[Course]:
    category = Category.objects.create(name="Sciences", contextid=9101)
    return [
        Course.objects.create(category=category, contextid=9110 + number, shortname=name, fullname=name)
        for number, name in enumerate(["Biology", "Chemistry", "Physics"])
    ]


def scheduled(owner: User | None, **facts: Any) -> Schedule:
    schedule = Schedule(name="Nightly", weekdays=EVERY_DAY, hour=2, owner=owner, **facts)
    schedule.save()
    Schedule.objects.filter(pk=schedule.pk).update(next_run=NOW)
    schedule.refresh_from_db()
    return schedule


class PageContext:
    """Stands where backups are asked for; its jobs are real and short."""

    def __init__(self) -> None:
        self.refused: dict[int, Exception] = {}
        self.asked: list[tuple[int, int, Mapping[str, str]]] = []

    def request(self, course: Course, *, by: User, options: Mapping[str, str]) -> Job:
        if course.pk in self.refused:
            raise self.refused[course.pk]
        self.asked.append((course.pk, by.pk, dict(options)))
        return queue.request("test-backup", by=by, course=course, title=course.fullname, asked=options)

    def queue(self, now: datetime = NOW) -> list[ScheduleRun]:
        return schedules.queue_due(now=now, request_all=one_by_one(self.request))


@pytest.fixture
def page() -> PageContext:
    return PageContext()


@operations.operation("test-backup")
def back_up(job: Job) -> Any:
    """A backup as far as jobs and archives are concerned."""
    yield Progress("writing")
    if job.asked.get("fail"):
        raise NotAllowed("You may not back up this course.")
    assert job.course is not None
    content_digest = hashlib.sha256(job.course.fullname.encode()).hexdigest()
    with transaction.atomic():
        same = schedules.archive_with(content_digest, job)
        if same is not None:
            queue.finish(job, {"unchanged": True}, archive=same)
            return
    stored = storage.put(io.BytesIO(b"archive"), title=f"{job.title}.mbz")
    with transaction.atomic():
        archive = storage.record(stored, content_digest=content_digest, **storage.facts_of(job))
        queue.finish(job, {"size": stored.size}, archive=archive)


def work_off() -> None:
    for job_id in Job.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True):
        runner.run(job_id)


def states(run: ScheduleRun) -> list[tuple[str, str]]:
    return list(run.entries.order_by("title").values_list("title", "state"))


def test_a_due_schedule_queues_one_job_for_each_course_and_reports(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    schedule = scheduled(owner, options={"users": "0"})

    [run] = page.queue()

    assert page.asked == [(course.pk, owner.pk, {"users": "0"}) for course in courses]
    assert run.report["queued"] == 3
    assert run.finished is None
    schedule.refresh_from_db()
    assert (schedule.last_run, schedule.next_run) == (NOW, NOW + timedelta(days=1))

    work_off()
    run = ScheduleRun.objects.get(pk=run.pk)
    assert run.report == {"queued": 0, "skipped": 0, "succeeded": 3, "failed": 0, "cancelled": 0}
    assert run.finished is not None
    archive = StoredArchive.objects.get(course=courses[0])
    assert (archive.schedule, archive.source, archive.options) == (schedule, "schedule", {"users": "0"})


def test_nothing_is_queued_before_its_time_nor_twice(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)

    assert page.queue(NOW - timedelta(seconds=1)) == []
    assert len(page.queue()) == 1
    assert page.queue(NOW + timedelta(hours=1)) == []


def test_many_processes_that_look_at_once_start_one_run(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    barrier = threading.Barrier(4)
    runs: list[ScheduleRun] = []

    def look() -> None:
        try:
            barrier.wait()
            runs.extend(page.queue())
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs) == 1
    assert Job.objects.count() == 3


def test_runs_that_were_missed_become_one(owner: User, courses: list[Course], page: PageContext) -> None:
    schedule = scheduled(owner)

    assert len(page.queue(NOW + timedelta(days=5, hours=3))) == 1
    schedule.refresh_from_db()
    assert schedule.next_run == NOW + timedelta(days=6)


def test_a_disabled_schedule_does_not_run(owner: User, courses: list[Course], page: PageContext) -> None:
    schedule = scheduled(owner)
    schedule.enabled = False
    schedule.save()

    assert schedule.next_run is None
    assert page.queue(NOW + timedelta(days=30)) == []


def test_a_category_means_all_that_is_below_it_and_a_list_means_the_list(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    inner = Category.objects.create(name="Inner", parent=courses[0].category, contextid=9120)
    other = Category.objects.create(name="Other", contextid=9121)
    deep = Course.objects.create(category=inner, contextid=9130, shortname="D", fullname="Deep")
    far = Course.objects.create(category=other, contextid=9131, shortname="F", fullname="Far")
    tree = scheduled(owner, scope="category", category=courses[0].category)
    listed = scheduled(owner, scope="list")
    listed.courses.set([far, courses[1]])

    assert set(schedules.courses_of(tree)) == {*courses, deep}
    assert set(schedules.courses_of(listed)) == {far, courses[1]}
    tree.category = None
    assert not schedules.courses_of(tree).exists()


def test_an_unchanged_course_is_skipped_with_the_reason(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    page.queue()
    work_off()
    Course.objects.filter(pk=courses[0].pk).update(fullname="Biology today")

    [run] = page.queue(NOW + timedelta(days=1))
    work_off()

    run = ScheduleRun.objects.get(pk=run.pk)
    assert states(run) == [("Biology today", "succeeded"), ("Chemistry", "skipped"), ("Physics", "skipped")]
    assert (run.report["succeeded"], run.report["skipped"]) == (1, 2)
    assert run.finished is not None
    assert run.entries.get(title="Physics").reason.startswith("It has not changed since the archive of 20")
    assert [StoredArchive.objects.filter(course=course).count() for course in courses] == [2, 1, 1]


def test_a_course_is_not_skipped_when_its_archive_is_gone_damaged_or_of_other_options(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    schedule = scheduled(owner)
    page.queue()
    work_off()
    storage.remove(StoredArchive.objects.get(course=courses[0]))
    StoredArchive.objects.filter(course=courses[1]).update(verify_errors=1)

    [run] = page.queue(NOW + timedelta(days=1))
    work_off()
    assert states(run) == [("Biology", "succeeded"), ("Chemistry", "succeeded"), ("Physics", "skipped")]

    schedule.refresh_from_db()
    schedule.options = {"users": "0"}
    schedule.save(update_fields=["options"])
    [run] = page.queue(NOW + timedelta(days=2))
    work_off()
    assert {state for _, state in states(run)} == {"succeeded"}


def test_a_course_is_not_skipped_when_the_file_of_its_archive_is_gone(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    page.queue()
    work_off()
    storage.archives().delete(StoredArchive.objects.get(course=courses[0]).file)

    [run] = page.queue(NOW + timedelta(days=1))
    work_off()
    assert states(run) == [("Biology", "succeeded"), ("Chemistry", "skipped"), ("Physics", "skipped")]


def test_a_content_that_came_back_after_another_one_is_stored_again(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    for day, name in enumerate(["Biology", "Botany", "Biology", "Biology"]):
        Course.objects.filter(pk=courses[0].pk).update(fullname=name)
        page.queue(NOW + timedelta(days=day))
        work_off()

    assert StoredArchive.objects.filter(course=courses[0]).count() == 3


def test_a_backup_that_nobody_scheduled_is_never_skipped(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    page.queue()
    work_off()
    page.request(courses[0], by=owner, options={})
    work_off()

    assert StoredArchive.objects.filter(course=courses[0]).count() == 2


def test_unchanged_courses_are_backed_up_where_the_schedule_says_so(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner, skip_unchanged=False)
    page.queue()
    work_off()

    [run] = page.queue(NOW + timedelta(days=1))
    work_off()
    assert ScheduleRun.objects.get(pk=run.pk).report["succeeded"] == 3


def test_a_course_whose_scheduled_backup_is_not_over_gets_no_second_one(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    scheduled(owner)

    first, second = page.queue()

    assert first.report["queued"] == 3
    assert (second.report["skipped"], second.report["queued"]) == (3, 0)
    assert second.finished is not None
    assert Job.objects.count() == 3


def test_one_course_that_cannot_be_queued_does_not_stop_the_others(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    page.refused = {
        courses[0].pk: NotAllowed("keeper may not back up Biology."),
        courses[1].pk: ZeroDivisionError("a secret detail"),
    }

    [run] = page.queue()

    assert states(run) == [("Biology", "failed"), ("Chemistry", "failed"), ("Physics", "queued")]
    assert run.entries.get(title="Biology").reason == "keeper may not back up Biology."
    assert "secret" not in run.entries.get(title="Chemistry").reason


def test_a_schedule_whose_owner_is_gone_says_so(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    schedule = scheduled(owner)
    Schedule.objects.filter(pk=schedule.pk).update(owner=None)

    [run] = page.queue()

    assert run.report["failed"] == 3
    assert "owner" in run.entries.all()[0].reason


def test_a_failure_stays_a_failure_and_removes_nothing(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    schedule = scheduled(owner, keep_count=1, skip_unchanged=False)
    page.queue()
    work_off()
    schedule.refresh_from_db()
    schedule.options = {"fail": "1"}
    schedule.save(update_fields=["options"])

    [run] = page.queue(NOW + timedelta(days=1))
    work_off()
    page.queue(NOW + timedelta(days=1, hours=1))

    run.refresh_from_db()
    assert run.report["failed"] == 3
    assert {entry.reason for entry in run.entries.all()} == {"You may not back up this course."}
    assert StoredArchive.objects.count() == 3


def test_after_a_success_only_as_many_archives_are_left_as_the_schedule_keeps(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner, keep_count=2, skip_unchanged=False)
    for day in range(4):
        page.queue(NOW + timedelta(days=day))
        work_off()

    assert [StoredArchive.objects.filter(course=course).count() for course in courses] == [2, 2, 2]


def test_a_run_whose_jobs_ended_unheard_is_closed_by_the_next_look(
    owner: User, courses: list[Course], page: PageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(owner)
    [run] = page.queue()
    monkeypatch.setattr(operations, "watchers", [])
    work_off()
    Job.objects.filter(course=courses[2]).delete()
    run.refresh_from_db()
    assert run.finished is None

    page.queue(NOW + timedelta(hours=1))

    run = ScheduleRun.objects.get(pk=run.pk)
    assert run.finished is not None
    assert states(run) == [("Biology", "succeeded"), ("Chemistry", "succeeded"), ("Physics", "failed")]


def test_a_cancelled_job_is_reported_as_cancelled(
    owner: User, courses: list[Course], page: PageContext
) -> None:
    scheduled(owner)
    [run] = page.queue()
    queue.cancel(Job.objects.get(course=courses[0]), by=owner)

    assert ScheduleEntry.objects.get(run=run, course=courses[0]).state == "cancelled"


def test_a_run_can_be_started_by_hand(owner: User, courses: list[Course], page: PageContext) -> None:
    schedule = scheduled(owner)
    Schedule.objects.filter(pk=schedule.pk).update(next_run=NOW + timedelta(days=3))
    schedule.refresh_from_db()

    run = schedules.start_run(schedule, now=NOW, request_all=one_by_one(page.request))

    assert run.due == NOW
    assert run.report["queued"] == 3


def test_editing_a_schedule_sets_its_next_run_anew_but_never_loses_one_that_is_due(owner: User) -> None:
    schedule = scheduled(owner)
    past = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
    schedule.hour, schedule.minute, schedule.next_run = past.hour, past.minute, past
    schedule.save()
    assert schedule.next_run == past

    schedule.hour = (past.hour + 6) % 24
    schedule.save()
    assert schedule.next_run > datetime.now(UTC)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [7]}, "weekdays"),
        ({"hour": 24}, "hour"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"scope": "category"}, "category"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_a_sentence(owner: User, facts: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule(**{"name": "Nightly", "weekdays": [0], "owner": owner, **facts}).full_clean()

    assert field in refused.value.message_dict


# With real backups.


def test_a_schedule_makes_real_archives_skips_what_did_not_change_and_keeps_the_newest() -> None:
    keeper = User.objects.create_superuser("keeper", "keeper@example.org")
    course = create_course("BIO", "Biology")
    schedule = scheduled(keeper, options={"users": "0"}, keep_count=1)

    [first] = schedules.queue_due(now=NOW)
    work_off()
    [second] = schedules.queue_due(now=NOW + timedelta(days=1))
    work_off()
    unchanged = second.entries.get().job
    assert (unchanged.state, unchanged.archive) == ("succeeded", StoredArchive.objects.get())
    Course.objects.filter(pk=course.pk).update(visible=False)
    [third] = schedules.queue_due(now=NOW + timedelta(days=2))
    work_off()

    assert [states(run) for run in (first, second, third)] == [
        [("Biology", "succeeded")],
        [("Biology", "skipped")],
        [("Biology", "succeeded")],
    ]
    archive = StoredArchive.objects.get()
    assert (archive.schedule, archive.course, archive.users) == (schedule, course, False)
    assert third.entries.get().job == archive.jobs.get()
    assert f"-course-{course.pk}-bio-" in archive.title
    with storage.open_stored(archive) as stored:
        assert hashlib.sha256(stored.read()).hexdigest() == archive.sha256


def test_a_schedule_whose_owner_lost_the_right_fails_and_says_which() -> None:
    nobody = User.objects.create_user("nobody", "nobody@example.org")
    create_course("BIO", "Biology")
    scheduled(nobody)

    [run] = schedules.queue_due(now=NOW)

    assert run.entries.get().state == "failed"
    assert "may not back up" in run.entries.get().reason
