"""The review of a restore is rehearsed by a job, one for the same choices; no page of the wizard opens the archive."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from archive.container import Archive
from archive.manifest import read_manifest
from backup.services import request_backup
from courses import pool
from courses.models import Category, Course, User
from courses.services import create_course
from jobs import queue, runner
from jobs.models import Job
from jobs.result_facts import facts
from restore import rehearsal_jobs, services
from tests.archive import sample
from tests.archives_made import small
from tests.jobs_done import digests, reviewed, row_counts
from tests.people_made import person
from vault import manifests, storage
from vault.models import StoredArchive, StoredManifest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("limits_of_workers")]


@pytest.fixture
def admin() -> User:
    return person("rehearsal.admin", is_superuser=True)


@pytest.fixture
def archive(admin: User, tmp_path: Path) -> StoredArchive:
    """A small archive that the administrator has brought."""
    return stored(small(tmp_path / "a.mbz"), admin)


@pytest.fixture
def client(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def stored(path: Path, by: User) -> StoredArchive:
    return storage.record(storage.put(path, title="a.mbz"), source="upload", created_by=by)


def wanted(archive: StoredArchive, by: User, **options: str) -> rehearsal_jobs.Rehearsable:
    return rehearsal_jobs.rehearsable(archive, by=by, target=new_course(), options=options)


def new_course() -> dict[str, int]:
    return {"category": Category.objects.all()[0].pk}


def choose_target(client: Client, archive: StoredArchive) -> None:
    client.post(reverse("restore-destination", args=[archive.pk]), {"where": "new", **new_course()})


def rehearsals() -> list[Job]:
    return list(Job.objects.filter(operation="rehearse").order_by("pk"))


def test_the_review_is_ready_only_after_a_worker_has_rehearsed_the_restore(
    client: Client, archive: StoredArchive
) -> None:
    choose_target(client, archive)
    before = row_counts()
    page = client.get(reverse("restore-review", args=[archive.pk])).content.decode()
    [job] = rehearsals()
    assert "Ready" not in page
    assert "Perform restore without waiting" in page
    assert '<meta http-equiv="refresh"' in page
    assert 'hx-trigger="every 1s"' in page
    runner.run(job.pk, raising=True)
    page = client.get(reverse("restore-review", args=[archive.pk])).content.decode()
    assert "Ready" in page
    assert "Perform restore without" not in page
    assert '<meta http-equiv="refresh"' not in page
    assert 'hx-trigger="every 1s"' not in page
    job.refresh_from_db()
    assert job.result["ready"] is True
    assert row_counts() == before
    assert rehearsals() == [job]


def test_a_rehearsal_that_finds_an_error_says_that_the_restore_cannot_start(
    client: Client, admin: User, tmp_path: Path
) -> None:
    forum = "activities/forum_31/forum.xml"
    archive = stored(small(tmp_path / "b.mbz", {forum: ("<firstpost>61<", "<firstpost>sixty<")}), admin)
    choose_target(client, archive)
    page = reviewed(client, archive)
    assert "Cannot start" in page
    assert forum in page
    assert 'id="restore-now"' not in page


def test_the_review_offers_to_leave_out_an_activity_that_cannot_be_restored(
    client: Client, admin: User, tmp_path: Path
) -> None:
    forum = "activities/forum_31/forum.xml"
    archive = stored(small(tmp_path / "b.mbz", {forum: ("<firstpost>61<", "<firstpost>sixty<")}), admin)
    choose_target(client, archive)
    assert "Leave out what cannot be restored" in reviewed(client, archive)
    address = reverse("restore-review", args=[archive.pk])
    assert client.post(address, {"leave_out": "1"}).headers["Location"] == address
    page = reviewed(client, archive)
    assert "Ready" in page
    assert "“News” was left out, as chosen" in page
    users = small(tmp_path / "c.mbz", {"users.xml": ("<deleted>0<", "<deleted>none<")})
    archive = stored(users, admin)
    choose_target(client, archive)
    assert "Leave out what cannot be restored" not in reviewed(client, archive)


def test_pages_and_requests_open_no_stored_archive(
    client: Client, archive: StoredArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("an archive is opened in a request")

    monkeypatch.setattr(Archive, "__init__", opened)
    manifests._manifest.cache_clear()
    page = client.get(reverse("restore-inside", args=[archive.pk])).content.decode()
    assert "<b>2</b><span>activities" in page
    assert "<b>2</b><span>people" in page
    choose_target(client, archive)
    for stage in ("settings", "schema"):
        assert client.get(reverse(f"restore-{stage}", args=[archive.pk])).status_code == 200
    client.post(reverse("restore-settings", args=[archive.pk]), {"users": "1"})
    assert client.get(reverse("restore-review", args=[archive.pk])).status_code == 200
    answer = client.post(reverse("restore-review", args=[archive.pk]))
    job = Job.objects.get(operation="restore")
    assert answer.headers["Location"] == reverse("job", args=[job.pk])


def test_the_same_choices_are_rehearsed_once_and_others_end_the_rehearsal(
    archive: StoredArchive, admin: User
) -> None:
    first = rehearsal_jobs.ask(wanted(archive, admin))
    assert rehearsal_jobs.ask(wanted(archive, admin)) == first
    second = rehearsal_jobs.ask(wanted(archive, admin, users="0"))
    first.refresh_from_db()
    assert (first.state, second.state) == ("cancelled", "queued")
    third = rehearsal_jobs.ask(wanted(archive, admin))
    assert third.pk not in (first.pk, second.pk)
    other = person("another.admin", is_superuser=True)
    assert rehearsal_jobs.ask(wanted(archive, other)) != third
    third.refresh_from_db()
    assert third.state == "queued"


def test_a_page_that_only_looks_how_far_it_is_requests_nothing(
    client: Client, archive: StoredArchive, admin: User
) -> None:
    choose_target(client, archive)
    address = reverse("restore-review", args=[archive.pk])
    page = client.get(address, {"waiting": 1}).content.decode()
    assert "Not checked to the end" in page
    assert rehearsals() == []
    client.get(address)
    queue.cancel(rehearsals()[0], by=admin)
    assert "Not checked to the end" in client.get(address).content.decode()
    assert client.post(address, {"check": "1"}).headers["Location"] == address
    assert [job.state for job in rehearsals()] == ["cancelled", "queued"]


def test_a_result_is_not_shown_when_it_is_old_or_something_was_restored_since(
    archive: StoredArchive, admin: User
) -> None:
    job = rehearsal_jobs.ask(wanted(archive, admin))
    runner.run(job.pk, raising=True)
    assert rehearsal_jobs.find(wanted(archive, admin)) == job
    Job.objects.filter(pk=job.pk).update(finished=timezone.now() - timedelta(hours=1))
    assert rehearsal_jobs.find(wanted(archive, admin)) is None
    job = rehearsal_jobs.ask(wanted(archive, admin))
    runner.run(job.pk, raising=True)
    done = services.request_restore(archive, by=admin, target=new_course())
    runner.run(done.pk, raising=True)
    assert rehearsal_jobs.find(wanted(archive, admin)) is None


def test_the_restore_ends_the_rehearsal(client: Client, archive: StoredArchive) -> None:
    choose_target(client, archive)
    client.get(reverse("restore-review", args=[archive.pk]))
    client.post(reverse("restore-review", args=[archive.pk]))
    assert [job.state for job in rehearsals()] == ["cancelled"]


def test_a_rehearsal_stores_no_contents_and_stops_when_it_is_cancelled(
    archive: StoredArchive, admin: User
) -> None:
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))
    job = rehearsal_jobs.ask(wanted(archive, admin))
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    before = row_counts()
    runner.run(job.pk)
    job.refresh_from_db()
    assert not pool.exists(sample.PICTURE_HASH)
    assert row_counts() == before
    assert not Course.objects.filter(fullname="A sample").exists()


def test_the_manifest_of_a_backup_is_stored_with_its_archive(admin: User) -> None:
    course = create_course("M1", "Manifests")
    job = request_backup(course, by=admin, notify=False)
    runner.run(job.pk, raising=True)
    archive = StoredArchive.objects.get()
    copy = StoredManifest.objects.get(archive=archive)
    with services.opened(archive) as opened:
        found = manifests.copied(opened)
        inside = read_manifest(opened)
    assert (copy.people, copy.files, copy.content_bytes) == (found.people, found.files, found.content_bytes)
    assert manifests.manifest_of(archive) == inside
    assert manifests.manifest_of(archive).integrity == inside.integrity


@pytest.mark.parametrize("how", ["merge", "replace"])
def test_the_report_of_a_rehearsal_into_a_course_is_that_of_the_restore(
    how: str, admin: User, archive: StoredArchive
) -> None:
    first = services.request_restore(archive, by=admin, target=new_course())
    runner.run(first.pk, raising=True)
    course = Course.objects.get(fullname="A sample")
    target = {"course": course.pk, **({"replace": True} if how == "replace" else {})}
    job = rehearsal_jobs.ask(rehearsal_jobs.rehearsable(archive, by=admin, target=target, options={}))
    before = digests()
    runner.run(job.pk, raising=True)
    assert digests() == before
    job.refresh_from_db()
    done = services.request_restore(archive, by=admin, target=target)
    runner.run(done.pk, raising=True)
    done.refresh_from_db()
    assert job.result["ready"] is True
    # A rehearsal makes no course, and does not back up what it would replace.
    own = {"course_id", "old_archive", "ready"}
    numbers = {name: value for name, value in job.result.items() if name not in own}
    assert numbers == {name: value for name, value in done.result.items() if name not in own}
    named = {fact.name: fact.text for fact in facts(done.result)}
    if how == "replace":
        assert "2 activities" in named["Removed"]
        assert "1 section" in named["Removed"]
        assert named["Activities"] == "2 come back under the same name"
    else:
        assert named["Here already"].startswith("1 section")
    assert named["People"] == "2 have an account here"


def test_the_report_says_in_numbers_what_a_restore_does(
    client: Client, admin: User, archive: StoredArchive
) -> None:
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))
    options = {"forum_31_included": "0", "course_fullname": "Another"}
    job = rehearsal_jobs.ask(wanted(archive, admin, **options))
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    report = job.result
    assert (report["fullname"], report["archive"]["fullname"]) == ("Another", "A sample")
    # The other person is only in the forum that does not come.
    assert report["people_by"] == {"matched": 0, "created": 1, "left_out": 0, "in_conflict": 0}
    assert report["stays_away"]["activity_titles"] == ["News"]
    kinds = {one["kind"]: one["number"] for one in report["new"]}
    assert (kinds["course_module"], kinds["page"]) == (1, 1)
    assert "forum_post" not in kinds
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "What the restore would do" in page
    assert "Another (" in page
    assert "1 activity (“News”)" in page


def test_the_report_of_a_restore_that_cannot_start_says_who_is_in_conflict(
    admin: User, tmp_path: Path
) -> None:
    person("vera")
    archive = stored(small(tmp_path / "b.mbz", {"users.xml": ("<username>anna<", "<username>vera<")}), admin)
    job = rehearsal_jobs.ask(wanted(archive, admin))
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert job.result["ready"] is False
    assert job.result["people_by"] == {"matched": 0, "created": 1, "left_out": 0, "in_conflict": 1}
