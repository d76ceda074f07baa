"""Reads all `inforef.xml` files of an archive as one list.

Writers differ in which of these files lists an item, and readers take the items of all of them. So they are compared as one.
"""

from __future__ import annotations

from collections import Counter

from archive import xml
from archive.comparison.identities import Identities
from archive.container import Archive

INFOREF = "inforef.xml"
SUFFIX = "ref"


def is_listing(path: str | None) -> bool:
    """True for the path of an `inforef.xml`."""
    return path is not None and path.rpartition("/")[2] == INFOREF


def listed_items(archive: Archive, known: Identities) -> Counter[tuple[str, str]]:
    """Count the listed items by item type and token; items that the archive does not hold are left out."""
    found: Counter[tuple[str, str]] = Counter()
    for path in archive.members:
        if not is_listing(path):
            continue
        with archive.open(path) as stream:
            root = xml.parse(stream, member=path)
        for group in root:
            item_type = str(group.tag).removesuffix(SUFFIX)
            for entry in group:
                token = known.token(item_type, entry.findtext("id") or "")
                if token is not None:
                    found[item_type, token] += 1
    return found
