"""Notices of failures: who gets one, at once, once for each job and each run, and never more than the limit says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from archive.errors import NotAllowed
from courses.models import Course, User
from courses.services import create_course
from jobs import operations, queue
from jobs.models import Job, SiteLimit
from notices import failures
from notices.models import Notice, NoticeChoice, WebHook
from tests.people_made import person
from tests.vault.one_by_one import one_by_one
from vault import schedules
from vault.models import Schedule, ScheduleEntry, ScheduleRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(transactional_db: None, by_mail: None) -> User:
    """An administrator who gets notices."""
    return person("ada", is_superuser=True)


def failed(
    by: User | None, *, operation: str = "backup", entry: ScheduleEntry | None = None, **columns: Any
) -> Job:
    """Make a job that fails."""
    job = queue.request(operation, by=by, title="Geology", notify=False, **columns)
    if entry is not None:
        Job.objects.filter(pk=job.pk).update(schedule_entry=entry)
    claimed = queue.claim(job.pk, worker="w")
    assert claimed is not None
    sentence = {"error": "The account nora has no name.", "error_code": "bad", "error_hint": "Give it one."}
    queue.end(queue.mine(claimed), Job.State.FAILED, **sentence)
    return job


def addresses() -> list[str]:
    return sorted(Notice.objects.exclude(address="").values_list("address", flat=True))


def run_of(owner: User | None, *courses: Course) -> list[ScheduleEntry]:
    """Make a run of a schedule over some courses, and return its entries."""
    schedule = Schedule.objects.create(name="Nightly", weekdays=[0], owner=owner)
    run = ScheduleRun.objects.create(
        schedule=schedule, due=timezone.now(), window_from=timezone.now(), started=timezone.now()
    )
    return [
        ScheduleEntry.objects.create(run=run, course=course, title=course.fullname, state="queued")
        for course in courses
    ]


def test_who_asked_for_a_job_and_the_administrators_are_told_of_its_failure_at_once(admin: User) -> None:
    tess = person("tess")
    job = failed(tess)
    assert addresses() == ["ada@example.org", "tess@example.org"]
    notice = Notice.objects.get(person=tess)
    assert "Geology failed" in notice.subject
    for part in ("The account nora has no name. Give it one.", f"/jobs/{job.pk}/", "/notices/"):
        assert part in notice.text


def test_a_job_that_is_done_or_cancelled_or_only_looks_is_no_failure(admin: User) -> None:
    job = queue.request("backup", by=admin, notify=False)
    queue.cancel(job, by=admin)
    claimed = queue.claim(queue.request("backup", by=admin, notify=False).pk, worker="w")
    assert claimed is not None
    queue.end(queue.mine(claimed), Job.State.SUCCEEDED)
    failed(admin, operation="rehearse")
    assert not Notice.objects.exists()


def test_a_run_of_a_schedule_has_one_notice_to_its_owner_however_many_courses_fail(admin: User) -> None:
    owner = person("tess")
    for entry in run_of(owner, create_course("A", "A"), create_course("B", "B")):
        failed(owner, entry=entry, course=entry.course)
    assert addresses() == ["ada@example.org", "tess@example.org"]
    assert "schedule “Nightly”" in Notice.objects.filter(person=owner).get().subject


def refused_run(owner: User | None, *courses: Course) -> ScheduleRun:
    """Run a schedule of some courses whose backups are refused, before there is a job."""

    def refuse(*_: Any, **__: Any) -> Job:
        raise NotAllowed("You may not back up this course.")

    schedule = Schedule.objects.create(name="Nightly", weekdays=[0], scope="list", owner=owner)
    schedule.courses.set(courses)
    return schedules.start_run(schedule, request_all=one_by_one(refuse))


def test_a_run_whose_owner_is_gone_is_told_to_administrators_when_it_finishes(admin: User) -> None:
    run = refused_run(None, create_course("A", "A"), create_course("B", "B"))
    assert run.report["failed"] == 2
    notice = Notice.objects.get()
    assert (notice.key, notice.address) == (f"run:{run.pk}", "ada@example.org")
    for part in ("Nightly", "The person who owned the schedule is gone.", f"/runs/{run.pk}/"):
        assert part in notice.subject + notice.text
    schedules.tally(run)
    assert Notice.objects.count() == 1


def test_a_run_whose_backups_are_all_refused_is_told_to_its_owner_and_a_web_hook(
    admin: User, hook: WebHook
) -> None:
    tess = person("tess", "manager")
    run = refused_run(tess, create_course("A", "A"))
    assert "You may not back up this course." in Notice.objects.get(person=tess).text
    data = Notice.objects.get(hook=hook).data
    assert (data["run"], data["job"], data["state"]) == (run.pk, None, "failed")
    assert data["address"].endswith(f"/runs/{run.pk}/")


def test_an_owner_without_rights_is_told_of_a_failed_run_without_the_names_of_its_courses(
    admin: User,
) -> None:
    tess = person("tess")
    refused_run(tess, create_course("A", "Secret geology"))
    notice = Notice.objects.get(person=tess)
    assert "Secret geology" not in notice.subject + notice.text
    assert "You may not back up this course." in notice.text
    assert "Secret geology" in Notice.objects.get(person=admin).text


def test_a_run_in_which_nothing_failed_has_no_notice(admin: User) -> None:
    schedules.start_run(Schedule.objects.create(name="Nightly", weekdays=[0], scope="list", owner=admin))
    assert ScheduleRun.objects.get().finished is not None
    assert not Notice.objects.exists()


def test_an_incomplete_archive_is_told_as_a_failure(admin: User, hook: WebHook) -> None:
    claimed = queue.claim(queue.request("backup", by=admin, title="Geology", notify=False).pk, worker="w")
    assert claimed is not None
    queue.end(queue.mine(claimed), Job.State.SUCCEEDED, result={"missing_contents": 3})
    notice = Notice.objects.get(person=admin)
    assert "Geology is incomplete" in notice.subject
    assert "3 contents are missing" in notice.text
    assert Notice.objects.get(hook=hook).data["missing"] == 3


def test_failures_of_processes_that_died_are_told_later_and_once(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(operations, "watchers", [])
        patched.setattr(schedules, "_watchers", [])
        job = failed(admin)
        failed(admin, operation="rehearse")
        [entry] = run_of(admin, create_course("A", "A"))
        failed(admin, entry=entry, course=entry.course)
        run = refused_run(None, create_course("B", "B"))
    assert not Notice.objects.exists()
    later = timezone.now() + timedelta(minutes=10)
    assert [failures.catch_up(now=later), failures.catch_up(now=later)] == [3, 0]
    assert set(Notice.objects.values_list("key", flat=True)) == {
        f"job:{job.pk}",
        f"run:{entry.run_id}",
        f"run:{run.pk}",
    }


def test_a_template_of_the_site_with_a_fault_is_not_used(
    admin: User, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "notices").mkdir()
    (folder / "notices" / "failure_subject.txt").write_text("Alarm in {% job.title %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [folder, settings.TEMPLATES[0]["DIRS"][-1]]}]
    failed(admin)
    assert "Geology failed" in Notice.objects.get().subject


def test_a_person_turns_the_notices_off_and_administrators_too(admin: User) -> None:
    tess = person("tess")
    NoticeChoice.objects.create(person=tess, failures=False)
    NoticeChoice.objects.create(person=admin, failures=False)
    failed(tess)
    assert addresses() == []


def test_addresses_of_the_setting_take_the_place_of_those_of_administrators(
    admin: User, settings: Any
) -> None:
    settings.ADMINISTRATOR_ADDRESSES = ["operations@example.org"]
    failed(person("tess"))
    assert addresses() == ["operations@example.org", "tess@example.org"]


def test_an_address_gets_one_notice_though_its_person_is_asked_for_twice(admin: User, settings: Any) -> None:
    settings.ADMINISTRATOR_ADDRESSES = ["Tess@Example.org"]
    failed(person("tess"))
    assert addresses() == ["tess@example.org"]


def test_who_may_not_sign_in_or_has_no_address_gets_nothing(admin: User) -> None:
    tess, stan = person("tess"), person("stan")
    User.objects.filter(pk=tess.pk).update(suspended=True)
    User.objects.filter(pk=stan.pk).update(email="")
    NoticeChoice.objects.create(person=admin, failures=False)
    for one in (tess, stan):
        one.refresh_from_db()
        failed(one)
    assert addresses() == []


def test_without_a_mail_server_and_web_hooks_nothing_waits(transactional_db: None, settings: Any) -> None:
    settings.EMAIL_IS_SET = False
    failed(person("ada", is_superuser=True))
    assert not Notice.objects.exists()


def test_nobody_gets_more_notices_of_failures_in_an_hour_than_the_limit_says(admin: User) -> None:
    SiteLimit.objects.create(name="notices_per_hour", value=2)
    for _ in range(4):
        failed(admin)
    assert Notice.objects.count() == 2
    Notice.objects.update(created=timezone.now() - timedelta(hours=2))
    failed(admin)
    assert Notice.objects.count() == 3


def test_one_persons_failures_use_up_no_notices_of_others(admin: User) -> None:
    SiteLimit.objects.create(name="notices_per_hour", value=2)
    tess, stan = person("tess"), person("stan")
    for _ in range(4):
        failed(tess)
    failed(stan)
    told = Notice.objects.filter(person=admin)
    assert sorted(told.values_list("requester__username", flat=True)) == ["stan", "tess", "tess"]


def test_runs_of_schedules_are_not_limited_and_do_not_count(admin: User) -> None:
    SiteLimit.objects.create(name="notices_per_hour", value=1)
    for name in "ABC":
        [entry] = run_of(admin, create_course(name, name))
        failed(admin, entry=entry, course=entry.course)
    failed(admin)
    failed(admin)
    assert Notice.objects.filter(key__startswith="run:").count() == 3
    assert Notice.objects.filter(key__startswith="job:").count() == 1


def test_a_web_hook_is_told_ids_and_no_word_about_people(hook: WebHook, by_mail: None) -> None:
    course = create_course("A", "Geology")
    tess = person("tess")
    job = queue.request(
        "bring_back_person", by=tess, course=course, title="the work of Stan Test in Forum", notify=False
    )
    claimed = queue.claim(job.pk, worker="w")
    assert claimed is not None
    queue.end(queue.mine(claimed), Job.State.FAILED, error="Stan Test is gone.", error_code="not-found")
    notice = Notice.objects.get(hook=hook)
    said = json.dumps(notice.data) + notice.text
    assert notice.data["job"] == job.pk
    assert notice.data["error"] == "not-found"
    for word in ("Stan", "stan", "tess", "Tess", "example.org", str(tess.pk)):
        assert word not in said


def test_a_notice_that_cannot_be_made_does_not_hold_the_job(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no templates")

    monkeypatch.setattr("notices.failures.text_of", broken)
    job = failed(admin)
    assert Job.objects.get(pk=job.pk).state == Job.State.FAILED


def test_the_end_of_a_job_takes_the_same_number_of_statements_with_many_administrators_known(
    admin: User,
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            failed(admin)
        return len(seen)

    statements()
    before, number = statements(), Notice.objects.count()
    for one in range(20):
        person(f"person{one}", is_superuser=True)
    assert statements() <= before
    assert Notice.objects.count() == number + 21


def test_the_texts_are_replaced_by_templates_of_the_site(
    admin: User, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "notices").mkdir()
    (folder / "notices" / "failure_subject.txt").write_text("Alarm in {{ job.title }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [folder, *settings.TEMPLATES[0]["DIRS"]]}]
    failed(admin)
    assert Notice.objects.get().subject == "Alarm in Geology"
    assert settings.COURSEKEEP_HOME / "templates" in settings.TEMPLATES[0]["DIRS"]
