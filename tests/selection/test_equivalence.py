"""A selection means the same in a backup and in a restore: the courses that come of both are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from archive.container import open_archive
from archive.manifest import Manifest, read_manifest
from courses.models import Activity, Course
from courses.models.questions import QuestionCategory
from selection.table import options_for
from tests.archives_made import texts
from tests.backup.test_anonymise import EVERYTHING
from tests.jobs_done import back_up, compared, faults, restore

SHARED = sorted(
    {option.name for option in options_for("backup") if option.level == "root" and option.kind == "switch"}
    & {option.name for option in options_for("restore") if option.level == "root"}
)
"""Switches that both operations have."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def manifest(whole: Path) -> Manifest:
    with open_archive(whole) as archive:
        return read_manifest(archive)


def owners(manifest: Manifest) -> list[str]:
    """The sections and activities of an archive, as options name them."""
    found = [f"section_{entry.sectionid}" for entry in manifest.sections]
    return found + [f"{entry.modulename}_{entry.moduleid}" for entry in manifest.activities]


def differences(one: Path, other: Path) -> dict[str, int]:
    """The differences of two archives but for their manifests: these name the options that were on.

    An archive still has the ids of what a condition names and was left out; a course that came of it has not.
    """
    totals = compared(one, other).totals
    return {
        place: times
        for place, times in totals.items()
        if "moodle_backup.xml" not in place
        and not place.endswith((" module/availability", " section/availabilityjson"))
    }


def archives(rich: Course, whole: Path, folder: Path, left_out: set[str]) -> tuple[Path, Path]:
    """The archive without these, and that of the course that comes of the whole one without these."""
    # Badges of an archive come with people and activities only, as in Moodle.
    needs = {"users": {"logs", "grade_histories", "badges"}, "activities": {"grade_histories", "badges"}}
    off: set[str] = left_out.union(*(needs.get(name, set()) for name in left_out))
    asked: dict[str, Any] = dict.fromkeys(sorted(off), 0)
    chosen = back_up(rich, folder / "chosen.mbz", **{**EVERYTHING, **asked})
    return chosen, back_up(
        restore(whole, enrolments="always", **asked).course, folder / "restored.mbz", **EVERYTHING
    )


@settings(max_examples=3, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_a_selection_leaves_out_the_same_at_a_backup_and_at_a_restore(
    transactional_db: None, rich: Course, whole: Path, manifest: Manifest, tmp_path: Path, data: st.DataObject
) -> None:
    some = st.sets(st.sampled_from(owners(manifest)), max_size=8)
    off = {
        *data.draw(st.sets(st.sampled_from(SHARED), max_size=2)),
        *(f"{name}_included" for name in data.draw(some)),
        *(f"{name}_userinfo" for name in data.draw(some)),
    }
    chosen, restored = archives(rich, whole, tmp_path, off)
    assert faults(chosen) == []
    assert differences(chosen, restored) == {}, sorted(off)


def test_the_questions_of_an_activity_that_is_left_out_stay_away(
    transactional_db: None, rich: Course, whole: Path, tmp_path: Path
) -> None:
    own = QuestionCategory.objects.filter(course=rich, contextlevel=70).exclude(name="top")
    quizzes = Activity.objects.filter(contextid__in=own.values("contextid"))
    assert quizzes, "the course has none with questions of its own"
    off = {f"{quiz.modulename}_{quiz.pk}_included" for quiz in quizzes}
    chosen, restored = archives(rich, whole, tmp_path, off)
    assert differences(chosen, restored) == {}
    name = own[0].name
    assert name in texts(whole)["questions.xml"]
    assert name not in texts(restored)["questions.xml"]


def test_the_course_lists_no_question_category_of_an_activity(transactional_db: None, whole: Path) -> None:
    categories = etree.fromstring(texts(whole)["questions.xml"].encode())
    own = {
        one.get("id") for one in categories.iter("question_category") if one.findtext("contextlevel") == "70"
    }
    assert own, "the course has none"
    listed = etree.fromstring(texts(whole)["course/inforef.xml"].encode())
    assert not own & {one.findtext("id") for one in listed.iter("question_category")}
