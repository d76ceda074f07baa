"""A backup, a description and a restore of the same archive count the same, and so do the pages of their jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.container import open_archive
from archive.inspect import describe
from courses.models import Activity
from jobs.models import Job
from tests.jobs_done import back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)

ARCHIVES = (
    "rich1-users",
    "rich1-nousers",
    "rich1-section",
    "rich1-activity-forum",
    "novel",
    "moodle5/real-5.0.3-coderunner",
    "older/availability_26_format",
    "older/moodle_28_quiz",
    "older/moodle_311_quiz",
    "older/question_category_34_format",
)
COUNTED_BY_BOTH = ("records", "files", "contents", "people", "activities", "sections")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share what was committed, so that the people are there already."""


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_backup_and_a_restore_of_it_count_the_same(name: str, fixtures: Path, tmp_path: Path) -> None:
    first = restore(fixtures / f"{name}.mbz")
    kind = first.job.result["kind"]
    item = None
    if kind == "section":
        item = first.course.sections.get().pk
    elif kind == "activity":
        item = Activity.objects.get(course=first.course).pk
    path = back_up(first.course, tmp_path / "a.mbz", archive_type=kind, item=item)
    made = Job.objects.filter(operation="backup").latest("pk")
    again = restore(path).job
    assert {each: made.result[each] for each in COUNTED_BY_BOTH} == {
        each: again.result[each] for each in COUNTED_BY_BOTH
    }
    with open_archive(path) as archive:
        said = describe(archive)
    assert (said.users or 0, said.files, said.contents, sum(said.activity_counts.values())) == (
        made.result["people"],
        made.result["files"],
        made.result["contents"],
        made.result["activities"],
    )
    assert (made.records, again.records) == (made.result["records"], again.result["records"])
