"""The groups of an `inforef.xml`, which lists what a section or activity refers to, and the reading of one."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.limits import LARGEST_INFOREF

GROUPS: dict[str, tuple[str, str]] = {
    "user": ("userref", "user"),
    "group": ("groupref", "group"),
    "grouping": ("groupingref", "grouping"),
    "role": ("roleref", "role"),
    "file": ("fileref", "file"),
    "scale": ("scaleref", "scale"),
    "outcome": ("outcomeref", "outcome"),
    "grade_item": ("grade_itemref", "grade_item"),
    "question_category": ("question_categoryref", "question_category"),
}
"""Names of the group element and the entry element by item type, in the order of the file.

Source: format facts, course-inforef.txt.
"""


def read_inforef(archive: Archive, path: str, *, comes: Callable[[str], bool]) -> etree._Element:
    """Return the root of an `inforef.xml` with those groups whose names `comes` takes.

    The others are not held in memory: the list of a course has an entry for each of its people. Raises HostileArchive above
    LARGEST_INFOREF, and as `xml.events` does.
    """

    def forget(root: etree._Element) -> None:
        for group in root:
            if not comes(str(group.tag)):
                # The parser may be inside the last entry.
                del group[:-1]

    root = xml.parse(archive.read(path, most=LARGEST_INFOREF), member=path, between=forget)
    for group in list(root):
        if not comes(str(group.tag)):
            root.remove(group)
    return root
