"""Items: the sections and activities of a course or an archive, each with options of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archive.errors import DamagedArchive
from archive.manifest import Manifest, ManifestSetting
from courses.services import CourseTree
from selection.settings import Item, Settings

_MANIFEST = "moodle_backup.xml"


def items_of_course(outline: CourseTree, *, only: str = "") -> list[Item]:
    """Return the items of a course, each section before its activities; `only` limits them to one item and its content."""
    items: list[Item] = []
    owners = {line.id: line.folder for line in outline.activities}
    for section in outline.sections:
        items.append(Item(section.folder, owners.get(section.under), section.title))
        items += (Item(line.folder, section.folder, line.title) for line in section.activities)
    return list(_subtree(items, only)) if only else items


def items_of_archive(manifest: Manifest) -> list[Item]:
    """Return the items that an archive's manifest lists.

    Raises DamagedArchive if an item is listed twice, or lies in itself or in an unknown item.
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
    _require_tree(items)
    return items


def settings_of_archive(manifest: Manifest) -> dict[str, str]:
    """Return the settings in an archive's manifest, by full name."""
    return {setting.name: setting.value for setting in manifest.settings}


def absent_in(settings: Mapping[str, str]) -> frozenset[str]:
    """Return the options that only some sites have, and that the site of these settings of an archive did not have."""
    return frozenset() if settings.get("competencies") == "1" else frozenset({"competencies"})


def manifest_settings(settings: Settings, *, filename: str = "") -> tuple[ManifestSetting, ...]:
    """Return the settings that a backup writes into the manifest, in the format's order.

    `filename` is the generated name of the archive, used if nobody chose one.
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


def owners_around(items: Iterable[Item], owner: str) -> list[str]:
    """Return the sections and activities around an item, the innermost first."""
    parents = {item.owner: item.parent for item in items}
    found: list[str] = []
    while (above := parents.get(found[-1] if found else owner)) is not None:
        found.append(above)
    return found


def owners_inside(items: Iterable[Item], owner: str) -> set[str]:
    """Return an item and all items below it at any depth."""
    items = list(items)
    inside: set[str] = {owner}
    grown = True
    while grown:
        found = {item.owner for item in items if item.parent in inside}
        grown = not found <= inside
        inside |= found
    return inside


def _subtree(items: Iterable[Item], only: str) -> Iterator[Item]:
    """Yield one item as the root, and all items below it at any depth, in their order."""
    items = list(items)
    inside = owners_inside(items, only)
    for item in items:
        if item.owner in inside:
            yield Item(item.owner, None if item.owner == only else item.parent, item.title)


def _require_tree(items: list[Item]) -> None:
    """Raise DamagedArchive if the items do not form a tree."""
    parents = {item.owner: item.parent for item in items}
    if len(parents) != len(items):
        raise DamagedArchive("A section or activity is listed twice.", where=_MANIFEST)
    for item in items:
        above, seen = item.parent, {item.owner}
        while above is not None:
            if above in seen or above not in parents:
                raise DamagedArchive(
                    f"{item.owner} does not lie in any section of the course.", where=_MANIFEST
                )
            seen.add(above)
            above = parents[above]
