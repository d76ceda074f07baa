"""What is inside an archive, told without restoring it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.container import open_archive
from archive.inspect import describe, sentences

from . import sample
from .test_container import REAL


def test_the_sample_is_described() -> None:
    with sample.archive_of(sample.members()) as archive:
        description = describe(archive)
    assert (description.archive_type, description.title, description.users) == ("course", "A sample", 2)
    assert (description.files, description.contents, description.contents_size) == (1, 1, len(sample.PICTURE))
    [section] = description.sections
    assert [(each.modulename, each.title, each.with_users) for each in section.activities] == [
        ("forum", "News", True),
        ("page", "Reading", True),
    ]
    assert description.settings["users"] == "1"
    assert description.as_dict()["made"] == "2027-01-15T08:00:00+00:00"


def test_the_rich_course_is_told_as_a_tree_with_its_subsections(fixtures: Path) -> None:
    with open_archive(fixtures / "rich1-users.mbz") as archive:
        description = describe(archive)
    activities = [activity for section in description.sections for activity in section.activities]
    within = [section for activity in activities for section in activity.sections]
    nested = [activity for section in within for activity in section.activities]
    assert len(activities) + len(nested) == sum(description.activity_counts.values()) == 53
    assert {activity.modulename for activity in activities if activity.sections} == {"subsection"}
    assert len(within) == 2
    assert description.users == 49
    assert description.with_users
    assert not description.anonymised


def test_an_archive_of_one_activity_is_called_by_its_name(fixtures: Path) -> None:
    with open_archive(fixtures / "rich1-activity-forum.mbz") as archive:
        description = describe(archive)
    assert description.archive_type == "activity"
    assert description.title.startswith("Fgeneral")
    assert [activity.modulename for activity in description.activities] == ["forum"]


def test_without_people_there_is_no_number_of_them(fixtures: Path) -> None:
    with open_archive(fixtures / "rich1-nousers.mbz") as archive:
        description = describe(archive)
    assert description.users is None
    assert not description.with_users


@pytest.mark.parametrize("name", REAL)
def test_every_real_archive_can_be_described(fixtures: Path, name: str) -> None:
    with open_archive(fixtures / name) as archive:
        lines = list(sentences(describe(archive)))
    assert len(lines) >= 3
