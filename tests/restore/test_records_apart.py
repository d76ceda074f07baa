"""A restore is the same whether long members are read in this process or in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive import records_apart
from archive.container import ArchiveWriter, open_archive
from courses.models import OpaqueElement
from jobs.models import Job
from tests.jobs_done import back_up, compared, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 10_000
"""Bytes of the members that are read apart here: those of the quizzes, the forums, the people and the files among them."""


@pytest.mark.parametrize("name", ["rich1-users", "novel"])
def test_a_course_is_the_same_whoever_parses_it(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    made, stored, told = [], [], []
    for number, long in enumerate((records_apart.LONG, LONG)):
        monkeypatch.setattr(records_apart, "LONG", long)
        done = restore(fixtures / f"{name}.mbz", enrolments="always")
        made.append(back_up(done.course, tmp_path / f"{number}.mbz"))
        stored.append(
            sorted(OpaqueElement.objects.filter(course=done.course).values_list("item_type", flat=True))
        )
        told.append(done.job.result["records"])
    found = compared(*made)
    assert (found.totals, found.leaves.lost) == ({}, {})
    assert stored[0] == stored[1]
    assert told[0] == told[1]
    assert faults(made[1]) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"<message>", b"<message><![CDATA[", "malformed"),
        (b"<userid>", b"<userid>x", "userid"),
    ],
)
def test_a_fault_in_a_long_member_is_said_in_the_same_words(
    changed: Any, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes, words: str
) -> None:
    path = changed(old, new)
    said = []
    for long in (records_apart.LONG, 0):
        monkeypatch.setattr(records_apart, "LONG", long)
        with pytest.raises(Exception, match=words) as caught:
            restore(path)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert not Job.objects.filter(state="done").exists()


@pytest.fixture
def changed(fixtures: Path, tmp_path: Path) -> Any:
    """Makes an archive with a fault in its forum."""

    def made(old: bytes, new: bytes) -> Path:
        target = tmp_path / "changed.mbz"
        with (
            open_archive(fixtures / "rich1-activity-forum.mbz") as archive,
            ArchiveWriter(target, date=1_700_000_000) as writer,
        ):
            for path in archive.members:
                data = archive.read(path)
                with writer.member(path) as stream:
                    stream.write(data.replace(old, new, 1) if path.endswith("/forum.xml") else data)
            writer.finish()
        return target

    return made
