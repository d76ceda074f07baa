"""Uploads: they are looked into by a job, in a process with limits; the file of one that is refused is removed."""

from __future__ import annotations

import io
import random
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from archive import looking
from archive.errors import DamagedArchive, HostileArchive, OutOfMemory, TookTooLong, UsageError
from archive.limits import Limits
from courses.models import User
from jobs import events, queue, runner
from jobs.models import Job, SiteLimit
from restore import uploads
from tests.archives_made import changed, members, packed
from tests.hostile.containers import all_containers
from tests.people_made import person
from vault.models import LooseFile, StoredArchive
from vault.storage import archives, sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return person("upload.admin", is_superuser=True)


def send(data: bytes, admin: User, *, token: str = "") -> Job:
    """Upload bytes as a file, without a worker."""
    sent = uploads.Sent(io.BytesIO(data), "sent.mbz", len(data))
    return uploads.receive(sent, by=admin, token=token, notify=False)


def looked_into(job: Job) -> Job:
    """Do the job and return its row."""
    runner.run(job.pk)
    job.refresh_from_db()
    return job


def test_nothing_is_opened_before_the_job_runs(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = send(packed(members()), admin)
    assert job.state == Job.State.QUEUED
    assert not StoredArchive.objects.exists()
    looked_into(job)
    archive = StoredArchive.objects.get()
    assert (job.state, job.archive, job.result) == ("succeeded", archive, {"archive_id": archive.pk})
    assert (archive.course_title, archive.summary["activities"], archive.created_by) == ("A sample", 2, admin)


@pytest.mark.parametrize("data", [b"", b"no archive", packed(members())[:900]])
def test_a_file_that_is_no_archive_is_removed(data: bytes, admin: User) -> None:
    job = looked_into(send(data, admin))
    assert job.state == Job.State.FAILED
    assert job.error_code in {"not-an-archive", "damaged-archive"}
    assert not LooseFile.objects.exists()
    assert not archives().exists(job.path)


def test_too_little_memory_is_not_called_damage(admin: User, tmp_path: Path) -> None:
    SiteLimit.objects.create(name="look_memory", value=1)
    job = looked_into(send(packed(members()), admin))
    assert (job.state, job.error_code) == (Job.State.FAILED, "out-of-memory")


def test_the_sweep_leaves_the_file_of_an_upload_that_waits_for_its_job(admin: User) -> None:
    job = send(packed(members()), admin)
    LooseFile.objects.update(since=timezone.now() - timedelta(days=3))
    assert sweep() == []
    assert archives().exists(job.path)
    queue.cancel(job, by=admin)
    assert sweep() == [job.path]
    assert not archives().exists(job.path)


def test_an_upload_above_the_limit_is_refused_before_it_is_stored(admin: User) -> None:
    SiteLimit.objects.create(name="upload", value=1)
    with pytest.raises(UsageError, match=r"the most is 1\.0 MB"):
        send(random.Random(1).randbytes(1_200_000), admin)
    assert not Job.objects.exists()
    assert not LooseFile.objects.exists()


def test_the_uploads_of_a_person_have_a_limit_together(admin: User) -> None:
    SiteLimit.objects.create(name="uploads_per_person", value=1)
    StoredArchive.objects.create(file="x", title="x", size=1024 * 1024, created_by=admin, source="upload")
    with pytest.raises(UsageError, match="together"):
        send(packed(members()), admin)


def test_a_form_that_is_sent_twice_stores_one_file(admin: User) -> None:
    first, second = send(packed(members()), admin, token="a1"), send(packed(members()), admin, token="a1")
    assert first.pk == second.pk
    assert LooseFile.objects.count() == 1


def test_the_process_says_what_it_found_or_which_error_it_met(tmp_path: Path) -> None:
    bounds = looking.Bounds(memory=1 << 30, seconds=30, limits=Limits())
    path = tmp_path / "archive.mbz"
    path.write_bytes(packed(members()))
    found = looking.ended(looking.begin(path, bounds))
    assert (found.title, found.archive_type, found.sections, found.activities) == ("A sample", "course", 1, 2)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DamagedArchive):
        looking.ended(looking.begin(path, bounds))
    path.write_bytes(next(one for one in all_containers() if one.group == "a bomb").make())
    with pytest.raises(HostileArchive):
        looking.ended(looking.begin(path, bounds))
    with pytest.raises(OutOfMemory):
        looking.ended(looking.begin(path, looking.Bounds(memory=1 << 20, seconds=30, limits=Limits())))


def test_a_title_that_is_longer_than_a_pipe_does_not_stop_the_job(admin: User) -> None:
    title = "<original_course_fullname>", f"<original_course_fullname>{'long ' * 60_000}"
    job = send(packed(changed(members(), {"moodle_backup.xml": title})), admin)
    seen = 0

    def watch(event: events.Event) -> None:
        nonlocal seen
        seen += 1
        assert seen < 100, "the process waits for its reader"

    runner.run(job.pk, watch=watch)
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.SUCCEEDED, "")


def test_too_little_time_is_not_called_memory(tmp_path: Path) -> None:
    path = tmp_path / "archive.mbz"
    path.write_bytes(packed(members()))
    process = looking.begin(path, looking.Bounds(memory=1 << 30, seconds=600, limits=Limits()))
    process.send_signal(signal.SIGXCPU)
    with pytest.raises(TookTooLong):
        looking.ended(process)


def test_the_process_that_looks_has_the_memory_it_is_given_whatever_its_worker_has(tmp_path: Path) -> None:
    """A worker's own limit is inherited; the administrator may give the look more."""
    asked = {"path": str(tmp_path / "none.mbz"), **asdict(looking.Bounds(1 << 30, 30, Limits()))}
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_DATA, (1 << 28, r.RLIM_INFINITY))\n"
        "from archive import looking\n"
        f"looking.main({asked!r})\n"
        "print(r.getrlimit(r.RLIMIT_DATA)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=looking.ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(1 << 30), done.stderr
