"""A file: the file itself, and what came with it."""

from __future__ import annotations

from collections.abc import Iterator

from viewer.page_context import Desk
from viewer.panels import Panel
from viewer.presentation import Form
from viewer.trees import file_tree


def present(desk: Desk) -> Iterator[Panel]:
    """The files to download."""
    yield file_tree(desk, "Files", "mod_resource", "content")


FORM = Form(present)
