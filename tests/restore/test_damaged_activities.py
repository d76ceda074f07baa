"""One bad value in one activity stops the restore, or the activity is left out: chosen by `damaged_activities`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.errors import CoursekeepError
from archive.findings import errors_among
from courses.models import Activity
from restore import services
from tests.archives_made import Change, small
from tests.jobs_done import digests, restore

pytestmark = pytest.mark.django_db(transaction=True)

FORUM, PAGE = "activities/forum_31/forum.xml", "activities/page_32/page.xml"
FAULTS: dict[str, dict[str, Change]] = {
    "a number that is none": {FORUM: ("<firstpost>61<", "<firstpost>sixty<")},
    "an id that is there twice": {FORUM: ('<post id="62"', '<post id="61"')},
    "XML that ends too early": {FORUM: b"<activity><forum>"},
    "no module": {"activities/forum_31/module.xml": None},
    "another type": {"activities/forum_31/module.xml": ("<modulename>forum<", "<modulename>quiz<")},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_activity_is_left_out_if_chosen_and_told(fault: str, tmp_path: Path) -> None:
    restore(small(tmp_path / "people.mbz"))  # so that nobody is new in one of the two restores only
    path = small(tmp_path / "a.mbz", FAULTS[fault])
    before = digests()
    with pytest.raises(CoursekeepError):
        restore(path)
    assert digests() == before
    done = restore(path, damaged_activities="leave_out")
    assert [one.modulename for one in Activity.objects.filter(course=done.course)] == ["page"]
    [finding] = done.job.findings.filter(code="activity-left-out")
    assert finding.message.startswith("“News” was left out, as chosen, since it cannot be restored: ")
    assert finding.place.startswith("activities/forum_31/")
    assert done.job.result["stays_away"]["activity_titles"] == ["News"]
    alone = restore(small(tmp_path / "b.mbz"), forum_31_included="0", only_needed="0")
    assert done.job.result["new"] == alone.job.result["new"]


def test_the_rehearsal_says_the_same(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", FAULTS["a number that is none"])
    before = digests()
    _, found, report = services.check(path, by=None, target={}, options={"damaged_activities": "leave_out"})
    assert digests() == before
    done = restore(path, damaged_activities="leave_out")
    assert sorted(one.code for one in found) == sorted(done.findings)
    assert errors_among(found) == []
    assert report["new"] == done.job.result["new"]
    _, found, _ = services.check(path, by=None, target={}, options={})
    assert [one.code for one in errors_among(found)] == ["invalid-value"]


def test_all_damaged_activities_are_left_out_and_what_is_not_in_an_activity_stops_the_restore(
    tmp_path: Path,
) -> None:
    both = {**FAULTS["a number that is none"], PAGE: b"<activity><page>"}
    done = restore(small(tmp_path / "a.mbz", both), damaged_activities="leave_out")
    assert not Activity.objects.filter(course=done.course).exists()
    assert done.findings.count("activity-left-out") == 2
    elsewhere = {"users.xml": ("<deleted>0<", "<deleted>none<")}
    before = digests()
    with pytest.raises(CoursekeepError):
        restore(small(tmp_path / "b.mbz", {**both, **elsewhere}), damaged_activities="leave_out")
    assert digests() == before
