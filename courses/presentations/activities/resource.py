"""A file: the file itself, and what came with it."""

from __future__ import annotations

from collections.abc import Iterator

from courses.presentations import Form
from courses.presentations.desk import Desk
from courses.presentations.shapes import Panel
from courses.presentations.trees import file_tree


def present(desk: Desk) -> Iterator[Panel]:
    """The files to download."""
    yield file_tree(desk, "Files", "mod_resource", "content")


FORM = Form(present)
