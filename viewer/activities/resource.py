"""File: the main file, and the files that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.codes import DISPLAY
from viewer.page_context import PageContext
from viewer.panels import Panel
from viewer.presentation import Presentation
from viewer.trees import file_tree


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the files to download."""
    yield file_tree(page, "Files", "mod_resource", "content")


MEANINGS: dict[str, dict[Any, str]] = {
    "resource.display": DISPLAY,
    "resource.filterfiles": {1: "all files", 2: "HTML files"},
}

PRESENTATION = Presentation(present, meanings=MEANINGS)
