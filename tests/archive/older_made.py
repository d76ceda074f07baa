"""Read handmade members as archives of older versions."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from archive import versions
from archive.container import open_archive


def modern_of(folder: Path, version: int, member: str, text: str, **others: str) -> etree._Element:
    """Return the root of a member, as read from an archive of `version`; `others` are more members, with `__` for a slash."""
    for name, content in {
        member: text,
        **{path.replace("__", "/"): xml for path, xml in others.items()},
    }.items():
        path = folder / (name if name.endswith(".xml") else f"{name}.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with open_archive(folder) as archive:
        versions.modernise(archive, version)
        return etree.fromstring(archive.read(member))
