"""Fixtures of the tests of selections."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.models import Course
from tests.backup.test_anonymise import EVERYTHING, rich_course
from tests.jobs_done import back_up


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Course:
    """The rich course, restored once for the tests of a module."""
    return rich_course(fixtures)


@pytest.fixture(scope="module")
def whole(rich: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of everything."""
    return back_up(rich, tmp_path_factory.mktemp("whole") / "a.mbz", **EVERYTHING)
