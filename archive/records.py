"""Read the records of a member as values, in the order in which they start and end, in constant memory.

An example: a part of `forum.xml`, and what `read_records` yields for it:

    <discussion id="4">          Start(("discussions", "discussion"), {"id": "4"}, line)
      <name>Hello</name>
      <posts>
        <post id="9">            Start(("posts", "post"), {"id": "9"}, line)
          <userid>5</userid>
          <extra>1</extra>       no `Shape` has it: it is opaque
        </post>                  WholeRecord("post", {"id": "9"}, line, {"userid": "5", "extra": "1"}, {}, [<extra>])
      </posts>
    </discussion>                WholeRecord("discussion", {"id": "4"}, line, {"name": "Hello", ...}, {}, [])

A `Shape` says which elements are records, and where. Those of an `inline` shape come with the record around them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any, NamedTuple, TypeAlias, cast

from lxml import etree

from archive import xml

Texts: TypeAlias = dict[str, str | None]
"""Texts of a record: by the tag of a leaf, "@name" of an attribute, "element/leaf" of a leaf of an element around it."""

Path: TypeAlias = tuple[str, ...]
"""The names of the elements that lead to a record: from below the record around it, or from the root."""

Wrappers: TypeAlias = "Mapping[str, Wrappers]"
"""Elements that only hold other elements, by tag, with those in them."""

Shapes: TypeAlias = "Mapping[Path, Shape]"
InlineShapes: TypeAlias = "Mapping[str, Shape | InlineShapes]"
"""Shapes of inline records, nested by the tags that lead to them."""

Inline: TypeAlias = "dict[str, list[WholeRecord] | list[Inline]]"
"""Inline records by tag; or what is in wrappers, one after another, by the tag of these."""

NOTHING: Inline = {}


class KnownTags(NamedTuple):
    """The tags that may be directly in an element, and which of them are wrappers. All others are opaque."""

    tags: frozenset[str]
    wrappers: Wrappers


class Shape(NamedTuple):
    """The elements that the records of an element have, as far as they are described.

    `records` are the shapes of nested records, which are read one by one, and `inline` of those that come with the record
    around them; `lists` is True if any of the former are in wrappers. `above` are the "element/leaf" whose texts a record needs
    from the elements around it, for itself and for its inline records.
    """

    records: Shapes
    inline: InlineShapes
    known: KnownTags
    lists: bool
    above: tuple[str, ...]


class Start(NamedTuple):
    """The start of a record that is read one by one: its path, its attributes, and its line."""

    path: Path
    attributes: dict[str, str]
    line: int

    @property
    def tag(self) -> str:
        """The name of the record's element."""
        return self.path[-1]


class WholeRecord(NamedTuple):
    """A whole record. `texts` has those of all elements directly in it, `left` are its opaque elements, and wrappers with
    opaque elements in them. The records that are read one by one are no more in it."""

    tag: str
    attributes: dict[str, str]
    line: int
    texts: Texts
    inline: Inline
    left: Sequence[etree._Element]


class Rest(NamedTuple):
    """An opaque element beside the top records, or a wrapper with opaque elements in it."""

    element: etree._Element


Event = Start | WholeRecord | Rest


class _Open(NamedTuple):
    """An element whose start was read, and not yet its end; without a shape it only has the same name as a record."""

    shape: Shape | None
    node: etree._Element


def read_records(
    stream: IO[bytes], *, member: str, shapes: Shapes, beside: KnownTags | None = None
) -> Generator[Event, None, None]:
    """Yield the starts and ends of the records of a member.

    `shapes` are those of the top records, by their paths from the root. With `beside`, what is known in the root, a `Rest` is
    yielded for all that is opaque there. Raises DamagedArchive for malformed XML and HostileArchive
    for a document type, or if one record takes too much memory.
    """
    stack: list[_Open] = []
    rest: list[etree._Element] = []
    ended: list[etree._Element] = []
    for event, node in xml.events(
        stream,
        member=member,
        events=("start", "end"),
        tags=set(_tags(shapes)),
        ended=ended.append,
        between=partial(_put_aside, beside, rest) if beside is not None else None,
    ):
        if rest:
            yield from map(Rest, rest)
            rest.clear()
        if event == "start":
            outer = stack[-1] if stack else None
            shape = None
            if outer is None or outer.shape is not None:
                path = _path(node, outer.node if outer else None)
                shape = (shapes if outer is None else cast(Shape, outer.shape).records).get(path)
            stack.append(_Open(shape, node))
            if shape is not None:
                yield Start(path, *_place(node))
            continue
        shape, node = stack.pop()
        if shape is None:
            continue
        yield _record(node, shape, streamed=True)
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)
    if beside is not None:
        rest.extend(left_in(ended[0], beside))
    yield from map(Rest, rest)


