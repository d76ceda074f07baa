"""Trees of files: folders and the files in them, as downloads."""

from __future__ import annotations

from typing import Any

from courses.models import File
from viewer.page_context import PageContext, readable
from viewer.panels import Entry, Panel

MOST = 500


def file_tree(page: PageContext, title: str, component: str, *areas: str) -> Panel:
    """Return a panel with the files of some areas of the activity's context, as a tree of folders."""
    rows = File.objects.filter(contextid=page.contextid, component=component, filearea__in=areas)
    seen = readable(rows, people=page.people)
    total = seen.exclude(filename=".").count()
    root: dict[str, Any] = {}
    for row in seen.order_by("filepath", "filename", "pk")[:MOST]:
        folder = root
        for name in row.filepath.strip("/").split("/"):
            folder = folder.setdefault(name, {}) if name else folder
        if row.filename != ".":
            folder.setdefault("", []).append(row)
    note = f"The first {MOST} are shown; all of them are among the records." if total > MOST else ""
    return Panel(title, total, entries=_level(root), style="outline", note=note)


def _level(folder: dict[str, Any]) -> tuple[Entry, ...]:
    folders = tuple(Entry(title=f"{name}/", below=_level(inside)) for name, inside in folder.items() if name)
    files = tuple(folder.get("", ()))
    return (*folders, *((Entry(files=files),) if files else ()))
