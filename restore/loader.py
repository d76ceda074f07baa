"""Load the records of a member: parse its XML block by block, and write each record when it has ended.

An example: `forum.xml` with two discussions and their posts, and what is done where a record starts (its start tag was parsed)
and where it has ended (`restore/walk.py` finds both):

    <activity>                               no record (`root` names the elements around the records)
      <forum id="1">                         starts: new id 71 for forum 1
        <name>News</name>
        <discussions>
          <discussion id="4">                starts: new id 84
            <name>Hello</name>
            <posts>
              <post id="9">                  starts: new id 99
                <userid>5</userid>
              </post>                        has ended: row of the post (..., id 99, discussion 84); removed from the tree
              <post id="10"> ... </post>     the same: row (..., id 100, discussion 84)
            </posts>
          </discussion>                      has ended: row of the discussion (..., id 84, forum 71); removed
          <discussion id="5"> ... </discussion>     the same, with its posts: row (..., id 85, forum 71)
        </discussions>
      </forum>                               has ended: row of the forum (..., id 71, course)
    </activity>                              what is left in the tree is opaque: `Loader.load` stores it for `top`

So a record's children are written before it, under an id that it already has; foreign keys are checked later. A record that is
written is removed from the tree: memory holds a block, and one record at each level, however many there are. Records of
`inline` models stay inside their parent, and are written with it (`restore/records.py`).

The loader knows elements, not models: fields say what a value means (`courses/fields`), `restore/readers.py` compiles them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import IO, NamedTuple

from lxml import etree

from archive import xml
from archive.errors import HostileArchive
from archive.limits import in_units
from courses import structure
from courses.bulk import check_what_was_sent
from courses.fields import Reading
from courses.structure import Element, Wrapper
from restore.ids import IdMap
from restore.readers import (
    Accept,
    Fixed,
    Inside,
    Reader,
    Readers,
    add_reader,
    left_in,
    tags_of,
    wrappers_of,
)
from restore.records import Preserve, RecordWriter
from restore.shortened import ShortenedTexts
from restore.walk import NOTHING_SAME, Owner, Same, Walk, Wanted, everything

TICK = 2000
"""Records that have started, after which `Loader.load` yields with the block, so that progress is written and a cancellation is
noticed."""

MANY = 10_000
"""Records after which the database is asked to check the foreign keys of those that have ended."""

Keys = Collection[tuple[str, str]]
"""Foreign keys, each as a table and the table that it refers to."""

MOST_WAITING = 8 * 1024 * 1024
"""Bytes of the opaque elements that are in memory until there is a course."""

Body = tuple[Wrapper | Element, ...]


class Top(NamedTuple):
    """The owner of opaque elements beside a member's records: an item type (`layout.top`), and the new id of the activity,
    section or block that has the member; None for a member of the course, which may not exist yet."""

    name: str
    record: int | None = None


def nobody(element: Element) -> str:
    """The owner of top records that belong to nothing: an empty value."""
    return ""


class _Compiled(NamedTuple):
    """The readers of a body by the tags from the root on, those of top records among them, the foreign keys to check meanwhile,
    and what is described beside the records: all tags directly in the body, and the wrappers among them."""

    inside: Inside
    tops: list[Reader]
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
        self._checked = 0
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
        root: tuple[str, ...] | None,
        owner: Owner = nobody,
        fixed: Fixed | None = None,
        wanted: Wanted = everything,
        same: Same = NOTHING_SAME,
        top: Top | None = None,
        skipped: frozenset[str] | None = None,
    ) -> Iterator[int]:
        """Read the records of a member; yield, after some thousands and at the end, how many more were restored or are here.

        `root` are the names of the elements around the records; None: that of the member's root. `owner` gives the value of the
        column by which a top record belongs to its owner; `fixed` are further columns of top records, with one value; `wanted`
        decides which top records are restored; of a record in `same` only those inside it are that have a natural key. All that
        no model describes is stored for `top`, if there is one. `skipped` are the options whose records are left out; None:
        those of the loader.
        Raises InvalidValue for a value that does not fit, DamagedArchive for malformed XML.
        """
        trees = xml.trees(stream, member=member)
        first = next(trees)
        around = root if root is not None else (str(first[0].tag),)
        compiled = self._compiled_for(elements, around, fixed or {}, skipped)
        walk = Walk(
            self,
            compiled.inside,
            member=member,
            owner=owner,
            wanted=wanted,
            same=same,
            record_ended=partial(self._check_many, compiled.keys),
        )
        finished: etree._Element | None = None
        reported = self._checked = self.read
        self.position, pause = 0, TICK
        for tree, ended in chain((first,), trees):
            walk.read(tree, ended=ended)
            if ended:
                self._store_rest(tree, compiled, top, member)
            elif len(around) == 1:
                # Without an element around the records, the root is a record itself, whose children are its own.
                finished = self._store_finished(tree, finished, compiled=compiled, top=top, member=member)
            if self.position >= pause or ended:
                # Also where nothing of all that is read is restored, a job can be cancelled.
                pause = self.position + TICK
                yield self.read - reported
                reported = self.read

    def _check_many(self, keys: Keys) -> None:
        """Let the database check the rows of records that have ended, if they are many."""
        if keys and self.read - self._checked >= MANY:
            self._check(keys)
            self._checked = self.read

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

    def _compiled_for(
        self, elements: Body, root: tuple[str, ...], fixed: Fixed, skipped: frozenset[str] | None
    ) -> _Compiled:
        """Return what is compiled of a body, once for all members of one kind, with the values of `fixed`."""
        off = self.skipped if skipped is None else skipped
        key = elements, root, frozenset(fixed), off, frozenset(self.redirected.items())
        if key not in self._compiled:
            inside: Inside = {}
            readers = self._readers(elements, root, fixed, off)
            for path, reader in readers.items():
                add_reader(inside, path, reader)
            tops = [reader for reader in readers.values() if reader is not None]
            self._compiled[key] = _Compiled(
                inside, tops, list(_keys_within(inside)), tags_of(elements), wrappers_of(elements)
            )
        found = self._compiled[key]
        for top in found.tops:
            top.fix(fixed)
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
        self,
        root: etree._Element,
        before: etree._Element | None,
        *,
        compiled: _Compiled,
        top: Top | None,
        member: str,
    ) -> etree._Element | None:
        """Store the opaque elements of the root that have ended, and remove them, so that they are not held to the end.

        `before` is the last element that was looked at in the blocks before and stays; this returns that of this block.
        """
        new = list(root if before is None or before.getparent() is not root else before.itersiblings())[:-1]
        stored = {id(child): child for child in self._store_rest(new, compiled, top, member)}
        for child in new:
            if id(child) in stored or child.tag not in compiled.known:
                root.remove(child)
            else:
                before = child
        return before

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


def _keys_within(inside: Inside, around: Reader | None = None, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the tables of records that nest two deep or deeper, each with the table of the record around it."""
    for what in inside.values():
        if isinstance(what, dict):
            yield from _keys_within(what, around, depth)
        elif what is not None:
            if around is not None and depth > 1:
                yield what.table.name, around.table.name
            yield from _keys_within(what.inside, what, depth + 1)