def _put_aside(known: KnownTags, rest: list[etree._Element], root: etree._Element) -> None:
    """Take the elements that have ended out of the root, so that they are not held to the end; `rest` gets the opaque ones."""
    for child in list(root)[:-1]:
        root.remove(child)
        rest.extend(left_in((child,), known))


def _tags(shapes: Shapes) -> Iterator[str]:
    """Yield the tags of the records that are read one by one, at every depth."""
    for path, shape in shapes.items():
        yield path[-1]
        yield from _tags(shape.records)


def _record(node: etree._Element, shape: Shape, *, streamed: bool) -> WholeRecord:
    """Return a record; its inline records are taken out of their wrappers."""
    texts: Texts = {child.tag: child.text for child in node}
    unknown = not texts.keys() <= shape.known.tags
    inline, more = _taken(node, shape.inline) if shape.inline else (NOTHING, False)
    opaque: Sequence[etree._Element] = ()
    if unknown or more or (shape.lists and any(map(len, node))):
        opaque = list(left_in(node, shape.known))
    for path in shape.above if streamed else ():
        texts[path] = _text_above(node, path)
    return WholeRecord(node.tag, *_place(node), texts, inline, opaque)


def _place(node: Any) -> tuple[dict[str, str], int]:
    """Return the attributes of an element and its line."""
    return dict(node.items()), node.sourceline or 0


def _taken(node: etree._Element, shapes: InlineShapes) -> tuple[Inline, bool]:
    """Return the inline records of a record, and whether something else is left in their wrappers."""
    found: Inline = {}
    left = False
    for tag, shape in shapes.items():
        inner = list(node.iterchildren(tag))
        if isinstance(shape, Shape):
            found[tag] = [_record(one, shape, streamed=False) for one in inner]
            continue
        lists: list[Inline] = []
        for wrapper in inner:
            within, more = _emptied(wrapper, shape)
            lists.append(within)
            left = left or more
        found[tag] = lists
    return found, left


def _emptied(wrapper: etree._Element, shapes: InlineShapes) -> tuple[Inline, bool]:
    """Return the inline records of a wrapper, which are removed from it, and whether something else is left in it."""
    found, _ = _taken(wrapper, shapes)
    done = [
        inner
        for tag, shape in shapes.items()
        for inner in wrapper.iterchildren(tag)
        if isinstance(shape, Shape) or len(inner) == 0
    ]
    if len(done) == len(wrapper):
        wrapper.clear()
    for inner in done if len(wrapper) else ():
        wrapper.remove(inner)
    return found, len(wrapper) > 0


def left_in(children: Iterable[etree._Element], known: KnownTags) -> Iterator[etree._Element]:
    """Yield the opaque ones of an element's children whose records were removed, and wrappers with opaque elements in them."""
    for child in children:
        wrapper = known.wrappers.get(str(child.tag))
        if child.tag not in known.tags or (wrapper is not None and _has_left(child, wrapper)):
            yield child


def _has_left(node: etree._Element, inner: Wrappers) -> bool:
    """Remove empty wrappers in a wrapper whose records were removed; True if opaque elements are left in it."""
    for child in list(node):
        known = inner.get(str(child.tag))
        if known is not None and not _has_left(child, known):
            node.remove(child)
    return len(node) > 0


def _text_above(node: etree._Element, path: str) -> str | None:
    """Return the text of a leaf of an element around a record, by its path "element/leaf"; None if there is none."""
    tag, leaf = path.split("/")
    around = next(node.iterancestors(tag), None)
    return None if around is None else around.findtext(leaf)


def _path(node: etree._Element, outer: etree._Element | None) -> Path:
    """Return the names of the elements from below `outer`, or from the root, down to `node`."""
    path: Path = (cast(Any, node).tag,)
    parent = node.getparent()
    while parent is not outer and parent is not None:
        path = (cast(Any, parent).tag, *path)
        parent = parent.getparent()
    return path
