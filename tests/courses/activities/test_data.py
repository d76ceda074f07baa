"""Databases: fields, records and values come in as rows that refer to one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.activities.data import Data, DataContent, DataField, DataRating, DataRecord, DataRecordTag
from courses.models import Comment, File
from tests.courses.activities import scene
from tests.jobs_done import restore

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_database_of_moodle_comes_in_whole(fixtures: Path) -> None:
    path = fixtures / "rich1-section.mbz"
    expected = scene.numbers(path, "activities/data_699/data.xml")
    data = Data.objects.get(owner__course=restore(path).course)
    assert DataField.objects.filter(data=data).count() == expected["field"]
    records = DataRecord.objects.filter(data=data)
    contents = DataContent.objects.filter(record__data=data)
    assert (records.count(), contents.count()) == (expected["record"], expected["content"])
    assert DataRating.objects.filter(record__data=data).count() == expected["rating"]
    tags = DataRecordTag.objects.filter(data=data)
    assert tags.count() == expected["tag"]
    assert set(tags.values_list("itemid", flat=True)) <= set(records.values_list("pk", flat=True))
    assert {content.fieldid for content in contents} == set(DataField.objects.values_list("pk", flat=True))
    assert DataField.objects.get(pk=data.defaultsort).name == "Field text é"
    comments = Comment.objects.filter(contextid=data.owner.contextid, commentarea="database_entry")
    assert comments.exists()
    assert set(comments.values_list("itemid", flat=True)) <= set(records.values_list("pk", flat=True))
    files = File.objects.filter(contextid=data.owner.contextid, filearea="content")
    assert files.exists()
    assert set(files.values_list("itemid", flat=True)) <= set(contents.values_list("pk", flat=True))


@pytest.mark.parametrize("special", [0, -1, -4])
def test_a_sort_order_that_is_no_field_stays(tmp_path: Path, special: int) -> None:
    course = scene.course()
    scene.activity(course, Data, name="D", intro="", defaultsort=special)
    assert Data.objects.get(owner__course=scene.again(course, tmp_path)).defaultsort == special


def test_dates_move_with_the_course(tmp_path: Path) -> None:
    course = scene.course()
    scene.activity(course, Data, name="D", intro="", timeavailablefrom=1_700_000_100, timeviewto=0)
    moved = Data.objects.get(
        owner__course=scene.again(course, tmp_path, course_startdate=str(1_700_000_000 + 86_400))
    )
    assert (moved.timeavailablefrom, moved.timeviewto) == (1_700_086_500, 0)
