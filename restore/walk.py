"""Walk through the tree of a member while it grows, and give each record to the loader when it has ended.

When a block of the XML was parsed, all elements have ended but the root, the last one in it, the last one in that, and so on:
these are open. (The last ones may have ended, too; what follows them is not there yet, so they wait for the next block.) An
example, with two blocks:

    <activity>                        open
      <forum id="1">                  open: starts, gets its new id
        <name>News</name>
        <discussions>                 open
          <discussion id="4">         open: starts
            <posts>                   open
              <post id="9">..</post>  starts, ends: is written and removed from the tree
              <post id="10"><subj     open: starts
    --------------------------------- end of the first block
                  ect>..</post>       ends: is written and removed
            </posts>
          </discussion>               ends: is written and removed, after all records in it
          <discussion id="5">         ...

So a record starts before those inside it, and ends after them, in the order of the document; memory holds a block, and what is
open. Elements that no model describes are not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from archive.numbers import natural
from courses.fields import plain_number
from courses.structure import Element
from restore.readers import Inside, Reader
from restore.records import children_of

if TYPE_CHECKING:
    from restore.loader import Loader

UNDESCRIBED: Any = ()
"""What is read of an element that no model describes; None is that of a record that is not restored."""

Wanted = Callable[[Element, int], bool | None]
"""True if a top record is restored, by its element and its old id; False if this site has it, None if it is left out."""

Same = Mapping[int, int]
"""The ids here of records that the target has already, by position: their number among the records that start."""

NOTHING_SAME: Same = {}

Owner = Callable[[Element], str]
"""The value of the column by which a top record belongs to its owner."""


def everything(element: Element, old: int) -> bool:
    """True for every top record."""
    return True


class Started(NamedTuple):
    """A record that has started.

    `written` says whether it is written when it ends, and `entered` whether the records in it are looked at. One that this site
    has already (`here`) is counted and not written. It is entered if its id here is known, which is `new_id` then: records
    inside it that have a natural key are restored all the same.
    """

    node: etree._Element
    new_id: str
    written: bool = True
    entered: bool = True
    here: bool = False


class Walk:
    """The records of one member: those that are open, by depth, and what decides on the others.

    The loader's `position` counts the records that have started, also inside those that are not restored. `record_ended` is
    called after each record that lies directly in a top record. The other arguments are those of `Loader.load`.
    """

    def __init__(
        self,
        loader: Loader,
        readers: Inside,
        *,
        member: str,
        owner: Owner,
        wanted: Wanted,
        same: Same,
        record_ended: Callable[[], None],
    ) -> None:
        self._loader = loader
        self._readers = readers
        self._member = member
        self._owner = owner
        self._wanted = wanted
        self._same = same
        self._record_ended = record_ended
        self._open: dict[int, Started] = {}
        self._last: list[etree._Element] = []
        """The last child that each open element had when it was looked at: the root's, that of the root's last child, ..."""

    def read(self, root: etree._Element, *, ended: bool) -> None:
        """Take all records that have ended since the last call, with the root if the document has."""
        if ended:
            self._take(root, self._readers, None, 0)
        else:
            self._enter(root, self._readers.get(root.tag, UNDESCRIBED), None, 0, 0)

    def _enter(self, node: etree._Element, what: Any, around: Started | None, depth: int, level: int) -> None:
        """Take the records that have ended in an open element; start it, if it is a record and has not started.

        `depth` is the number of records around it, and `level` of elements.
        """
        if isinstance(what, Reader):
            started = self._open.get(depth)
            if started is None:
                started = self._open[depth] = self._start(node, what, around)
            what = what.inside if started.entered else UNDESCRIBED
            around, depth = started, depth + 1
        if not isinstance(what, dict) or not len(node):
            self._forget(level)
            return
        children = self._children_since(node, level)
        last = children.pop()
        self._last[level : level + 1] = [last]
        self._end_all(node, children, what, around, depth)
        self._enter(last, what.get(last.tag, UNDESCRIBED), around, depth, level + 1)

    def _children_since(self, node: etree._Element, level: int) -> list[etree._Element]:
        """Return the children of an open element from that on which was the last one before this block.

        Those before it have nothing more to take, and an archive may have so many that looking at all of them takes minutes.
        """
        before = self._last[level] if level < len(self._last) else None
        if before is None or before.getparent() is not node:
            self._forget(level)
            return list(node)
        return [before, *before.itersiblings()]

    def _forget(self, level: int) -> None:
        """Forget the last children from this level on: a removed record stays in memory as long as an element in it does."""
        del self._last[level:]

    def _end_all(
        self,
        holder: etree._Element,
        nodes: list[etree._Element],
        readers: Inside,
        around: Started | None,
        depth: int,
    ) -> None:
        """Take all records in elements of `holder` that follow one another and have ended, and remove them from it."""
        taken = [node for node in nodes if self._take(node, readers, around, depth)]
        if taken and len(taken) == len(nodes) and taken[0] is holder[0]:
            del holder[: len(taken)]
            return
        for node in taken:
            holder.remove(node)

    def _take(self, node: etree._Element, readers: Inside, around: Started | None, depth: int) -> bool:
        """Take all records in an element that has ended; True if it is one itself, so that it is not needed any more."""
        what = readers.get(node.tag, UNDESCRIBED)
        if isinstance(what, Reader):
            self._end(node, what, around, depth)
        elif isinstance(what, dict):
            if len(node):
                self._end_all(node, list(node), what, around, depth)
            return False
        return what is not UNDESCRIBED

    def _end(self, node: etree._Element, reader: Reader, around: Started | None, depth: int) -> None:
        """Take a record that has ended: first the records in it, then itself."""
        loader = self._loader
        started = self._open.pop(depth, None) or self._start(node, reader, around)
        if started.written:
            children, values = children_of(node)
            if reader.inside:
                for child in _named(children, values, reader.inside):
                    if self._take(child, reader.inside, started, depth + 1):
                        node.remove(child)
                if len(node) < len(children):
                    children, values = children_of(node)
            owner = (
                loader.parent_value(reader, around.node, around.new_id)
                if around
                else self._owner(reader.element)
            )
            loader.write(reader, node, children, values, started.new_id, owner, self._member)
        elif started.entered:
            self._end_all(node, list(node), reader.inside, started, depth + 1)
            loader.already_here += 1
        else:
            loader.position += reader.count_starts(node)
            loader.already_here += reader.count(node) if started.here else 0
        if depth == 1:
            self._record_ended()

    def _start(self, node: etree._Element, reader: Reader, around: Started | None) -> Started:
        """Give a record that starts its new id, or decide that it is not written."""
        loader = self._loader
        loader.position += 1
        if self._same and (here := self._same.get(loader.position)) is not None:
            return Started(node, str(here), written=False, here=True)
        comes: bool | None = around is not None and (around.written or reader.keyed)
        if around is None:
            comes = self._wanted(reader.element, old_id_or_zero(node))
        if not comes:
            return Started(node, "", written=False, entered=False, here=comes is False)
        return Started(node, loader.new_id(reader, node, self._member))


def _named(
    children: list[etree._Element], values: Mapping[Any, str | None], readers: Inside
) -> list[etree._Element]:
    """Return those of the children of a record that are, or hold, records, given the texts of the children by tag."""
    there = [tag for tag in readers if tag in values]
    if len(values) < len(children):
        return [child for child in children if child.tag in there]
    if len(there) == 1 and children[-1].tag in there:
        return children[-1:]
    names = list(values)
    return [children[position] for position in sorted(names.index(tag) for tag in there)]


def old_id_or_zero(node: etree._Element) -> int:
    """Return the id that a record has in the archive; 0 if it has none."""
    return natural(plain_number(node.get("id", "0"))) or 0
