"""The schema: RELAX NG for the members of an archive, generated from the models and the layout.

It matches archives of Coursekeep and of Moodle 4.5: every described element, each value by its field class. The elements of
a record may be in any order, as readers of the format accept it, with any opaque elements among them. A member that nothing
describes may hold anything below its root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.findings import Finding
from courses import registry
from courses.fields import NULL, ArchiveField, Echo, ForeignRef, Int, Number, Real, RefList, Text
from courses.fields.secrets import Secret
from courses.members import Described, described, description_of
from courses.structure import Element, Wrapper

NAMESPACE = "http://relaxng.org/ns/structure/1.0"
TYPES = "http://www.w3.org/2001/XMLSchema-datatypes"

NAMES: Any = {None: NAMESPACE}

Node: TypeAlias = etree._Element


@registry.derived
def of_member(path: str, *, older: bool = False) -> etree.RelaxNG | None:
    """Return the compiled schema of a member by its path in an archive; None if the layout does not list it.

    With `older`, elements may be missing, as in archives of versions that did not have them.
    """
    one = description_of(path)
    return _compiled(one.path, older) if one else None


@registry.derived
def _compiled(path: str, older: bool) -> etree.RelaxNG:
    one = next(each for each in described() if each.path == path)
    # Serialise and parse first: the nodes of a tree built in memory have no line numbers for error messages.
    return etree.RelaxNG(etree.fromstring(document(one, older=older)))


def violations(archive: Archive, *, older: bool = False) -> Iterator[Finding]:
    """Yield one finding for each member of an archive whose XML does not match the schema.

    Members are read whole, one at a time. Raises DamagedArchive for malformed XML.
    """
    for path in sorted(archive.members):
        schema = of_member(path, older=older) if path.endswith(".xml") else None
        if schema is None:
            continue
        with archive.open(path) as stream:
            valid = schema.validate(xml.parse(stream, member=path))
        if not valid:
            first = schema.error_log[0]
            yield Finding(
                "error",
                "schema",
                f"The XML is not as the format says: {first.message}.",
                f"{path}, line {first.line}",
                "docs/format.md says what may stand there.",
            )


def document(one: Described, *, older: bool = False) -> bytes:
    """Return the schema of a member as an XML document."""
    tree: bytes = etree.tostring(
        grammar(one, older=older), pretty_print=True, xml_declaration=True, encoding="UTF-8"
    )
    return tree


def grammar(one: Described, *, older: bool = False) -> Node:
    """Return the schema of a member as an element tree, in RELAX NG's XML form."""
    writer = _Writer(older)
    root = writer.record(one.record) if one.record is not None else writer.root(one)
    whole = _e("grammar", _e("start", root), _anything(), datatypeLibrary=TYPES)
    whole.insert(0, etree.Comment(f" {one.path}, generated from the models by manage.py describe "))
    return whole


@dataclass(frozen=True, slots=True)
class _Writer:
    """Builds the patterns of elements; with `older` any element may be missing."""

    older: bool

    def root(self, one: Described) -> Node:
        """Return the pattern of the root element of a member whose root is no record."""
        root = _e("element", name=one.member.root)
        if one.opaque:
            root.append(_e("ref", name="inside"))
            return root
        for name in one.attributes:
            value = _e("text") if name.endswith("name") else _e("data", type="long")
            root.append(_e("attribute", value, name=name))
        root.append(self._body(one.body))
        return root

    def record(self, element: Element) -> Node:
        """Return the pattern of a record: attributes, fields, nested records and opaque elements."""
        record = _e("element", name=element.tag)
        if element.model.archive_meta.numbered:
            record.append(_e("attribute", _identifier(element), name="id"))
        for field in element.attributes:
            record.append(_e("attribute", value_pattern(field), name=field.tag))
        inside = [self._optional_if_older(_field(field)) for field in element.leaves]
        inside += [
            self._optional_if_older(_e("element", _echo(echo), name=echo.tag)) for echo in element.echoes
        ]
        inside += [self._node(node) for node in element.body]
        record.append(_e("interleave", *inside, _opaque_elements(element.inside())))
        return record

    def _body(self, body: tuple[Wrapper | Element, ...]) -> Node:
        return _e("interleave", *(self._node(node) for node in body))

    def _node(self, node: Wrapper | Element) -> Node:
        """Return the pattern of a wrapper, or of the records of one model at one path."""
        if isinstance(node, Element):
            return _e("zeroOrMore", self.record(node))
        wrapper = _e("element", self._body(node.body), name=node.tag)
        return _e("optional", wrapper) if node.sparse else self._optional_if_older(wrapper)

    def _optional_if_older(self, pattern: Node) -> Node:
        return _e("optional", pattern) if self.older else pattern


def _identifier(element: Element) -> Node:
    """Return the pattern of an id; Moodle leaves it empty for a record whose value is a default of the site."""
    number = _e("data", type="long")
    return number if element.model.archive_meta.unique else _e("choice", number, _e("value"))


def _field(field: ArchiveField) -> Node:
    inside = [value_pattern(field)]
    if isinstance(field, Secret):
        inside.insert(0, _e("optional", _e("attribute", _e("text"), name="encrypted")))
    one = _e("element", *inside, name=field.tag)
    return _e("optional", one) if field.optional else one


def value_pattern(field: ArchiveField) -> Node:
    """Return the pattern of a field's text."""
    found = _value_type(field)
    return _e("choice", _e("value", NULL), found) if field.null and found.tag != _e("text").tag else found


def _value_type(field: ArchiveField) -> Node:
    if isinstance(field, Number):
        return _data("decimal", totalDigits=field.max_digits, fractionDigits=field.decimal_places)
    if isinstance(field, Int | ForeignRef):
        return _data("long")
    if isinstance(field, Real):
        return _data("double")
    if isinstance(field, RefList):
        return _data("string", pattern="([0-9]+(,[0-9]+)*)?")
    if isinstance(field, Text) and field.max_length is not None:
        return _data("string", maxLength=field.max_length)
    return _e("text")


def _echo(echo: Echo) -> Node:
    if echo.expression:
        return _e("text")
    return _e("choice", _e("value", NULL), _data("long")) if echo.null else _data("long")


def _data(type_: str, **facets: object) -> Node:
    return _e("data", *(_e("param", str(facet), name=name) for name, facet in facets.items()), type=type_)


def _e(tag: str, *inside: Node | str, **attributes: str) -> Node:
    """Return an element of RELAX NG."""
    node = etree.Element(f"{{{NAMESPACE}}}{tag}", attributes, nsmap=NAMES)
    for each in inside:
        if isinstance(each, str):
            node.text = each
        else:
            node.append(each)
    return node


def _opaque_elements(known: Iterable[str]) -> Node:
    """Return the pattern of any elements except those with known names."""
    name = _e("anyName")
    if excepted := [_e("name", tag) for tag in dict.fromkeys(known)]:
        name.append(_e("except", *excepted))
    return _e("zeroOrMore", _e("element", name, _e("ref", name="inside")))


def _anything() -> Node:
    """Return the definition `inside`: any XML."""
    attributes = _e("zeroOrMore", _e("attribute", _e("anyName")))
    elements = _e("element", _e("anyName"), _e("ref", name="inside"))
    return _e("define", _e("zeroOrMore", _e("choice", attributes, _e("text"), elements)), name="inside")
