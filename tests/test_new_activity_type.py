"""A new activity type is one new file: the very one that docs/new-activity-type.md shows, taken through a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from archive.container import open_archive
from backup import completeness as archive_completeness
from courses import activities, completeness, links, registry, schema
from courses.format_page import document
from courses.models import Course
from tests.exhaustive import Exhaustive
from tests.guides import code_after, installed
from tests.jobs_done import back_up, compared, restore
from tests.strict_comparison import StrictComparison, wrongly_written
from tests.test_exhaustive import forget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def poll(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The example of the page as a module of `courses.activities`, with its tables; all gone afterwards."""
    source = code_after("new-activity-type.md", "`courses/activities/poll.py`")
    with installed(activities, "poll", source, tmp_path_factory.mktemp("guide")) as module:
        yield module


def test_the_file_of_the_page_is_all_that_a_new_type_needs(poll: Any, tmp_path: Path) -> None:
    assert list(completeness.gaps()) == []
    assert list(archive_completeness.gaps()) == []
    assert activities.types()["poll"] is poll.Poll
    assert "## activities/poll_ID/poll.xml" in document()
    made = Exhaustive(1)
    first = back_up(made.make(), tmp_path / "first.mbz", moodle="as_is")
    assert made.rows[poll.PollVote]
    forget(Course.objects.get())
    done = restore(first)
    assert poll.PollVote.objects.count() == len(made.rows[poll.PollVote])
    assert "kept" not in done.findings
    second = back_up(done.course, tmp_path / "second.mbz", moodle="as_is")
    assert compared(first, second).equal
    with open_archive(first) as one, open_archive(second) as other:
        assert (
            wrongly_written(
                one, {model: made.rows[model] for model in (poll.Poll, poll.PollOption, poll.PollRemark)}
            )
            == []
        )
        assert StrictComparison(one, other).run() == []
        assert list(schema.violations(other)) == []


def test_its_links_become_tokens_and_links_again(poll: Any) -> None:
    address = f'<a href="{settings.SITE_URL}/mod/poll/view.php?id=5&amp;option=7">x</a>'
    token = links.encode(address, root=settings.SITE_URL)
    assert token == '<a href="$@POLLOPTION*5*7@$">x</a>'


def test_without_the_file_the_type_is_kept_as_it_came(poll: Any, tmp_path: Path) -> None:
    made = Exhaustive(2)
    first = back_up(made.make(), tmp_path / "first.mbz", moodle="as_is")
    forget(Course.objects.get())
    all_types = activities.types()
    all_types.pop("poll")
    done = restore(first)
    assert "kept" in done.findings
    assert poll.Poll.objects.count() == 0
    second = back_up(done.course, tmp_path / "second.mbz", moodle="as_is")
    assert compared(first, second).leaves.share == 1
    # The file is here again; what was kept before goes on being written as it is.
    registry.clear_derived()
    third = back_up(done.course, tmp_path / "third.mbz", moodle="as_is")
    assert compared(second, third).equal
