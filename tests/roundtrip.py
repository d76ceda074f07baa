"""Backups and restores as tests do them: in this process, by the site itself, through the same jobs as everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backup import runner
from backup.archive.compare import Comparison, compare
from backup.archive.container import open_archive
from backup.models import Job
from backup.services import request_backup
from courses.models import Course
from restore.services import request_restore


def back_up(
    course: Course, path: Path, *, kind: str = "course", item: int | None = None, **options: Any
) -> Path:
    """Back up into a file and return its path."""
    job = request_backup(
        course, by=None, kind=kind, item=item, options=options, path=str(path), doorbell=False
    )
    runner.run(job.pk, raising=True)
    return path


def restore(path: Path, *, target: dict[str, Any] | None = None, **options: Any) -> Course:
    """Restore a file and return the course that came of it."""
    job = request_restore(path, by=None, target=target or {}, options=options, doorbell=False)
    done = runner.run(job.pk, raising=True)
    assert done is not None
    return Course.objects.get(pk=done.result["course_id"])


def findings(course: Course) -> list[str]:
    """What the restore of a course had to say, as codes with messages."""
    job = Job.objects.filter(operation="restore", result__course_id=course.pk).latest("pk")
    return [f"{row.code}: {row.message} {row.place}" for row in job.findings.all()]


def compared(first: Path, second: Path) -> Comparison:
    """What two archives say differently."""
    with open_archive(first) as one, open_archive(second) as other:
        return compare(one, other)
