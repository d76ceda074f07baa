"""Items: the options of real archives' manifests are those of the table, and a course has the same ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archive.container import open_archive
from archive.errors import DamagedArchive
from archive.manifest import Manifest, SectionEntry, read_manifest
from courses.capabilities import EVERYTHING
from courses.services import ActivityLine, Outline, SectionLine
from selection.items import items_of_archive, items_of_course, manifest_settings, settings_of_archive
from selection.resolution import resolve
from selection.settings import Item

ARCHIVES = [
    "rich1-users",
    "rich1-users-zip",
    "rich1-nousers",
    "rich1-section",
    "rich1-activity-forum",
    "generated_s",
]
# Common Cartridge is another format; the name of the file is Moodle's to give.
MOODLES_OWN = {"imscc11", "filename"}


def manifest_of(folder: Path, name: str) -> Manifest:
    with open_archive(folder / f"{name}.mbz") as archive:
        return read_manifest(archive)


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_settings_of_a_real_archive_can_be_asked_for_and_come_out_as_they_were(
    fixtures: Path, name: str
) -> None:
    manifest = manifest_of(fixtures, name)
    asked = {name: value for name, value in settings_of_archive(manifest).items() if name not in MOODLES_OWN}
    settings = resolve(
        asked,
        operation="backup",
        archive_type=manifest.archive_type,
        may=EVERYTHING,
        items=items_of_archive(manifest),
    )
    written = {(each.level, each.owner, each.name, each.value) for each in manifest_settings(settings)}
    archived = {(each.level, each.owner, each.name, each.value) for each in manifest.settings}
    assert {each for each in written ^ archived if each[2] not in MOODLES_OWN} == set()


@pytest.mark.parametrize("name", ARCHIVES)
def test_restoring_a_real_archive_brings_all_that_it_was_made_with(fixtures: Path, name: str) -> None:
    manifest = manifest_of(fixtures, name)
    archived = settings_of_archive(manifest)
    settings = resolve(
        {},
        operation="restore",
        archive_type=manifest.archive_type,
        may=EVERYTHING,
        items=items_of_archive(manifest),
        archive_settings=archived,
    )
    for name, setting in settings.items():
        if name in archived:
            assert setting.text == archived[name], name


def test_the_root_settings_of_a_real_archive_stand_in_the_same_order(fixtures: Path) -> None:
    manifest = manifest_of(fixtures, "rich1-users")
    root = [each.name for each in manifest.settings if each.level == "root" and each.name != "imscc11"]
    settings = resolve({}, operation="backup", may=EVERYTHING)
    written = manifest_settings(settings, filename="course.mbz")
    assert [each.name for each in written] == root
    assert written[0].value == "course.mbz"


def line(number: int, modulename: str) -> ActivityLine:
    return ActivityLine(number, modulename, f"{modulename} {number}", visible=True, indent=0, described=True)


OUTLINE = Outline(
    sections=(
        SectionLine(1, 0, "General", True, (line(7, "forum"), line(9, "subsection"))),
        SectionLine(2, 1, "Inside", True, (line(10, "page"),), under=9),
        SectionLine(3, 2, "Later", True, (line(11, "page"),)),
    ),
    people=0,
    files=0,
    bytes=0,
)


def test_the_items_of_a_course_know_what_they_lie_in() -> None:
    assert items_of_course(OUTLINE) == [
        Item("section_1", None, "General"),
        Item("forum_7", "section_1", "forum 7"),
        Item("subsection_9", "section_1", "subsection 9"),
        Item("section_2", "subsection_9", "Inside"),
        Item("page_10", "section_2", "page 10"),
        Item("section_3", None, "Later"),
        Item("page_11", "section_3", "page 11"),
    ]


@pytest.mark.parametrize(
    ("only", "owners"),
    [
        ("section_1", ["section_1", "forum_7", "subsection_9", "section_2", "page_10"]),
        ("section_2", ["section_2", "page_10"]),
        ("forum_7", ["forum_7"]),
        ("subsection_9", ["subsection_9", "section_2", "page_10"]),
    ],
)
def test_one_section_or_activity_comes_with_what_lies_in_it_and_is_the_top(
    only: str, owners: list[str]
) -> None:
    items = items_of_course(OUTLINE, only=only)
    assert [item.owner for item in items] == owners
    assert [item.owner for item in items if item.parent is None] == [only]


@pytest.mark.parametrize(
    "sections",
    [
        (SectionEntry(5, "A", "sections/section_5"), SectionEntry(5, "B", "sections/section_5")),
        (SectionEntry(214, "A", "sections/section_214", parentcmid=679, modname="forum"),),
        (SectionEntry(5, "A", "sections/section_5", parentcmid=679, modname="page"),),
    ],
)
def test_a_manifest_whose_sections_are_no_tree_is_damaged(
    fixtures: Path, sections: tuple[SectionEntry, ...]
) -> None:
    manifest = replace(manifest_of(fixtures, "rich1-users"), sections=sections)
    with pytest.raises(DamagedArchive, match=r"twice|does not lie"):
        items_of_archive(manifest)
