"""The described records of a member by the names of their elements, for readers of any archive's XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from courses import registry
from courses.fields import ArchiveField
from courses.members import description_of
from courses.structure import Element


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """The description of the records with one name in a member.

    `userdata` and `personal` as in `ArchiveMeta`; `fields` by the names of leaves and attributes. `names` are all elements
    that may be in a record: leaves, echoes, wrappers and nested records.
    """

    userdata: bool = False
    personal: bool = False
    fields: Mapping[str, ArchiveField] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


def records_of(path: str) -> Mapping[str, MemberRecord]:
    """Return the described records of a member, given its path in an archive, by the names of their elements.

    Records of several models that have one name are one: userdata if any of them is. Empty for an opaque member.
    """
    description = description_of(path)
    return _records_of(description.path) if description else {}


@registry.derived
def _records_of(path: str) -> Mapping[str, MemberRecord]:
    description = description_of(path)
    found: dict[str, MemberRecord] = {}
    for element in description.elements() if description else ():
        found[element.tag] = _joined(found.get(element.tag, MemberRecord()), element)
    return found


def _joined(record: MemberRecord, element: Element) -> MemberRecord:
    """Return the description of a name with this element added to it."""
    meta = element.model.archive_meta
    fields = {leaf.tag: leaf for leaf in (*element.attributes, *element.leaves)}
    return MemberRecord(
        record.userdata or meta.userdata,
        record.personal or meta.personal,
        {**fields, **record.fields},
        record.names.union(element.inside()),
    )
