"""Load the records of a member: read its XML as a stream, and write each record when it is complete.

An example: `forum.xml` with two discussions and their posts. The events of the XML, and what `Loader` does on each:

    <activity>                               outside: no record (`root` names the elements around the records)
      <forum id="1">           start         new id 71 for forum 1; push it on the stack
        <name>News</name>
        <discussions>
          <discussion id="4">  start         new id 84; push
            <name>Hello</name>
            <posts>
              <post id="9">    start         new id 99; push
                <userid>5</userid>
              </post>          end           pop; row of the post: (..., id 99, discussion 84); remove it from the tree
              <post id="10"> ... </post>     the same: row (..., id 100, discussion 84)
            </posts>
          </discussion>        end           pop; row of the discussion: (..., id 84, forum 71); remove it
          <discussion id="5"> ... </discussion>     the same, with its posts: row (..., id 85, forum 71)
        </discussions>
      </forum>                 end           pop; row of the forum: (..., id 71, course)
    </activity>                              what is left in the tree is opaque: `Loader.load` stores it for `top`

So a record's children are written before it, under an id that it already has; foreign keys are checked later. A record that is
written is removed from the tree: memory holds one record at each level, however many there are. Records of `inline` models are
no events; they stay inside their parent, and are written with it (`restore/records.py`).

The loader knows elements, not models: fields say what a value means (`courses/fields`), `restore/readers.py` compiles them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import IO, NamedTuple

from lxml import etree

from archive import xml
from archive.errors import HostileArchive
from archive.limits import in_units
from archive.numbers import natural
from courses import structure
from courses.bulk import check_what_was_sent
from courses.fields import Reading, plain_number
from courses.structure import Element, Wrapper
from restore.ids import IdMap
from restore.readers import Accept, Fixed, Reader, Readers, left_in, streamed, tags_of, wrappers_of
from restore.records import Preserve, RecordWriter
from restore.shortened import ShortenedTexts

TICK = 2000
"""Start tags of records after which `Loader.load` yields, so that progress is written and a cancellation is noticed."""

MANY = 10_000
"""Records after which the database is asked to check the foreign keys of those that have ended."""

Keys = Collection[tuple[str, str]]
"""Foreign keys, each as a table and the table that it refers to."""

MOST_WAITING = 8 * 1024 * 1024
"""Bytes of the opaque elements that are in memory until there is a course."""

Body = tuple[Wrapper | Element, ...]

Wanted = Callable[[Element, int], bool | None]
"""True if a top record is restored, by its element and its old id; False if this site has it, None if it is left out."""

Same = Mapping[int, int]
"""The ids here of records that the target has already, by position: which of the start tags of records theirs is."""

NOTHING_SAME: Same = {}

Owner = Callable[[Element], str]
"""The value of the column by which a top record belongs to its owner."""


class Top(NamedTuple):
    """The owner of opaque elements beside a member's records: an item type (`layout.top`), and the new id of the activity,
    section or block that has the member; None for a member of the course, which may not exist yet."""

    name: str
    record: int | None = None


def nobody(element: Element) -> str:
    """The owner of top records that belong to nothing: an empty value."""
    return ""


def everything(element: Element, old: int) -> bool:
    """True for every top record."""
    return True


class _Open(NamedTuple):
    """An element whose start was read, and not yet its end.

    `reader` and `new_id` are those of a record; without a reader it is an element that is not restored, or only has the same
    name as a record. `removed` says whether its end removes it from the tree. `here` is the reader of a record that this site
    has already, so that it is only counted. If it is `merged`, records with a natural key inside it are restored all the
    same, and `new_id` is the id that it has here.
    """

    reader: Reader | None
    node: etree._Element
    new_id: str
    removed: bool
    here: Reader | None = None
    merged: bool = False


class _Compiled(NamedTuple):
    """The readers of a body, the tags of the records that are read one by one, the foreign keys to check meanwhile, and what
    is described beside the records: all tags directly in the body, and the wrappers among them."""

    readers: Readers
    tags: frozenset[str]
    keys: Keys
    known: Collection[str]
    wrappers: Mapping[str, Wrapper]


class Loader(RecordWriter):
    """Read members of an archive into tables.

    `ids` maps old ids to new ones, `reading` is what parsers need. `preserve` rewrites opaque elements; those of members that
    are read before there is a course are collected in `waiting`, each with its item type. Userdata is restored if `people`;
    an archive that is `nameless` has no users, and so no record in it is anybody's. Models of an option in `skipped` are not
    restored, and `accepts` decides for single records, by table. `already_here` counts the records that are not restored
    because this site has them, with all that nest in them. `position` is that of the last record that started (`Same`).
    `together` returns all loaders that write in the same transaction, this one too.
    """

    def __init__(
        self,
        ids: IdMap,
        *,
        reading: Reading,
        course: int,
        preserve: Preserve,
        people: bool,
        nameless: bool = False,
        skipped: Collection[str] = (),
        accepts: Mapping[str, Accept] | None = None,
        shortened: ShortenedTexts | None = None,
        redirected: Mapping[str, str] | None = None,
        made: Mapping[str, int] | None = None,
        together: Callable[[], Collection[Loader]] = tuple,
    ) -> None:
        super().__init__(
            ids,
            course=course,
            preserve=preserve,
            people=people,
            nameless=nameless,
            shortened=shortened,
            redirected=redirected,
            made=made,
        )
        self.reading = reading
        self.skipped = frozenset(skipped)
        self.accepts = accepts or {}
        self.already_here = 0
        self.position = 0
        self.together = together
        self.waiting: list[tuple[str, etree._Element]] = []
        self._waiting_size = 0
        self._fresh: dict[str, Iterator[int]] = {}
        self._compiled: dict[tuple[object, ...], _Compiled] = {}

    @property
    def read(self) -> int:
        """The number of records that were read: those that were written, and those that this site has already."""
        return self.records + self.already_here

    def fresh(self, item_type: str) -> Iterator[int]:
        """New ids for records that have no id in the archive; the same iterator for each call."""
        if item_type not in self._fresh:
            self._fresh[item_type] = self.ids.fresh(item_type)
        return self._fresh[item_type]

    def load(
        self,
        stream: IO[bytes],
        *,
        member: str,
        elements: Body,
        root: tuple[str, ...],
        owner: Owner = nobody,
        fixed: Fixed | None = None,
        wanted: Wanted = everything,
        same: Same = NOTHING_SAME,
        top: Top | None = None,
        skipped: frozenset[str] | None = None,
    ) -> Iterator[int]:
        """Read the records of a member; yield, every 2,000 and at the end, how many more were restored or are here already.

        `root` are the names of the elements around the records; `owner` gives the value of the column by which a top record
        belongs to its owner; `fixed` are further columns of top records, with one value; `wanted` decides which top records
        are restored; of a record in `same` only those inside it are that have a natural key. All that no model describes is
        stored for `top`, if there is one. `skipped` are the options whose records are left out; None: those of the loader.
        Raises InvalidValue for a value that does not fit, DamagedArchive for malformed XML.
        """
        compiled = self._compiled_for(elements, root, fixed or {}, skipped)
        readers, keys = compiled.readers, compiled.keys
        stack: list[_Open] = []
        rest: list[etree._Element] = []
        reported = checked = self.read
        self.position, pause = 0, TICK
        for event, node in xml.events(
            stream,
            member=member,
            events=("start", "end"),
            tags=compiled.tags,
            ended=rest.append,
            # Without an element around the records, the root is a record itself, whose children are its own.
            between=partial(self._store_finished, compiled=compiled, top=top, member=member)
            if len(root) == 1
            else None,
        ):
            if event == "start":
                self.position += 1
                stack.append(self._start(node, stack, readers, wanted, same, member))
                continue
            reader, node, new_id, removed, here, merged = stack.pop()
            if reader is not None:
                self.write(reader, node, new_id, self._owner(reader, stack, owner), member)
            elif here is not None:
                self.already_here += 1 if merged else here.count(node)
            if removed:
                parent = node.getparent()
                if parent is not None:
                    parent.remove(node)
                if self.position >= pause:
                    # Also where nothing of all that is read is restored, a job can be cancelled.
                    pause = self.position + TICK
                    yield self.read - reported
                    reported = self.read
            if keys and len(stack) == 1 and self.read - checked >= MANY:
                self._check(keys)
                checked = self.read
        self._store_rest(rest[0], compiled, top, member)
        yield self.read - reported

    def _check(self, keys: Keys) -> None:
        """Let the database check the rows of records that have ended, with all in them, while the next ones are read.

        The rows of all loaders of the restore are checked, as they are in one transaction. It is left to the end where a record
        was left out: what nests in it is removed later (`restore/ownership.py`).
        """
        loaders = self.together() or (self,)
        if any(one.left_out or one.redirected for one in loaders):
            return
        for one in loaders:
            one.flush()
        check_what_was_sent(keys)

    def _owner(self, reader: Reader, stack: list[_Open], owner: Owner) -> str:
        """The value of the column by which a record belongs to the record around it, or to the member's owner."""
        if not stack:
            return owner(reader.element)
        parent = stack[-1]
        return self.parent_value(reader, parent.node, parent.new_id)

    def _start(
        self,
        node: etree._Element,
        stack: list[_Open],
        readers: Readers,
        wanted: Wanted,
        same: Same,
        member: str,
    ) -> _Open:
        """Give a record that starts its new id; recognise elements that are no record or are not restored."""
        parent = stack[-1] if stack else None
        if parent is not None:
            outer = parent.here if parent.merged else parent.reader
            if outer is None:
                return _Open(None, node, "", removed=False)
            readers = outer.inside
        path = _path(node, parent.node if parent else None)
        reader = readers.get(path)
        if reader is None:
            return _Open(None, node, "", removed=path in readers)
        if same and (here := same.get(self.position)) is not None:
            return _Open(None, node, str(here), removed=True, here=reader, merged=True)
        comes = wanted(reader.element, _old_id(node)) if parent is None else reader.keyed or not parent.merged
        if not comes:
            return _Open(None, node, "", removed=True, here=reader if comes is False else None)
        return _Open(reader, node, self.new_id(reader, node, member), removed=True)

    def _compiled_for(
        self, elements: Body, root: tuple[str, ...], fixed: Fixed, skipped: frozenset[str] | None
    ) -> _Compiled:
        """Return what is compiled of a body, once for all members of one kind, with the values of `fixed`."""
        off = self.skipped if skipped is None else skipped
        key = elements, root, frozenset(fixed), off, frozenset(self.redirected.items())
        if key not in self._compiled:
            readers = self._readers(elements, root, fixed, off)
            tags = frozenset(streamed(structure.elements_of(elements)))
            self._compiled[key] = _Compiled(
                readers, tags, list(_keys_within(readers)), tags_of(elements), wrappers_of(elements)
            )
        found = self._compiled[key]
        for reader in found.readers.values():
            if reader is not None:
                reader.fix(fixed)
        return found

    def _readers(
        self, elements: Body, root: tuple[str, ...], fixed: Fixed, skipped: frozenset[str]
    ) -> Readers:
        """Compile the readers of a body, by their paths below the record around them; None if not restored."""
        found: Readers = {}
        for element in structure.elements_of(elements):
            if element.shown:
                continue
            path = root + element.path
            if self._is_skipped(element, skipped):
                found[path] = None
                continue
            reader = Reader(
                element,
                fixed=fixed,
                reading=self.reading,
                tables=self.table,
                accept=self.accepts.get(element.table),
                fresh=self.fresh(element.item_type),
            )
            reader.nest(self._readers(element.body, (), {}, skipped), element.children())
            found[path] = reader
        return found

    def _is_skipped(self, element: Element, skipped: frozenset[str]) -> bool:
        """True if no record of an element is restored; where userdata has a `person`, that is decided record by record."""
        meta = element.model.archive_meta
        return meta.option in skipped or (meta.userdata and not meta.person and not self.people)

    def _store_finished(
        self, root: etree._Element, *, compiled: _Compiled, top: Top | None, member: str
    ) -> None:
        """Store the opaque elements of the root that have ended, and remove them, so that they are not held to the end."""
        finished = list(root)[:-1]
        if not finished:
            return
        stored = {id(child): child for child in self._store_rest(finished, compiled, top, member)}
        for child in finished:
            if id(child) in stored or child.tag not in compiled.known:
                root.remove(child)

    def _store_rest(
        self, children: Iterable[etree._Element], compiled: _Compiled, top: Top | None, member: str
    ) -> list[etree._Element]:
        """Store the opaque elements beside the records of a member, and return them; without `top` they are left out."""
        left = list(left_in(children, compiled.known, compiled.wrappers))
        if top is None:
            return left
        for child in left:
            if top.record is not None:
                self.store_opaque(child, top.name, str(top.record))
            else:
                self._waiting_size += len(etree.tostring(child, encoding="utf-8"))
                if self._waiting_size > MOST_WAITING:
                    raise HostileArchive(
                        f"It has more than {in_units(MOST_WAITING)} of elements that no course backup writes.",
                        where=member,
                    )
                self.waiting.append((top.name, child))
        return left


def _keys_within(readers: Readers, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the tables of records that nest two deep or deeper, each with the table of the record around it."""
    for reader in readers.values():
        if reader is None:
            continue
        if depth:
            yield from ((inner.table.name, reader.table.name) for inner in reader.inside.values() if inner)
        yield from _keys_within(reader.inside, depth + 1)


def _path(node: etree._Element, outer: etree._Element | None) -> tuple[str, ...]:
    """The names of the elements from below `outer`, or from the root, down to `node`."""
    path: tuple[str, ...] = (node.tag,)
    parent = node.getparent()
    while parent is not outer and parent is not None:
        path = (parent.tag, *path)
        parent = parent.getparent()
    return path


def _old_id(node: etree._Element) -> int:
    """The id of a record in the archive; 0 if it has none."""
    return natural(plain_number(node.get("id", "0"))) or 0
