"""The indexes by which archives, and restores, are searched for a part of their names."""

from __future__ import annotations

from courses.models import Course
from courses.text_search import TextIndex, create_statistics
from jobs.models import Job
from vault.models import StoredArchive

ARCHIVES = TextIndex("archive_trigrams", StoredArchive, ("title", "course_title"))
RESTORES = TextIndex("restore_trigrams", Job, ("title",), "operation = 'restore'")


def install() -> None:
    """Create the indexes, and the statistics of courses' names, whose tables are there. Safe to call again."""
    for index in (ARCHIVES, RESTORES):
        index.install()
    # Restores are searched for the names of their courses.
    create_statistics("course", Course, ["fullname"])
