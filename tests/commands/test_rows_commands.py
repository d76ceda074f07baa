"""manage.py jobs, archives and schedules: list, show, cancel, retry, run, verify and prune, with real jobs and archives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from archive.errors import Busy, NotFound
from audit.models import AuditEntry
from backup.services import request_backup
from courses.models import Course, User
from jobs import claims, queue, runner, sweep
from jobs.choices import Priority
from jobs.models import Job
from tests.archives_made import small
from tests.commands.conftest import Said
from tests.jobs_done import restore
from tests.people_made import person
from vault import retention, retries, schedules, storage
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive

COMMANDS = ("jobs", "archives", "schedules")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def course(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Course:
    return restore(small(tmp_path_factory.mktemp("made") / "a.mbz")).course


@pytest.fixture(scope="module")
def owner(course: Course) -> User:
    return person("row.owner", "manager")


@pytest.fixture(autouse=True)
def nothing_waits(transactional_db: None, settings: Any) -> None:
    """No worker is told of a job, and no test sees the jobs, archives and schedules of another one."""
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    Job.objects.all().delete()
    for archive in StoredArchive.objects.all():
        storage.remove(archive)
    Schedule.objects.all().delete()


def asked(course: Course, by: User | None, **facts: Any) -> Job:
    """A backup that waits, with these columns."""
    job = request_backup(course, by=by)
    Job.objects.filter(pk=job.pk).update(**facts)
    job.refresh_from_db()
    return job


def over(course: Course, by: User | None, state: str, **facts: Any) -> Job:
    """A job that has ended in a state."""
    return asked(course, by, state=state, finished=timezone.now(), error="It did not work.", **facts)


def stored(course: Course, by: User | None = None) -> StoredArchive:
    """An archive of the course, stored by a job."""
    job = runner.run(request_backup(course, by=by, notify=False).pk, raising=True)
    assert job is not None
    assert job.archive is not None
    return job.archive


def scheduled(course: Course, owner: User | None, **facts: Any) -> Schedule:
    schedule = Schedule(name="Nightly", weekdays=[0, 1, 2, 3, 4, 5, 6], owner=owner, scope="list", **facts)
    schedule.save()
    schedule.courses.add(course)
    return schedule


def run_to_its_end(schedule: Schedule) -> ScheduleRun:
    """Run a schedule and all its jobs; the course is backed up although it has not changed."""
    Schedule.objects.filter(pk=schedule.pk).update(skip_unchanged=False)
    schedule.refresh_from_db()
    run = schedules.start_run(schedule)
    for job in Job.objects.filter(state="queued"):
        runner.run(job.pk, raising=True)
    run.refresh_from_db()
    return run


def lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """The lines that a command prints for people."""
    call_command(*map(str, arguments))
    return capsys.readouterr().out.splitlines()


# Pages.


def test_a_list_comes_in_pages_the_newest_first(said: Said, course: Course) -> None:
    jobs = [asked(course, None).pk for _ in range(5)]
    found: list[int] = []
    before: list[object] = []
    while True:
        data, code = said("jobs", "list", "--limit", 2, *before)
        assert code == 0
        found += [job["job"] for job in data["jobs"]]
        if data["next"] is None:
            break
        assert len(data["jobs"]) == 2
        before = ["--before", data["next"]]
    assert found == jobs[::-1]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("list", "--limit", 0), 2, "--limit is 0, and it may be 1 to 1000"),
        (("list", "--limit", 1001), 2, "--limit is 1001"),
        (("list", 7), 2, "takes no numbers"),
        (("show",), 2, "wants the number of one"),
        (("show", 1, 2), 2, "wants the number of one"),
        (("show", 987654), 6, "There is no"),
        (("show", 987654, "--limit", 3), 2, "--limit says nothing with `show`"),
        (("show", 987654, "--before", 0), 2, "--before says nothing with `show`"),
        (("show", 987654, "--limit", 0), 2, "--limit says nothing with `show`"),
        (("list", "--person", "nobody.here"), 6, "no account"),
        (("list", "--course", 987654), 6, "no course 987654"),
    ],
)
def test_what_was_asked_wrongly_is_said(
    said: Said, command: str, arguments: tuple[object, ...], code: int, says: str
) -> None:
    data, found = said(command, *arguments)
    assert (found, says in f"{data['error']['message']} {data['error']['hint']}") == (code, True), data


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_list_says_so(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, command, "list") == [f"No {command[:-1]}."]


# Jobs.


def test_jobs_are_found_by_state_operation_person_course_and_schedule(
    said: Said, course: Course, owner: User
) -> None:
    waiting, failed = asked(course, None), over(course, owner, "failed")
    run = schedules.start_run(scheduled(course, owner))
    nightly = Job.objects.get(schedule_entry__run=run)
    other = queue.request("verify", by=None, title="elsewhere")

    def numbers(*filters: object) -> set[int]:
        return {job["job"] for job in said("jobs", "list", *filters)[0]["jobs"]}

    assert numbers("--state", "failed") == {failed.pk}
    assert numbers("--state", "failed", "--state", "queued") == {waiting.pk, failed.pk, nightly.pk, other.pk}
    assert numbers("--operation", "verify") == {other.pk}
    assert numbers("--person", owner.username) == {failed.pk, nightly.pk}
    assert numbers("--course", course.pk) == {waiting.pk, failed.pk, nightly.pk}
    assert numbers("--schedule", run.schedule_id) == {nightly.pk}
    assert said("jobs", "list", "--schedule", 987654)[1] == 6


def test_a_job_is_shown_with_its_result_findings_and_log(
    said: Said, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = stored(course)
    job = Job.objects.get(archive=archive)
    data, code = said("jobs", "show", job.pk)
    assert code == 0
    assert (data["job"]["state"], data["job"]["archive_id"]) == ("succeeded", archive.pk)
    assert data["job"]["result"]["size"] == archive.size
    assert data["job"]["log"]
    assert str(job.pk) in lines(capsys, "jobs", "show", job.pk)[0]


def test_jobs_that_wait_are_cancelled_and_those_that_run_are_asked_to_stop(
    said: Said, course: Course
) -> None:
    waiting, running = (
        asked(course, None),
        asked(course, None, state="running", attempts=1, heartbeat=timezone.now()),
    )
    ended = over(course, None, "failed")
    data, code = said("jobs", "cancel", waiting.pk, running.pk, ended.pk)
    assert (data, code) == ({"cancelled": [waiting.pk], "stopping": [running.pk], "over": [ended.pk]}, 0)
    assert Job.objects.get(pk=waiting.pk).state == "cancelled"
    assert Job.objects.get(pk=running.pk).cancel_requested
    assert Job.objects.get(pk=ended.pk).state == "failed"


def test_all_jobs_of_a_filter_are_cancelled_and_no_others(said: Said, course: Course, owner: User) -> None:
    other, own = asked(course, None), [asked(course, owner).pk for _ in range(3)]
    data, _ = said("jobs", "cancel", "--all", "--person", owner.username)
    assert data["cancelled"] == own
    assert Job.objects.get(pk=other.pk).state == "queued"


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_action_without_numbers_changes_nothing(said: Said, course: Course, action: str) -> None:
    job = asked(course, None)
    assert said("jobs", action)[1] == 2
    assert said("jobs", action, job.pk, "--all")[1] == 2
    assert said("jobs", action, 987654, job.pk)[1] == 6
    assert Job.objects.get(pk=job.pk).state == "queued"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_is_retried_is_done(said: Said, course: Course, owner: User, state: str) -> None:
    job = over(course, owner, state, attempts=3, cancel_requested=state == "cancelled")
    data, code = said("jobs", "retry", job.pk)
    assert (data["retried"], code) == ([job.pk], 0)
    done = runner.run(job.pk, raising=True)
    assert done is not None
    assert (done.state, done.attempts, done.error) == ("succeeded", 4, "")
    assert done.archive is not None


def test_a_job_that_is_retried_after_its_window_is_taken_by_the_next_worker(
    said: Said, course: Course, owner: User
) -> None:
    now = timezone.now()
    job = over(
        course,
        owner,
        "failed",
        start_by=now - timedelta(hours=3),
        not_before=now + timedelta(hours=1),
        priority=Priority.SCHEDULE,
    )
    assert said("jobs", "retry", job.pk)[1] == 0
    assert claims.best() == job.pk
    sweep.sweep()
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_a_scheduled_backup_that_is_retried_enters_its_end_into_the_run(
    said: Said, course: Course, owner: User
) -> None:
    run = schedules.start_run(scheduled(course, owner))
    job = Job.objects.get(schedule_entry__run=run)
    queue.end(Job.objects.filter(pk=job.pk), "failed", error="The disk was full.")
    run.refresh_from_db()
    assert (run.report["failed"], run.finished is None) == (1, False)

    assert said("jobs", "retry", job.pk)[1] == 0
    run.refresh_from_db()
    assert run.finished is None
    runner.run(job.pk, raising=True)

    run.refresh_from_db()
    assert (run.report["failed"], run.report["succeeded"], run.finished is None) == (0, 1, False)
    assert ScheduleEntry.objects.get(run=run).reason == ""
    assert StoredArchive.objects.get().source == "schedule"


def test_a_scheduled_backup_is_not_retried_beside_another_of_its_course(
    said: Said, course: Course, owner: User
) -> None:
    schedule = scheduled(course, owner)
    first = Job.objects.get(schedule_entry__run=schedules.start_run(schedule))
    queue.end(Job.objects.filter(pk=first.pk), "failed")
    schedules.start_run(schedule)
    data, code = said("jobs", "retry", first.pk)
    assert (data["error"]["code"], code) == ("busy", 8)
    assert Job.objects.get(pk=first.pk).state == "failed"
    assert ScheduleEntry.objects.get(job=first).state == "failed"


def test_jobs_that_cannot_be_retried_are_refused(said: Said, course: Course) -> None:
    done, own = over(course, None, "succeeded"), over(course, None, "failed", path="/tmp/a.mbz")
    page = over(course, None, "failed", operation="people")
    for job, says in ((done, "is succeeded"), (own, "Run its command again"), (page, "Open that page again")):
        data, code = said("jobs", "retry", job.pk)
        assert (code, says in f"{data['error']['message']} {data['error']['hint']}") == (2, True), data
    good = over(course, None, "failed")
    data, code = said("jobs", "retry", "--all")
    assert (data["retried"], {one["job"] for one in data["refused"]}, code) == (
        [good.pk],
        {own.pk, page.pk},
        1,
    )


def test_all_jobs_are_retried_without_those_that_change_courses_unless_they_are_named_more_closely(
    said: Said, course: Course
) -> None:
    backup = over(course, None, "failed")
    old, new = (
        over(course, None, "failed", operation="restore", priority=Priority.RESTORE) for _ in range(2)
    )
    removal = over(course, None, "failed", operation="remove", priority=Priority.RESTORE)
    Job.objects.filter(pk=old.pk).update(finished=timezone.now() - timedelta(days=300))

    data, code = said("jobs", "retry", "--all")
    assert (data["retried"], [one["job"] for one in data["refused"]], code) == (
        [backup.pk],
        [old.pk, new.pk, removal.pk],
        1,
    )
    assert "--operation restore, or --ended-within" in data["refused"][0]["reason"]

    assert said("jobs", "retry", "--all", "--ended-within", 2)[0]["retried"] == [new.pk, removal.pk]
    assert said("jobs", "retry", "--all", "--operation", "restore")[0]["retried"] == [old.pk]
    assert said("jobs", "list", "--ended-within", 0)[1] == 2
    assert AuditEntry.objects.filter(action="job-retried", subject_id=removal.pk).count() == 1


def test_a_retry_of_a_job_that_runs_again_already_changes_nothing(course: Course) -> None:
    job = over(course, None, "failed", attempts=1)
    Job.objects.filter(pk=job.pk).update(state="running", finished=None, attempts=2)
    with pytest.raises(Busy):
        retries.retry(job, by=None)
    assert Job.objects.get(pk=job.pk).state == "running"


# Archives.


def test_archives_are_found_by_state_source_person_course_and_schedule(
    said: Said, course: Course, owner: User
) -> None:
    by_hand, own = stored(course), stored(course, owner)
    run = run_to_its_end(scheduled(course, owner))
    nightly = StoredArchive.objects.get(schedule=run.schedule)
    StoredArchive.objects.filter(pk=by_hand.pk).update(verify_errors=2, verified=timezone.now())
    StoredArchive.objects.filter(pk=own.pk).update(keep=True)

    def numbers(*filters: object) -> set[int]:
        return {one["archive"] for one in said("archives", "list", *filters)[0]["archives"]}

    assert numbers() == numbers("--course", course.pk) == {by_hand.pk, own.pk, nightly.pk}
    assert numbers("--state", "damaged") == {by_hand.pk}
    assert numbers("--state", "good") == numbers("--state", "unverified") == {own.pk, nightly.pk}
    assert numbers("--state", "held") == {own.pk}
    StoredArchive.objects.filter(pk=own.pk).update(missing_contents=1)
    assert numbers("--state", "incomplete") == {own.pk}
    assert numbers("--state", "good") == {nightly.pk}
    assert numbers("--source", "schedule") == numbers("--schedule", run.schedule_id) == {nightly.pk}
    assert numbers("--person", owner.username) == {own.pk, nightly.pk}


def test_an_archive_is_shown_with_its_counts(
    said: Said, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = stored(course)
    data = said("archives", "show", archive.pk)[0]["archive"]
    assert (data["title"], data["size"], data["files"]) == (archive.title, archive.size, 1)
    assert data["jobs"] == [Job.objects.get().pk]
    assert archive.sha256 in "".join(lines(capsys, "archives", "show", archive.pk))


def spoil(archive: StoredArchive) -> None:
    """Cut the stored file short."""
    path = Path(storage.archives().path(archive.file))
    path.write_bytes(path.read_bytes()[:-100])


def test_all_archives_are_verified_and_the_exit_code_tells_of_damage(
    said: Said, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = stored(course), stored(course)
    data, code = said("archives", "verify", "--all")
    assert (data, code) == ({"verified": 2, "damaged": [], "failed": []}, 0)
    assert all(StoredArchive.objects.values_list("verified", flat=True))

    spoil(second)
    data, code = said("archives", "verify", "--all")
    assert code == 3
    assert [one["archive"] for one in data["damaged"]] == [second.pk]
    assert said("archives", "verify", first.pk)[1] == 0
    with pytest.raises(SystemExit):
        lines(capsys, "archives", "verify", second.pk)
    assert "1 verified: 1 damaged, 0 could not be checked." in capsys.readouterr().out


def test_only_archives_that_were_not_verified_for_some_days_are_verified(said: Said, course: Course) -> None:
    old, new, never = stored(course), stored(course), stored(course)
    StoredArchive.objects.filter(pk=old.pk).update(verified=timezone.now() - timedelta(days=40))
    StoredArchive.objects.filter(pk=new.pk).update(verified=timezone.now())
    data, _ = said("archives", "verify", "--all", "--not-verified-for", 30)
    assert data["verified"] == 2
    assert {job.archive_id for job in Job.objects.filter(operation="verify")} == {old.pk, never.pk}


def test_one_check_that_cannot_be_made_does_not_keep_the_others(
    said: Said, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = stored(course), stored(course)
    real = storage.open_stored

    def refuse_first(archive: StoredArchive) -> Any:
        if archive.pk == first.pk:
            raise NotFound("gone") from None
        return real(archive)

    monkeypatch.setattr("vault.storage.open_stored", refuse_first)
    data, code = said("archives", "verify", first.pk, second.pk)
    assert (data["verified"], code) == (2, 3)
    assert [one["archive"] for one in data["damaged"]] == [first.pk]


def test_a_rehearsal_of_pruning_tells_what_would_go_and_why_and_removes_nothing(
    said: Said, course: Course, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = scheduled(course, owner, keep_count=0)
    for _ in range(3):
        run_to_its_end(schedule)
    Schedule.objects.filter(pk=schedule.pk).update(keep_count=2)
    made = list(StoredArchive.objects.order_by("pk").values_list("pk", flat=True))

    data, code = said("archives", "prune", "--dry-run")
    assert (code, data["removed"], data["dry_run"]) == (0, 0, True)
    going = [one for one in data["decisions"] if not one["retained"]]
    assert [(one["archive"], one["reason"]) for one in going] == [(made[0], "2 good archives are newer.")]
    assert StoredArchive.objects.count() == 3
    assert lines(capsys, "archives", "prune", "--dry-run")[-1] == "1 would go, 2 stay."

    data, _ = said("archives", "prune", "--schedule", schedule.pk, "--course", course.pk)
    assert data["removed"] == 1
    assert list(StoredArchive.objects.order_by("pk").values_list("pk", flat=True)) == made[1:]
    assert said("archives", "prune", made[1])[1] == 2


def test_a_course_that_is_removed_while_archives_are_pruned_is_passed_over(
    said: Said, course: Course, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled(course, owner, keep_count=1)
    gone = Course.objects.create(
        category=course.category, contextid=987_001, shortname="gone", fullname="Gone"
    )
    for of in (course, gone):
        for number in (1, 0):
            StoredArchive.objects.create(
                file=f"{of.pk}/{number}", title="a.mbz", course=of, schedule=schedule, size=1, sha256="0" * 64,
                source="schedule", created=timezone.now() - timedelta(days=number),
            )  # fmt: skip
    real = retention.prune

    def remove_other(schedule: Schedule, course: Course) -> Any:
        Course.objects.filter(pk=gone.pk).delete()
        return real(schedule, course)

    monkeypatch.setattr(retention, "prune", remove_other)
    data, code = said("archives", "prune")
    assert (code, data["removed"]) == (0, 1)
    assert len(data["decisions"]) == 2


# Schedules.


def test_schedules_are_found_by_state_owner_and_course(said: Said, course: Course, owner: User) -> None:
    on, off = scheduled(course, owner), scheduled(course, None, enabled=False)
    late = scheduled(course, None)
    late.courses.clear()
    Schedule.objects.filter(pk=late.pk).update(next_run=timezone.now() - timedelta(hours=2))

    def numbers(*filters: object) -> list[int]:
        return [one["schedule"] for one in said("schedules", "list", *filters)[0]["schedules"]]

    assert numbers() == [late.pk, off.pk, on.pk]
    assert numbers("--state", "on") == [late.pk, on.pk]
    assert numbers("--state", "off") == [off.pk]
    assert numbers("--state", "overdue") == [late.pk]
    assert numbers("--person", owner.username) == [on.pk]
    assert numbers("--course", course.pk) == [off.pk, on.pk]


def test_a_schedule_is_run_shown_and_its_jobs_are_cancelled(
    said: Said, course: Course, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = scheduled(course, owner)
    data, code = said("schedules", "run", schedule.pk)
    assert (code, data["runs"][0]["report"]["queued"]) == (0, 1)
    job = Job.objects.get(schedule_entry__run=data["runs"][0]["run"])

    data, _ = said("schedules", "cancel", schedule.pk)
    assert data == {"cancelled": [job.pk], "stopping": []}

    shown = said("schedules", "show", schedule.pk)[0]["schedule"]
    assert (shown["courses"], shown["owner"], len(shown["runs"])) == (1, owner.username, 1)
    assert shown["last_run"]["report"]["cancelled"] == 1
    assert "It covers 1 course" in lines(capsys, "schedules", "show", schedule.pk)[1]
    assert "1 cancelled" in lines(capsys, "schedules", "list")[0]


def test_a_run_of_no_schedule_is_refused(said: Said) -> None:
    assert said("schedules", "run")[1] == 2
    assert said("schedules", "run", 987654)[1] == 6
    assert not ScheduleRun.objects.exists()
