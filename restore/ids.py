"""IdMap: the new id of every record of an archive, given out the first time that anybody mentions the old one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

BLOCK = 1024
MOST_BLOCKS = 32

Reserve = Callable[[str, int], int]


class _Block:
    """The new ids of 1,024 neighbouring old ones, and which of them were mentioned and which came."""

    __slots__ = ("came", "first", "mentioned")

    def __init__(self, first: int) -> None:
        self.first = first
        self.mentioned = bytearray(BLOCK // 8)
        self.came = bytearray(BLOCK // 8)


class IdMap:
    """Old ids to new ones, kind by kind.

    Records may come in any order and may mention what comes later. A kind is of one of three sorts: `given` ids were settled
    before (people, roles, the course); ids of a `numbered` kind are reserved in blocks, so that a million of them take
    kilobytes and keep their order; all others stay as they are, because whatever they belong to is kept as it came.
    """

    def __init__(self, reserve: Reserve, *, numbered: Collection[str]) -> None:
        self._reserve = reserve
        self.numbered = frozenset(numbered)
        self._given: dict[str, dict[int, int | None]] = {}
        self._blocks: dict[str, dict[int, _Block]] = {}
        self._stock: dict[str, tuple[int, int, int]] = {}

    def give(self, item_type: str, ids: dict[int, int | None]) -> None:
        """Settles ids beforehand. An id of that kind that was not given and is not numbered has no new one."""
        self._given.setdefault(item_type, {}).update(ids)

    def claim(self, item_type: str, old: int) -> int | None:
        """The new id of a record that is here now and must be its own; None when the old id means something else:
        a record that was here before, or one of this site that was settled beforehand."""
        return None if old in self._given.get(item_type, {}) else self.arrive(item_type, old)

    def mention(self, item_type: str, old: int) -> int | None:
        """The new id of what is referred to; None when there will be none."""
        given = self._given.get(item_type)
        if given is not None:
            if old in given:
                return given[old]
            if item_type not in self.numbered:
                return None
        if item_type not in self.numbered:
            return old
        block, offset = self._find(item_type, old)
        block.mentioned[offset >> 3] |= 1 << (offset & 7)
        return block.first + offset

    def arrive(self, item_type: str, old: int) -> int | None:
        """The new id of a record that is here now; None when one with this id was here before."""
        given = self._given.get(item_type)
        if given is not None and old in given:
            return given[old]
        block, offset = self._find(item_type, old)
        bit = 1 << (offset & 7)
        if block.came[offset >> 3] & bit:
            return None
        block.came[offset >> 3] |= bit
        return block.first + offset

    def known(self, item_type: str, old: int) -> int | None:
        """The new id of a record that came; None when it did not."""
        given = self._given.get(item_type)
        if given is not None and old in given:
            return given[old]
        block = self._blocks.get(item_type, {}).get(old // BLOCK)
        if block is None:
            return None
        offset = old % BLOCK
        return block.first + offset if block.came[offset >> 3] & (1 << (offset & 7)) else None

    def fresh(self, item_type: str) -> Iterator[int]:
        """New ids for records that have none in the archive."""
        while True:
            first = self._block(item_type)
            yield from range(first, first + BLOCK)

    def missing(self) -> dict[str, list[int]]:
        """The old ids that were mentioned and never came, kind by kind."""
        found: dict[str, list[int]] = {}
        for item_type, blocks in self._blocks.items():
            for number, block in sorted(blocks.items()):
                for index, (mentioned, came) in enumerate(zip(block.mentioned, block.came, strict=True)):
                    lost = mentioned & ~came
                    if lost:
                        base = number * BLOCK + index * 8
                        found.setdefault(item_type, []).extend(
                            base + bit for bit in range(8) if lost >> bit & 1
                        )
        return found

    def _find(self, item_type: str, old: int) -> tuple[_Block, int]:
        number, offset = divmod(old, BLOCK)
        try:
            return self._blocks[item_type][number], offset
        except KeyError:
            block = _Block(self._block(item_type))
            self._blocks.setdefault(item_type, {})[number] = block
            return block, offset

    def _block(self, item_type: str) -> int:
        """The first of a block of new ids. Of a kind that needs many, more and more blocks are reserved at a time."""
        first, left, size = self._stock.get(item_type, (0, 0, 0))
        if not left:
            left = size = min(2 * size or 1, MOST_BLOCKS)
            first = self._reserve(item_type, size * BLOCK)
        self._stock[item_type] = first + BLOCK, left - 1, size
        return first
