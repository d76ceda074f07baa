"""The schema: RELAX NG for the members of an archive, generated from the models and the layout.

It says what Coursekeep writes and Moodle 4.5 writes too: every described element, each value by its kind. The
elements of a record may stand in any order, as readers of the format take them, and among them any other
element, since it is kept. A member that nothing describes may hold anything below its root.
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
from courses.members import Described, described, find
from courses.structure import Element, Wrapper

NAMESPACE = "http://relaxng.org/ns/structure/1.0"
TYPES = "http://www.w3.org/2001/XMLSchema-datatypes"

NAMES: Any = {None: NAMESPACE}

Node: TypeAlias = etree._Element


@registry.derived
def of_member(path: str, *, older: bool = False) -> etree.RelaxNG | None:
    """The compiled schema of a member by its path in an archive; None for one that no table lists.

    With `older`, elements may be missing, as they are in archives of versions that did not know them.
    """
    one = find(path)
    return _compiled(one.path, older) if one else None


@registry.derived
def _compiled(path: str, older: bool) -> etree.RelaxNG:
    one = next(each for each in described() if each.path == path)
    # libxml2 compiles what it reads; a tree that was built in memory has no lines for its messages.
    return etree.RelaxNG(etree.fromstring(text(one, older=older)))


def violations(archive: Archive, *, older: bool = False) -> Iterator[Finding]:
    """What in an archive's XML is not as the schema says, one finding a member.

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


def text(one: Described, *, older: bool = False) -> bytes:
    """The schema of a member as a document."""
    tree: bytes = etree.tostring(
        grammar(one, older=older), pretty_print=True, xml_declaration=True, encoding="UTF-8"
    )
    return tree


def grammar(one: Described, *, older: bool = False) -> Node:
    """The schema of a member, as RELAX NG's XML form."""
    writer = _Writer(older)
    root = writer.record(one.record) if one.record is not None else writer.root(one)
    whole = _e("grammar", _e("start", root), _anything(), datatypeLibrary=TYPES)
    whole.insert(0, etree.Comment(f" {one.path}, generated from the models by manage.py describe "))
    return whole


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes patterns of elements; in those of `older` archives any element may be missing."""

    older: bool

    def root(self, one: Described) -> Node:
        root = _e("element", name=one.member.root)
        if one.kept:
            root.append(_e("ref", name="inside"))
            return root
        for name in one.attributes:
            value = _e("text") if name.endswith("name") else _e("data", type="long")
            root.append(_e("attribute", value, name=name))
        root.append(self._body(one.body))
        return root

    def record(self, element: Element) -> Node:
        """A record: its attributes, its fields, what nests in it, and whatever was kept."""
        record = _e("element", name=element.tag)
        if element.model.archive_meta.numbered:
            record.append(_e("attribute", _identifier(element), name="id"))
        for field in element.attributes:
            record.append(_e("attribute", value(field), name=field.tag))
        inside = [self._there(_field(field)) for field in element.leaves]
        inside += [self._there(_e("element", _echo(echo), name=echo.tag)) for echo in element.echoes]
        inside += [self._node(node) for node in element.body]
        record.append(_e("interleave", *inside, _others(element.inside())))
        return record

    def _body(self, body: tuple[Wrapper | Element, ...]) -> Node:
        return _e("interleave", *(self._node(node) for node in body))

    def _node(self, node: Wrapper | Element) -> Node:
        """A wrapper, or the records of one kind at one place."""
        if isinstance(node, Element):
            return _e("zeroOrMore", self.record(node))
        wrapper = _e("element", self._body(node.body), name=node.tag)
        return _e("optional", wrapper) if node.sparse else self._there(wrapper)

    def _there(self, pattern: Node) -> Node:
        return _e("optional", pattern) if self.older else pattern


def _identifier(element: Element) -> Node:
    """An id; Moodle leaves it empty where the record has none and its value is a default of the site."""
    number = _e("data", type="long")
    return number if element.model.archive_meta.unique else _e("choice", number, _e("value"))


def _field(field: ArchiveField) -> Node:
    inside = [value(field)]
    if isinstance(field, Secret):
        inside.insert(0, _e("optional", _e("attribute", _e("text"), name="encrypted")))
    one = _e("element", *inside, name=field.tag)
    return _e("optional", one) if field.optional else one


def value(field: ArchiveField) -> Node:
    """What a field's text may be."""
    found = _typed(field)
    return _e("choice", _e("value", NULL), found) if field.null and found.tag != _e("text").tag else found


def _typed(field: ArchiveField) -> Node:
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
    """An element of RELAX NG."""
    node = etree.Element(f"{{{NAMESPACE}}}{tag}", attributes, nsmap=NAMES)
    for each in inside:
        if isinstance(each, str):
            node.text = each
        else:
            node.append(each)
    return node


def _others(known: Iterable[str]) -> Node:
    """Elements of any other name."""
    name = _e("anyName")
    if excepted := [_e("name", tag) for tag in dict.fromkeys(known)]:
        name.append(_e("except", *excepted))
    return _e("zeroOrMore", _e("element", name, _e("ref", name="inside")))


def _anything() -> Node:
    """Any XML: the definition `inside`."""
    attributes = _e("zeroOrMore", _e("attribute", _e("anyName")))
    elements = _e("element", _e("anyName"), _e("ref", name="inside"))
    return _e("define", _e("zeroOrMore", _e("choice", attributes, _e("text"), elements)), name="inside")
