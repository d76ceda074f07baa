"""A folder: its files as a tree."""

from __future__ import annotations

from collections.abc import Iterator

from courses.presentations import Form
from courses.presentations.desk import Desk
from courses.presentations.shapes import Panel
from courses.presentations.trees import file_tree


def present(desk: Desk) -> Iterator[Panel]:
    """Folders and files."""
    yield file_tree(desk, "Files", "mod_folder", "content")


FORM = Form(present)
