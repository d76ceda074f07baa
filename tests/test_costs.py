"""Costs of a backup and a restore, counted and not timed: statements, rows, bytes and memory stay within stated bounds.

A bound that has to be raised needs a reason; one that is far above what is counted is lowered.
"""

from __future__ import annotations

import io
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive import spool
from archive.container import open_archive
from courses import bulk, cursors
from courses.activities.forum import ForumDiscussion, ForumPost
from courses.models import Course
from tests.archives_made import small
from tests.jobs_done import back_up, restore

RESTORE_STATEMENTS = 145
"""Statements of a restore of the rich course (53 activities, 7,000 records, 200 files), without those that fetch more rows.

Two of them for each time that ids are reserved: a few at a time cost less than many that are not used.
"""

BACKUP_STATEMENTS = 145
"""The same of its backup, which has 257 kinds of records to look for: the first rows of kinds are read together."""

COPIED_PER_XML = 0.6
"""Bytes of COPY for each byte of XML that is read."""

SIZES = {"tar.gz": 0.997, "zip": 1.0005}
"""How many times as large as Moodle's archive a backup of the rich course may be. A zip has the digests of its members and ids
of seven digits where Moodle's has three: other ids make a kilobyte more or less."""

MORE_MEMORY = 1.2
"""How many times as much memory three times as many posts may take at the peak."""


@dataclass
class Costs:
    """Counts of statements, bytes of COPY, rows and batches during some work."""

    statements: Counter[str] = field(default_factory=Counter)
    copied: int = 0
    fetched: int = 0
    batches: int = 0


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    """The counts of what the test does."""
    found = Costs()
    copy, stream, read = bulk._copy, cursors.stream, cursors._read

    def counted_copy(cursor: Any, sql: str, block: io.BytesIO) -> None:
        found.copied += len(block.getvalue())
        copy(cursor, sql, block)

    def counted_stream(*asked: Any, **how: Any) -> Iterator[list[tuple[Any, ...]]]:
        for batch in stream(*asked, **how):
            found.fetched += len(batch)
            found.batches += 1
            yield batch

    def counted_read(*asked: Any) -> list[tuple[Any, ...]]:
        rows = read(*asked)
        found.fetched += len(rows)
        return rows

    def counted(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        found.statements[sql[:200]] += 1
        return execute(sql, parameters, many, context)

    monkeypatch.setattr(bulk, "_copy", counted_copy)
    monkeypatch.setattr(cursors, "stream", counted_stream)
    monkeypatch.setattr(cursors, "_read", counted_read)
    with connection.execute_wrapper(counted):
        yield found


def xml_bytes(path: Path) -> int:
    """The size of all XML members of an archive."""
    with open_archive(path) as archive:
        return sum(size for name, size in sizes(archive) if name.endswith(".xml"))


def sizes(archive: Any) -> Iterator[tuple[str, int]]:
    """The sizes of the members of an archive."""
    for name in archive.members:
        yield name, len(archive.read(name))


@pytest.mark.django_db(transaction=True)
def test_a_rich_course_is_restored_and_backed_up_in_few_statements(
    costs: Costs, fixtures: Path, tmp_path: Path
) -> None:
    archive = fixtures / "rich1-users.mbz"
    course = restore(archive).course
    assert 80 < costs.statements.total() <= RESTORE_STATEMENTS, costs.statements.most_common(5)
    share = costs.copied / xml_bytes(archive)
    assert 0 < share <= COPIED_PER_XML
    costs.statements.clear()
    back_up(course, tmp_path / "again.mbz")
    assert 80 < costs.statements.total() <= BACKUP_STATEMENTS, costs.statements.most_common(5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("container", SIZES)
def test_a_backup_is_as_small_as_moodles_archive_of_the_course(
    fixtures: Path, tmp_path: Path, container: str
) -> None:
    moodles = {"tar.gz": "rich1-users.mbz", "zip": "rich1-users-zip.mbz"}
    archive = fixtures / moodles[container]
    again = back_up(restore(archive).course, tmp_path / "again.mbz", container=container)
    assert again.stat().st_size <= SIZES[container] * archive.stat().st_size


@pytest.mark.django_db(transaction=True)
def test_each_row_is_fetched_once(costs: Costs, tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    back_up(course, tmp_path / "b.mbz")
    few, few_batches, costs.fetched, costs.batches = costs.fetched, costs.batches, 0, 0
    posts(course, 3_000)
    back_up(course, tmp_path / "c.mbz")
    assert costs.fetched == few + 3_000
    assert costs.batches <= few_batches + 10


@pytest.mark.django_db(transaction=True)
def test_many_posts_take_hardly_more_memory_than_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cursors, "MANY", 100)
    # The blocks that wait for threads are at most so many, but more or fewer each time.
    monkeypatch.setattr(spool, "LONG", 1 << 40)
    course = restore(small(tmp_path / "a.mbz")).course
    back_up(course, tmp_path / "b.mbz")  # What is compiled once is there from now on.
    posts(course, 6_000)
    # How many of the batches that are fetched ahead are there at once is another matter each time, for few posts as for many:
    # the most that few take is compared with the least that many take.
    few = max(peak(lambda: back_up(course, tmp_path / "few.mbz")) for _ in range(3))
    posts(course, 12_000)
    many = min(peak(lambda: back_up(course, tmp_path / "many.mbz")) for _ in range(3))
    assert many < MORE_MEMORY * few


def posts(course: Course, many: int) -> None:
    """Write so many posts of 1,000 characters into a discussion of a course."""
    discussion = ForumDiscussion.objects.filter(forum__owner__course=course)[0]
    author = ForumPost.objects.filter(discussion=discussion)[0].userid
    ForumPost.objects.bulk_create(
        ForumPost(discussion=discussion, userid=author, subject=f"Post {number}", message="Hello " * 160)
        for number in range(many)
    )


def peak(work: Callable[[], object]) -> int:
    """The most memory in bytes that Python's objects took during some work, beyond what they took before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
