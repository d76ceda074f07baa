"""Chaos, a short run: what fails while the site works loses nothing, and the checks of the outcome find what is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup.services import request_backup
from courses import pool
from courses.models import Course
from courses.models.files import EMPTY, File
from demo.chaos import outcome
from demo.chaos.logs import failed_attempts
from demo.samples import make_sample
from jobs import queue, runner
from jobs.models import Job
from tests.clean_environment import said_by
from vault import storage
from vault.models import StoredArchive


@pytest.mark.worker
@pytest.mark.slow
def test_eight_events_lose_nothing() -> None:
    said, done = said_by("demo.chaos", "--seed", "5", "--events", "8", "--minutes", "10")
    assert (said["faults"], done.returncode) == ([], 0), done.stderr
    assert sum(said["events"].values()) == 8
    ended = {state for _, state, _, _ in said["jobs"]}
    assert "succeeded" in ended
    assert ended <= {"succeeded", "failed", "cancelled"}


def test_failed_attempts_are_counted_by_their_last_error(tmp_path: Path) -> None:
    log = """[2027-01-01] ERROR jobs.runner: Job 7 failed in attempt 1.
Traceback (most recent call last):
  File "a.py", line 1, in a
psycopg2.OperationalError: the server is gone
DETAIL:  none

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 2, in b
django.db.utils.OperationalError: the server is gone
\tThis probably means something.
[2027-01-01] WARNING jobs.sweep: Job 8 lost its worker.
ValueError: not of an attempt
[2027-01-01] ERROR jobs.runner: Job 9 failed in attempt 3.
Traceback (most recent call last):
  File "c.py", line 3, in c
KeyError: 'x'
"""
    (tmp_path / "worker-1.log").write_text(log)
    (tmp_path / "worker-2.log").write_text("")
    assert failed_attempts(tmp_path) == {
        "django.db.utils.OperationalError: the server is gone": 1,
        "KeyError: 'x'": 1,
    }


@pytest.fixture
def sample(transactional_db: None, own_storages: Path) -> int:
    """Storages of the test's own, with a course with files, and a good archive of it."""
    course = make_sample("XS", seed=1).course_id
    job = request_backup(Course.objects.get(pk=course), by=None, notify=False)
    runner.run(job.pk, raising=True)
    assert list(outcome.faults([course])) == []
    return course


def only_fault(sample: int) -> str:
    faults = list(outcome.faults([sample]))
    assert len(faults) == 1, faults
    return faults[0]


def a_content() -> str:
    return str(File.objects.exclude(contenthash__in=["", EMPTY]).values_list("contenthash", flat=True)[0])


def test_a_job_that_has_not_ended_is_a_fault(sample: int) -> None:
    queue.request("verify", by=None, notify=False)
    assert "has not ended" in only_fault(sample)


def test_an_archive_whose_file_is_gone_is_a_fault(sample: int) -> None:
    storage.archives().delete(StoredArchive.objects.get().file)
    assert "is called good, and is not" in only_fault(sample)


def test_an_archive_whose_file_was_cut_is_a_fault(sample: int) -> None:
    path = Path(storage.archives().path(StoredArchive.objects.get().file))
    path.write_bytes(path.read_bytes()[:-10])
    assert "is called good, and is not" in only_fault(sample)


def test_an_archive_that_no_job_made_is_a_fault(sample: int) -> None:
    Job.objects.all().delete()
    assert "0 backups succeeded, and there are 1 archives" in only_fault(sample)


def test_a_success_without_an_archive_is_a_fault(sample: int) -> None:
    storage.remove(StoredArchive.objects.get())
    assert [fault.partition(" ")[0] for fault in outcome.faults([sample])] == ["Job", "1"]


def test_a_course_that_no_job_made_is_a_fault(sample: int) -> None:
    assert "no job that succeeded made it" in next(iter(outcome.faults([])))


def test_contents_that_are_gone_or_damaged_are_faults(sample: int) -> None:
    path = Path(pool.storage().path(pool.name_of(a_content())))
    path.write_bytes(b"x")
    assert "damaged" in only_fault(sample)
    path.unlink()
    assert "gone" in only_fault(sample)


def test_a_file_in_the_storage_that_no_row_names_is_a_fault(sample: int) -> None:
    path = Path(storage.archives().path("2026-01/abc/half.mbz"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    assert "no row names it" in only_fault(sample)


def test_a_file_in_the_pool_that_is_no_content_is_a_fault(sample: int) -> None:
    path = Path(pool.storage().path(f"{pool.name_of(a_content())}_half"))
    path.write_bytes(b"half")
    # The sweep of the pool removes what no file names; this is in a folder where it does not look.
    deeper = path.parent / "deeper"
    deeper.mkdir()
    path.rename(deeper / path.name)
    assert "is no content of a file" in only_fault(sample)
