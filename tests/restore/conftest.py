"""Fixtures that several modules of tests of restores share."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.models import Course
from tests.archives_made import small
from tests.jobs_done import back_up, restore


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the rich course, made here, so that its people are people of this site."""
    course = restore(fixtures / "rich1-users.mbz").course
    return back_up(course, tmp_path_factory.mktemp("rich") / "rich.mbz", logs=1, grade_histories=1)


@pytest.fixture
def course(transactional_db: None, tmp_path: Path) -> Course:
    """A course that exists, with a section, a forum and a page."""
    return restore(small(tmp_path / "whole.mbz")).course
