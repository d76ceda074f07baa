"""The files of records that are compared: folder, name and hash of each, on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive import xml
from restore.context import RestoreContext
from restore.match.candidates import PORTION

FILES = "files.xml"

FilesByItem = dict[tuple[str, str], list[str]]
"""What is said of files, by area ("component/area") and item id."""


class ComparedFiles:
    """The files in some areas, of the archive and of the target course; both are read once, when they are needed."""

    def __init__(self, context: RestoreContext, areas: frozenset[str]) -> None:
        comes = context.selection.allows("files") and FILES in context.archive
        self._context = context
        self._areas = areas if comes else frozenset()
        self._is_read = False
        self.archived: FilesByItem = {}
        self.stored: FilesByItem = {}

    def read(self) -> Iterator[int]:
        """Read the files, unless they are read already; yield 0 now and then, so that a job can be cancelled."""
        if self._is_read or not self._areas:
            return
        self._is_read = True
        yield from self._read_archived()
        yield from self._read_stored()

    def _read_archived(self) -> Iterator[int]:
        renamed = self._context.renamed_contents
        with self._context.archive.open(FILES) as stream:
            for number, record in enumerate(xml.records(stream, member=FILES, tags=("file",)), 1):
                texts = {str(child.tag): child.text or "" for child in record}
                area = f"{texts.get('component')}/{texts.get('filearea')}"
                name, sha1 = texts.get("filename", ""), texts.get("contenthash", "")
                if area in self._areas and name != ".":
                    said = f"{texts.get('filepath', '/')}{name} {renamed.get(sha1, sha1)}"
                    self.archived.setdefault((area, texts.get("itemid", "")), []).append(said)
                if number % PORTION == 0:
                    yield 0
        for files in self.archived.values():
            files.sort()

    def _read_stored(self) -> Iterator[int]:
        course = self._context.target.course
        if course is None:
            return
        rows: Any = course.files.exclude(filename=".")
        rows = rows.filter(component__in={area.partition("/")[0] for area in self._areas})
        names = ("component", "filearea", "itemid", "filepath", "filename", "contenthash")
        for number, row in enumerate(rows.values_list(*names).iterator(), 1):
            component, area, item, path, name, sha1 = row
            if f"{component}/{area}" in self._areas:
                found = self.stored.setdefault((f"{component}/{area}", str(item)), [])
                found.append(f"{path}{name} {sha1}")
            if number % PORTION == 0:
                yield 0
        for files in self.stored.values():
            files.sort()
