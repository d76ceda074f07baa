"""Opaque elements that a course has already keep their links when an archive is added to the course."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.models import OpaqueElement
from tests.archives_made import small
from tests.jobs_done import restore

pytestmark = pytest.mark.django_db(transaction=True)

LINKS = "<note>$@FORUMVIEWBYID*31@$ and $@FORUMVIEWBYID*99@$</note>"


def test_links_in_opaque_elements_of_the_target_stay_as_they_are(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    there = OpaqueElement.objects.create(course=course, item_type="course", record=course.pk, xml=LINKS)
    restore(small(tmp_path / "b.mbz"), target={"course": course.pk})
    assert OpaqueElement.objects.get(pk=there.pk).xml == LINKS
