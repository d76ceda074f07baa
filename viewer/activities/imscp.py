"""IMS content package: its table of contents with the files that it leads to, and the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer import unserialised
from viewer.page_context import PageContext, fact
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation
from viewer.trees import file_tree

DEEPEST = 20


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the contents as a tree, then the files."""
    items = unserialised.read(page.content.structure or "")
    if isinstance(items, dict) and items:
        yield Panel("Contents", entries=_items(page, items, 0), style="outline")
    yield file_tree(page, "Package", "mod_imscp", "backup")
    yield file_tree(page, "Files", "mod_imscp", "content")


def _items(page: PageContext, items: dict[Any, Any], depth: int) -> tuple[Entry, ...]:
    found = []
    for item in items.values():
        if not isinstance(item, dict) or depth > DEEPEST:
            continue
        href, inside = str(item.get("href") or ""), item.get("subitems")
        local = href and "://" not in href
        place = f"{page.contextid}/mod_imscp/content/{page.content.revision}/{href}"
        found.append(
            Entry(
                title=str(item.get("title") or href),
                address=("file", place) if local else "",
                facts=() if local or not href else (fact("Address", href),),
                below=_items(page, inside, depth + 1) if isinstance(inside, dict) else (),
            )
        )
    return tuple(found)


PRESENTATION = Presentation(present, own=frozenset({"structure"}))
