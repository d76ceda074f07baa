"""The rich course for the tests of copies, imports and the recycle bin."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.models import Course
from tests.jobs_done import restore


@pytest.fixture
def rich(transactional_db: None, fixtures: Path) -> Course:
    """The course of `rich1-users.mbz`, with people and their work."""
    return restore(fixtures / "rich1-users.mbz").course
