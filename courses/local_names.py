"""References between records of one member, by the names that plugins give them: `gradeid` of a record in `assign.xml`.

They hold for opaque elements of described records: a plugin's part of a grade, or what a later version has more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from archive import layout, references, xml
from courses import registry
from courses.fields import ArchiveField, Ref
from courses.members import Described, described
from courses.structure import Element, item_type_of


@dataclass(slots=True)
class LocalNames:
    """The names by which opaque elements of a record refer to records of the same member, each with the item type.

    Those in `names` end in "id" and are references wherever they stand: `gradeid`. `of_record` are the other names by which
    described records refer to the record around them. Such a name may be anything else too (`grade` is a number), so it is a
    reference only in a plugin's part of the record, and only if the value is the record's id.
    """

    names: dict[str, str] = field(default_factory=dict)
    of_record: dict[str, str] = field(default_factory=dict)

    def references(self, element: etree._Element, record: str) -> Iterator[tuple[etree._Element, str]]:
        """Yield the leaves of an opaque element that are such references, each with its item type.

        `record` is the id of the record around the element, as the archive has it. What the element itself has records for is
        left out: a plugin's own answers, which keep their ids.
        """
        own: set[str] | None = None
        of_record = self.of_record if references.is_plugin_part(str(element.tag)) else {}
        for node in element.iter(etree.Element):
            name, value = str(node.tag), node.text or ""
            item_type = self.names.get(name) or (of_record.get(name, "") if value == record else "")
            if not item_type or len(node) or not xml.is_id(value) or value == "0":
                continue
            if own is None:
                own = {f"{inner.tag}id" for inner in element.iter(etree.Element) if inner.get("id")}
            outer = node.getparent()
            around = str(outer.tag) if outer is not None else ""
            if name not in own and references.in_opaque(around, name) is None:
                yield node, item_type


@registry.derived
def local_names() -> Mapping[str, LocalNames]:
    """Return the local names by the item type of the record that has the opaque element, or by its name as a top."""
    found: dict[str, LocalNames] = {}
    for member in described():
        names = dict(_names(member))
        records = {element.item_type: element for element in member.elements()}
        for place in (*records, layout.top(member.member.scope, member.member.path)):
            there = found.setdefault(place, LocalNames(dict(names)))
            # Of a record that several members have, the names that mean the same in all of them.
            there.names = {name: kind for name, kind in there.names.items() if names.get(name) == kind}
            if place in records:
                tag = records[place].tag
                there.of_record |= {
                    name: place for name, elements in references.names_of_records().items() if tag in elements
                }
    return found


def _names(member: Described) -> Iterator[tuple[str, str]]:
    """Yield the names with "id" at their end that stand for one item type of the member, and for nothing else in it."""
    targets: defaultdict[str, set[str]] = defaultdict(set)
    for element in member.elements():
        if element.model.archive_meta.numbered:
            targets[f"{element.tag}id"].add(element.item_type)
    there = {element.item_type for element in member.elements()}
    for element in member.elements():
        for name, item_type in _leaves(element):
            if name.endswith("id") and name != "id":
                targets[name].add(item_type)
    elsewhere = {one.name for one in references.described().values() if one.form != "id"}
    for name, item_types in targets.items():
        if len(item_types) == 1 and item_types <= there and name not in elsewhere:
            yield name, next(iter(item_types))


def _leaves(element: Element) -> Iterator[tuple[str, str]]:
    """Yield the names in a record, each with the item type to which it refers; "" if it is no reference of one item type."""
    for column in (*element.attributes, *element.leaves):
        yield column.tag, _referred(column)
    for echo in element.echoes:
        repeats = element.parent is not None and not echo.expression
        yield echo.tag, item_type_of(element.parent) if repeats and element.parent else ""


def _referred(column: ArchiveField) -> str:
    return column.refers or "" if isinstance(column, Ref) else ""
