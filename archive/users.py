"""Read from an archive who its people are: `users.xml`, and the lists of people in each `inforef.xml`."""

from __future__ import annotations

from collections.abc import Iterator

from archive import layout, xml
from archive.container import Archive
from archive.details import PersonDetail, details_of
from archive.inforef import GROUPS
from archive.numbers import whole_or

USERS = "users.xml"


def details_in_archive(archive: Archive, *, single_names: bool = False) -> Iterator[PersonDetail]:
    """Yield the details of the people of an archive, from its `users.xml`; none if it has no people."""
    if USERS not in archive:
        return
    with archive.open(USERS) as stream:
        for user in xml.records(stream, member=USERS, tags=("user",)):
            number = user.get("id", "")
            if xml.is_id(number):
                columns = {str(leaf.tag): leaf.text for leaf in user if leaf.text != xml.NULL}
                yield from details_of(whole_or(number), columns, single_names=single_names)


def people_listed(archive: Archive, directory: str) -> frozenset[int]:
    """Return the ids of the people whom the `inforef.xml` of a section, activity or block lists; none without that file."""
    path = f"{directory}/{layout.INFOREF}"
    if path not in archive:
        return frozenset()
    return listed_people(archive.read(path), member=path)


def listed_people(inforef: bytes, *, member: str = layout.INFOREF) -> frozenset[int]:
    """Return the ids of the people whom an `inforef.xml` lists. Raises DamagedArchive for malformed XML."""
    group, entry = GROUPS["user"]
    numbers = (
        found.text or "" for found in xml.parse(inforef, member=member).iterfind(f"{group}/{entry}/id")
    )
    return frozenset(whole_or(number) for number in numbers if xml.is_id(number))
