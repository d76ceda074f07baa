"""Folder: its files as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.page_context import PageContext
from viewer.panels import Panel
from viewer.presentation import Presentation
from viewer.trees import file_tree


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the folders and files."""
    yield file_tree(page, "Files", "mod_folder", "content")


MEANINGS: dict[str, dict[Any, str]] = {
    "folder.display": {1: "on the course page"},
}

PRESENTATION = Presentation(present, meanings=MEANINGS)
