"""Items: the sections and activities that have options of their own, of a course and of an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archive.errors import DamagedArchive
from archive.manifest import Manifest, ManifestSetting
from courses.services import Outline
from selection.settings import Item, Settings

_PLACE = "moodle_backup.xml"


def items_of_course(outline: Outline, *, only: str = "") -> list[Item]:
    """The items of a course, each section before its activities; with `only`, that one and what it holds."""
    items: list[Item] = []
    owners = {line.id: line.folder for line in outline.activities}
    for section in outline.sections:
        items.append(Item(section.folder, owners.get(section.under), section.title))
        items += (Item(line.folder, section.folder, line.title) for line in section.activities)
    return list(_inside(items, only)) if only else items


def items_of_archive(manifest: Manifest) -> list[Item]:
    """The items that an archive's manifest lists.

    Raises DamagedArchive if one is listed twice or lies in itself.
    """
    sections = {entry.sectionid for entry in manifest.sections}
    modules = {entry.moduleid for entry in manifest.activities}
    items = [
        Item(
            f"section_{entry.sectionid}",
            f"{entry.modname}_{entry.parentcmid}" if entry.parentcmid in modules else None,
            entry.title,
        )
        for entry in manifest.sections
    ]
    items += (
        Item(
            f"{entry.modulename}_{entry.moduleid}",
            f"section_{entry.sectionid}" if entry.sectionid in sections else None,
            entry.title,
        )
        for entry in manifest.activities
    )
    _refuse_nonsense(items)
    return items


def settings_of_archive(manifest: Manifest) -> dict[str, str]:
    """The options that an archive was made with, by their whole names."""
    return {setting.name: setting.value for setting in manifest.settings}


def manifest_settings(settings: Settings, *, filename: str = "") -> tuple[ManifestSetting, ...]:
    """What the manifest says of a backup's options: those of the format, in its order.

    `filename` is the name that the archive got, where nobody chose one.
    """
    return tuple(
        ManifestSetting(
            setting.option.level,
            setting.name,
            setting.text or (filename if setting.name == "filename" else ""),
            setting.owner,
        )
        for setting in settings.values()
        if setting.option.travels
    )


def _inside(items: Iterable[Item], only: str) -> Iterator[Item]:
    """One item, at the top, and all that lies in it at any depth, in their order."""
    items = list(items)
    inside: set[str] = {only}
    grown = True
    while grown:
        found = {item.owner for item in items if item.parent in inside}
        grown = not found <= inside
        inside |= found
    for item in items:
        if item.owner in inside:
            yield Item(item.owner, None if item.owner == only else item.parent, item.title)


def _refuse_nonsense(items: list[Item]) -> None:
    """Raises DamagedArchive for a tree that is none."""
    parents = {item.owner: item.parent for item in items}
    if len(parents) != len(items):
        raise DamagedArchive("A section or activity is listed twice.", where=_PLACE)
    for item in items:
        above, seen = item.parent, {item.owner}
        while above is not None:
            if above in seen or above not in parents:
                raise DamagedArchive(f"{item.owner} does not lie in any section of the course.", where=_PLACE)
            seen.add(above)
            above = parents[above]
