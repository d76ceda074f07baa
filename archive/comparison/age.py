"""Table of differences that the age of an archive explains: parts that older versions wrote and a restore may leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archive.manifest import ArchiveType, Manifest


@dataclass(frozen=True, slots=True)
class Obsolete:
    """A part of archives of a type below the backup version `before`; `places` matches the member and path, without ids."""

    before: int
    archive_types: frozenset[ArchiveType]
    places: re.Pattern[str]
    says: str


OF_COURSES = (
    "Archives of one section or activity often had the gradebook of the course before Moodle 4;"
    " a restore into a course that exists leaves it out."
)
PARTS: frozenset[ArchiveType] = frozenset({"section", "activity"})

OBSOLETE: tuple[Obsolete, ...] = (
    Obsolete(2022041900, PARTS, re.compile(r"(gradebook|grade_history)\.xml"), OF_COURSES),
    Obsolete(2022041900, PARTS, re.compile(r"activities/\w+/grades\.xml .*/categoryid"), OF_COURSES),
)


def obsolete_in(manifest: Manifest) -> tuple[Obsolete, ...]:
    """Return the parts of an archive that are not read any more."""
    return tuple(
        each
        for each in OBSOLETE
        if manifest.backup_version < each.before and manifest.archive_type in each.archive_types
    )


def explanations(place: str, obsolete: tuple[Obsolete, ...]) -> Iterator[str]:
    """Yield why a difference at a place, a member and a path without ids, is no loss; nothing if it may be one."""
    yield from (each.says for each in obsolete if each.places.match(place))
