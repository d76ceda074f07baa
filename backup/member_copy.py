"""Copy a described member of an archive for an anonymous one: `MemberCopy`, which follows the member's elements."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lxml import etree

from archive import layout, opaque, xml
from archive.judgement import OpaquePeople
from archive.numbers import whole_or
from archive.pseudonyms import PERSONAL
from archive.serialised import rewrite_strings
from backup.expressions import NUMBERS
from backup.hidden_words import HiddenWords
from backup.render import bares_people
from courses import registry, structure
from courses.fields import ArchiveField, Echo
from courses.file_areas import is_userdata
from courses.members import Described
from courses.models import File, User
from courses.structure import Element, Wrapper

Node = Wrapper | Element


class Copying(Protocol):
    """The part of `AnonymousCopy` that the copy of a member needs."""

    texts: bool
    contents: set[str]
    files: set[str]
    held: defaultdict[structure.Model, set[int]]

    @property
    def hidden(self) -> HiddenWords: ...

    def pseudonym(self, person: int) -> int: ...

    def mapped(self, owner: str) -> opaque.Mapped: ...

    def who(self, part: str) -> OpaquePeople: ...

    def is_mentioned(self, person: int) -> bool: ...

    def has_record(self, model: structure.Model, number: int) -> bool: ...


@dataclass(slots=True)
class _Leaf:
    """A leaf that was read: what it is, its start tag without the brackets, its text."""

    field: ArchiveField | Echo
    start: str
    text: str


@dataclass(slots=True)
class _Open:
    """An open element: a record if it has an `element`, otherwise a wrapper or the root.

    `leaves` wait until the first element nests in the record or it ends; `position` is where its output begins.
    """

    tag: str
    body: Mapping[str, Node]
    element: Element | None = None
    position: int = 0
    number: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    leaves: list[_Leaf] | None = None
    texts: dict[str, str | None] = field(default_factory=dict)
    bares: bool = False
    after_leaves: int = -1
    """Where leaves end in the output; -1 if they do not yet, or if that was given away."""


class MemberCopy:
    """An lxml parser target that writes the anonymous copy of a described member.

    Records that no pseudonym hides are left out. A record is held only as long as it may still be left out.
    """

    def __init__(self, copy: Copying, described: Described, path: str) -> None:
        self._copy = copy
        self._described = described
        self._owner = path.rpartition("/")[0] or "course"
        if path in {layout.FILES, "users.xml"}:
            self._owner = path
        self._mapped = copy.mapped(self._owner)
        self._out: list[str] = [xml.DECLARATION]
        self._open: list[_Open] = []
        self._left_out = 0
        self._holding = 0
        self._tree: etree.TreeBuilder | None = None
        self._tree_depth = 0
        self._leaf: tuple[ArchiveField | Echo, str] | None = None
        self._text: list[str] = []

    def start(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] | None = None
    ) -> None:
        """Begin an element."""
        if self._left_out or self._leaf is not None:
            self._left_out += 1
        elif self._tree is not None:
            self._begin(tag, attributes, declared)
            self._tree_depth += 1
        elif not self._open:
            self._start_root(tag, attributes)
        else:
            self._start_inside(tag, attributes, declared)

    def data(self, text: str) -> None:
        """Add text to the open leaf; between elements it is only space."""
        if self._left_out:
            return
        if self._tree is not None:
            self._tree.data(text)
        elif self._leaf is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """End an element."""
        if self._left_out:
            self._left_out -= 1
        elif self._tree is not None:
            self._tree.end(tag)
            self._tree_depth -= 1
            if self._tree_depth == 0:
                self._end_opaque()
        elif self._leaf is not None:
            described, start = self._leaf
            record, text = self._open[-1], "".join(self._text)
            self._leaf, self._text = None, []
            record.texts[tag] = None if text == xml.NULL else text
            leaf = _Leaf(described, start, text)
            if record.leaves is None:
                self._write_leaf(record, leaf)
            else:
                record.leaves.append(leaf)
        else:
            self._end_open()

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def close(self) -> None:
        """Do nothing: lxml requires this method."""

    def take(self) -> str:
        """Return the XML written since the last call, except of records that may still be left out."""
        if self._holding:
            return ""
        written, self._out = "".join(self._out), []
        for record in self._open:
            record.after_leaves = -1
        return written

    def _begin(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] | None
    ) -> None:
        """Begin an element inside an opaque one."""
        tree: Any = self._tree
        tree.start(tag, dict(attributes), dict(declared or {}))

    def _start_root(self, tag: str, attributes: Mapping[str, str]) -> None:
        record = self._described.record
        if record is not None and tag == record.tag:
            self._start_record(record, attributes)
            return
        given = "".join(f' {name}="{xml.escape_attribute(value)}"' for name, value in attributes.items())
        self._out.append(f"<{tag}{given}>\n")
        tops = list(structure.elements_of(self._described.body))
        bares = any(map(bares_people, tops))
        self._open.append(_Open(tag, _by_tag(self._described.body), leaves=None, bares=bares))

    def _start_inside(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] | None
    ) -> None:
        around = self._open[-1]
        node = around.body.get(tag)
        described = _leaf_of(around.element, tag)
        if described is not None:
            given = "".join(f' {name}="{xml.escape_attribute(text)}"' for name, text in attributes.items())
            self._leaf = described, f"{tag}{given}"
            return
        self._write_leaves(around)
        if isinstance(node, Wrapper):
            self._out.append(f"<{tag}>\n")
            self._open.append(_Open(tag, _by_tag(node.body), bares=around.bares, element=None, leaves=None))
        elif isinstance(node, Element):
            self._start_record(node, attributes)
        elif around.bares:
            self._left_out = 1
        else:
            self._tree = etree.TreeBuilder()
            self._begin(tag, attributes, declared)
            self._tree_depth = 1

    def _start_record(self, element: Element, attributes: Mapping[str, str]) -> None:
        meta = element.model.archive_meta
        number = attributes.get("id", "")
        unmentioned = (
            element.model is User and xml.is_id(number) and not self._copy.is_mentioned(whole_or(number))
        )
        if meta.personal or unmentioned:
            self._left_out = 1
            return
        bares = bares_people(element) or next(
            (one.bares for one in reversed(self._open) if one.element is not None), False
        )
        self._holding += _may_go(element)
        position = len(self._out)
        fields = {one.tag: one for one in element.attributes}
        given = []
        for name, value in attributes.items():
            if element.model is User and xml.is_id(value):
                text = str(self._copy.pseudonym(whole_or(value)))
            elif name in fields:
                text = self._value(element, fields[name], value, {}, number)
            else:
                text = value
            given.append(f' {name}="{xml.escape_attribute(text)}"')
        self._out.append(f"<{element.tag}{''.join(given)}>\n")
        self._open.append(
            _Open(element.tag, _by_tag(element.body), element, position, number, attributes, [], bares=bares)
        )

    def _end_open(self) -> None:
        record = self._open.pop()
        self._write_leaves(record)
        self._out.append(f"</{record.tag}>\n")
        element = record.element
        if element is None:
            return
        self._holding -= _may_go(element)
        if self._goes(element, record.texts):
            del self._out[record.position :]
        elif element.model in _models_beside_userdata() and xml.is_id(record.number):
            self._copy.held[element.model].add(whole_or(record.number))
        elif element.model is File:
            self._copy.contents.add(record.texts.get("contenthash") or "")
            self._copy.files.add(record.number)

    def _goes(self, element: Element, texts: Mapping[str, str | None]) -> bool:
        """Whether a record that was read is left out."""
        rows = element.model.archive_meta.personal_rows
        if rows is not None and rows.holds(texts):
            return True
        return element.model is File and not self._file_comes(texts)

    def _file_comes(self, texts: Mapping[str, str | None]) -> bool:
        """Whether a file comes along: not those of people themselves, and without texts not those of their work."""
        component, area = texts.get("component") or "", texts.get("filearea") or ""
        if component == "user":
            return False
        item = texts.get("itemid") or ""
        return self._copy.texts or not is_userdata(
            component, area, whole_or(item), held=self._copy.has_record
        )

    def _end_opaque(self) -> None:
        assert self._tree is not None
        root = self._tree.close()
        self._tree = None
        who = self._copy.who(str(root.tag))
        text = opaque.rewrite_element(root, mapped=self._mapped, people=False, who=who)
        if text:
            self._out.append(f"{text}\n")

    def _write_leaves(self, record: _Open) -> None:
        """Write the leaves that waited; from now on those of the record are written at once."""
        leaves, record.leaves = record.leaves, None
        for leaf in leaves or ():
            self._write_leaf(record, leaf)
        if leaves is not None:
            record.after_leaves = len(self._out)

    def _write_leaf(self, record: _Open, leaf: _Leaf) -> None:
        assert record.element is not None
        text = leaf.text
        tag = leaf.start.partition(" ")[0]
        if isinstance(leaf.field, ArchiveField):
            text = self._value(record.element, leaf.field, text, record.texts, record.number)
        written = f"<{leaf.start}>{xml.escape(text)}</{tag}>\n"
        if record.after_leaves < 0:
            self._out.append(written)
        else:
            # Moodle takes a leaf behind nested elements for another record; what makes older archives new adds them there.
            self._out.insert(record.after_leaves, written)
            record.after_leaves += 1

    def _value(
        self, element: Element, field: ArchiveField, text: str, texts: Mapping[str, str | None], number: str
    ) -> str:
        """Return the text of a field in the copy; `number` is the id of the record."""
        if field.personal:
            person = self._copy.pseudonym(whole_or(number)) if xml.is_id(number) else 0
            return PERSONAL[field.personal].format(number=person)
        if text == xml.NULL and not field.words:
            return text
        for person in field.people_in(text):
            self._mapped("user", person)
        text = field.anonymised(text, texts, self._copy.pseudonym)
        if not field.words:
            return text
        userdata = element.model.archive_meta.userdata
        if userdata and not self._copy.texts and (text == xml.NULL or re.fullmatch(NUMBERS, text) is None):
            return ""
        own = userdata or element.model is File
        if field.words == "serialised":
            return rewrite_strings(text, lambda one: self._copy.hidden.text(one, own=own))
        return self._copy.hidden.text(text, own=own)


def _by_tag(body: tuple[Node, ...]) -> dict[str, Node]:
    """Return the nodes of a body by the names of their elements."""
    return {node.tag if isinstance(node, Wrapper) else node.path[-1]: node for node in body}


def _leaf_of(element: Element | None, tag: str) -> ArchiveField | Echo | None:
    """Return the field or echo whose element has this name in a record; None if it is none."""
    if element is None:
        return None
    fields: tuple[ArchiveField | Echo, ...] = (*element.leaves, *element.echoes)
    return next((one for one in fields if one.tag == tag), None)


@registry.derived
def _models_beside_userdata() -> frozenset[structure.Model]:
    """Return the models of the course's own records that share a file area with userdata."""
    models = structure.archived_models()
    areas = {area for model in models if model.archive_meta.userdata for area in model.items("files")}
    return frozenset(
        model
        for model in models
        if not model.archive_meta.userdata and areas.intersection(model.items("files"))
    )


def _may_go(element: Element) -> bool:
    """Whether it is known only at the end of a record if it is left out."""
    return element.model is File or bool(element.model.archive_meta.personal_rows)
