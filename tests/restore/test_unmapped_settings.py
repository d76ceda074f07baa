"""Settings whose ids nobody described are found with as many queries however many sections there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from archive.findings import Finding
from courses.models import Section, SectionFormatOption
from courses.services import create_course
from restore.unmapped_settings import report_unmapped

pytestmark = pytest.mark.django_db


def looked_at(number: int, format_name: str) -> tuple[int, list[str]]:
    """The number of queries for a course with so many sections that have an option, and the places of the findings."""
    course = create_course(f"G{number}{format_name}", "Geography")
    sections = [Section.objects.create(course=course, number=one) for one in range(1, number + 1)]
    for section in sections:
        SectionFormatOption.objects.create(
            section=section, format=format_name, name="firstactivity", value="31"
        )
    ids = SimpleNamespace(
        olds_of=lambda item_type, news: {new: sections.index(Section(pk=new)) for new in news},
        known=lambda item_type, number: number + 1,
    )
    context: Any = SimpleNamespace(course=course, ids=ids, target=SimpleNamespace(course=None))
    with CaptureQueriesContext(connection) as captured:
        found = [one.place for one in report_unmapped(context) if isinstance(one, Finding)]
    return len(captured), found


def test_the_sections_are_asked_for_together() -> None:
    few, found = looked_at(2, "clouds")
    assert found == ["sections/section_0/section.xml", "sections/section_1/section.xml"]
    assert looked_at(30, "clouds")[0] == few


def test_options_of_moodles_own_formats_are_no_ids() -> None:
    assert looked_at(3, "topics")[1] == []
