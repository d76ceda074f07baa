"""Whether an archive holds a record, answered before records are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archive import xml
from archive.container import Archive
from archive.manifest import Manifest
from archive.numbers import natural
from courses import activities, structure
from courses.structure import Element, Model


@dataclass
class ArchivedRecords:
    """The old ids of records in the activities' own members; those of a model are read when it is first asked for."""

    archive: Archive
    manifest: Manifest
    _ids: dict[Model, frozenset[int]] = field(default_factory=dict)

    def has(self, model: Model, number: int) -> bool:
        """Whether an activity of the archive has a record of a model with this old id."""
        if model not in self._ids:
            self._ids[model] = frozenset(self._read(model))
        return number in self._ids[model]

    def _read(self, model: Model) -> Iterator[int]:
        for modulename, element in _elements_of(model):
            for entry in self.manifest.activities:
                path = f"{entry.directory}/{entry.modulename}.xml"
                if entry.modulename == modulename and path in self.archive:
                    with self.archive.open(path) as stream:
                        for record in xml.records(stream, member=path, tags=(element.tag,)):
                            number = natural(record.get("id", ""))
                            if number is not None:
                                yield number


def _elements_of(model: Model) -> Iterator[tuple[str, Element]]:
    """Yield the types of activity whose own member holds records of a model, each with the record's element."""
    for modulename, content in activities.types().items():
        for element in structure.element(content).walk():
            if element.model is model:
                yield modulename, element
