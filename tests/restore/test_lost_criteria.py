"""Criteria for completing a course whose activity did not come: they name nobody else, and a Moodle leaves them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from archive.container import open_archive
from courses.models import Activity
from courses.models.completion import CompletionCriterion
from tests.jobs_done import back_up, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

ACTIVITY = "4"
"""The type of a criterion on an activity, as in Moodle."""


def test_a_criterion_on_an_activity_that_did_not_come_names_an_activity_that_nobody_gets(
    fixtures: Path, tmp_path: Path
) -> None:
    course = restore(fixtures / "rich1-activity-forum.mbz").course
    lost = CompletionCriterion.objects.filter(within=course, criteriatype=int(ACTIVITY))
    assert lost.count() == 2
    named = {number for number in lost.values_list("moduleinstance", flat=True) if number is not None}
    assert len(named) == 2
    assert not Activity.objects.filter(pk__in=named).exists()
    forum = Activity.objects.get(course=course)
    path = back_up(course, tmp_path / "again.mbz", archive_type="activity", item=forum.pk)
    assert faults(path) == []
    with open_archive(path) as archive:
        root = etree.fromstring(archive.read("completion.xml"))
    told = [
        one for one in root.iter("course_completion_criteria") if one.findtext("criteriatype") == ACTIVITY
    ]
    assert {one.findtext("moduleinstance") for one in told} == {str(number) for number in named}
    assert str(forum.pk) not in {one.findtext("moduleinstance") for one in told}
