"""An archive with people restored without them: nothing of their work comes, and all that is the course's own does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from archive.container import open_archive
from courses import structure
from courses.models import Course, File
from tests.jobs_done import back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)

Named = Counter[tuple[str, str, str, str]]


def _in_archive(path: Path) -> Named:
    """The files of an archive: component, area, name and hash."""
    with open_archive(path) as archive:
        root = etree.fromstring(archive.read("files.xml"))
    found = (
        (
            file.findtext("component") or "",
            file.findtext("filearea") or "",
            file.findtext("filename") or "",
            file.findtext("contenthash") or "",
        )
        for file in root.iter("file")
    )
    return Counter(each for each in found if each[2] != ".")


def _on_site(course: Course) -> Named:
    found = File.objects.filter(course=course).exclude(filename=".")
    return Counter(found.values_list("component", "filearea", "filename", "contenthash"))


def test_files_of_peoples_work_stay_out(fixtures: Path) -> None:
    course = restore(fixtures / "rich1-users.mbz", users="0").course
    expected = _in_archive(fixtures / "rich1-nousers.mbz")
    # Badges come with people only, as in Moodle.
    expected = Counter({each: count for each, count in expected.items() if each[0] != "badges"})
    assert _on_site(course) == expected


def test_no_record_of_peoples_work_comes(fixtures: Path) -> None:
    restore(fixtures / "rich1-users.mbz", users="0")
    for model in structure.archived_models():
        if (
            model.archive_meta.userdata
            and not model.archive_meta.person
            and not model.archive_meta.archive_paths
        ):
            assert not model._base_manager.exists(), model


def test_a_backup_without_people_has_the_files_that_moodle_has_in_its_own(
    fixtures: Path, tmp_path: Path
) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    path = back_up(course, tmp_path / "without.mbz", users="0")
    assert _in_archive(path) == _in_archive(fixtures / "rich1-nousers.mbz")
