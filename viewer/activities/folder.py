"""A folder: its files as a tree."""

from __future__ import annotations

from collections.abc import Iterator

from viewer.page_context import Desk
from viewer.panels import Panel
from viewer.presentation import Form
from viewer.trees import file_tree


def present(desk: Desk) -> Iterator[Panel]:
    """Folders and files."""
    yield file_tree(desk, "Files", "mod_folder", "content")


FORM = Form(present)
