"""Backups and restores for tests, requested and run in this process as the commands do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.db import connection
from django.test import Client
from django.urls import resolve, reverse

from archive.comparison.compare import Comparison, compare
from archive.container import open_archive
from archive.verify import verify
from backup import anonymise
from backup.services import request_backup
from courses.models import Course, User
from jobs import runner
from jobs.models import Job
from restore import people_jobs
from restore.services import request_restore
from transfer import looks
from vault.models import StoredArchive


class HasHeaders(Protocol):
    """An answer of the site, as the test client gives it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by name."""


RECORDS_OF_JOBS = (
    "jobs_job",
    "config_jobtally",
    "django_session",
    "audit_",
    "notices_",
    "courses_markedstorage",
)


@dataclass(frozen=True)
class Restored:
    """The result of a restore that succeeded."""

    course: Course
    job: Job

    @property
    def findings(self) -> list[str]:
        """The codes of the job's findings, with repetitions."""
        return [finding.code for finding in self.job.findings.all()]


def restore(
    source: Any,
    *,
    by: User | None = None,
    target: Mapping[str, Any] | None = None,
    **options: Any,
) -> Restored:
    """Restore a file or a stored archive. Raises the error of the job."""
    job = request_restore(source, by=by, target=target or {}, options=options, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return Restored(Course.objects.get(pk=job.result["course_id"]), job)


def back_up(
    course: Course,
    path: Path,
    *,
    by: User | None = None,
    archive_type: str = "course",
    item: int | None = None,
    **options: Any,
) -> Path:
    """Back up a course, section or activity into a file and return its path. Raises the error of the job."""
    job = request_backup(
        course, by=by, archive_type=archive_type, item=item, options=options, path=str(path), notify=False
    )
    runner.run(job.pk, raising=True)
    return path


def digests() -> dict[str, str]:
    """Return a digest of the rows of each table, without the tables that `row_counts` leaves out."""
    found = {}
    with connection.cursor() as cursor:
        for table in row_counts():
            rows = f"SELECT md5(t::text) FROM {connection.ops.quote_name(table)} t"
            cursor.execute(f"SELECT md5(string_agg(row, '' ORDER BY row)) FROM ({rows}) AS rows (row)")
            found[table] = cursor.fetchone()[0] or ""
    return found


def job_of(answer: HasHeaders) -> Job:
    """The job to whose page an answer leads."""
    found = resolve(answer.headers["Location"])
    assert found.url_name == "job", answer.headers["Location"]
    return Job.objects.get(pk=found.kwargs["pk"])


def look_at_people() -> None:
    """Do what a worker does with the jobs that find people for a page."""
    found = Job.objects.filter(operation__in=(people_jobs.OPERATION, looks.OPERATION))
    for job in found.filter(state=Job.State.QUEUED):
        runner.run(job.pk)


def reviewed(client: Client, archive: StoredArchive) -> str:
    """Return the review page of a restore after the worker has rehearsed it."""
    address = reverse("restore-review", args=[archive.pk])
    page = client.get(address).content.decode()
    for job in Job.objects.filter(operation="rehearse", state=Job.State.QUEUED):
        assert "Checking" in page
        assert "Ready" not in page
        runner.run(job.pk)
        page = client.get(address).content.decode()
    return page


def compared(first: Path, second: Path) -> Comparison:
    """Return the comparison of two archives."""
    with open_archive(first) as one, open_archive(second) as other:
        return compare(one, other)


def faults(path: Path) -> list[str]:
    """Return the findings of `verify` for a file, as sentences, without those of level `info`."""
    with open_archive(path) as archive:
        return [finding.sentence() for finding in verify(archive) if finding.level != "info"]


def row_counts() -> dict[str, int]:
    """Return the number of rows by table, without `RECORDS_OF_JOBS` and what belongs to the connection."""
    counts = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not table.startswith((*RECORDS_OF_JOBS, anonymise.TABLE)):
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                counts[table] = cursor.fetchone()[0]
    return counts
