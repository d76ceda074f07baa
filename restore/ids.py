"""IdMap: from the ids in an archive to those on this site.

New ids are handed out when an old one is met for the first time, in a reference or as a record's own, so that a stream of
records needs no second pass. They come in blocks: old ids 2048 to 3071 of an item type become, say, 70000 to 71023. So
order is kept in a block, and neighbours cost one reservation, two bit fields and no dictionary entry each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

BLOCK, SMALL_BLOCK = 1024, 256
"""Old ids whose new ids are reserved together, in an archive of many records and of few; multiples of 8.

In a block records keep their order, so it must not be small; and what is reserved costs time, so it must not be large for few.
"""

MOST_AT_ONCE = 32 * BLOCK
"""Ids of an item type that are reserved at once, at most."""

Reserve = Callable[[Mapping[str, int]], Mapping[str, int]]
"""Reserve consecutive new ids of item types, as many of each as the argument says; returns the first of each."""

ReserveAhead = Callable[[Mapping[str, int]], Callable[[], Mapping[str, int]]]
"""Begin to reserve ids as `Reserve` does; returns a function that waits for them."""

Present = Callable[[str, list[int]], Collection[int]]
"""Return those of the ids that records of an item type have on this site."""


class _Block:
    """The new ids of a block of consecutive old ones, with a bit for each that was mentioned and for each that arrived."""

    __slots__ = ("arrived", "first", "mentioned")

    def __init__(self, first: int, size: int) -> None:
        self.first = first
        self.mentioned = bytearray(size // 8)
        self.arrived = bytearray(size // 8)


class _Stock(NamedTuple):
    """Blocks that were reserved and not yet used: the first id of the next one, how many are left, and how many there were."""

    first: int = 0
    left: int = 0
    size: int = 0


EMPTY = _Stock()


class IdMap:
    """Map old ids to new ones, item type by item type.

    Records may arrive in any order and may mention later ones. There are three sorts of item types: the new ids of some were
    given beforehand (users, roles, the course); those of `numbered` ones are reserved in blocks; all others stay as they are,
    because they are only in opaque elements. `reserve` reserves new ids in the database; for the item types `expected` it is
    asked once, when the first id is needed. `block` is the number of ids in a block. Of item types with many records `ahead`
    reserves the next blocks before they are needed.

    Records of the numbered item types `same` have their old ids here too; `present` returns which ids of such a type other
    records of this site have: they are not missing.
    """

    def __init__(
        self,
        reserve: Reserve,
        *,
        numbered: Collection[str],
        same: Collection[str] = (),
        expected: Collection[str] = (),
        present: Present | None = None,
        block: int = BLOCK,
        ahead: ReserveAhead | None = None,
    ) -> None:
        self._reserve = reserve
        self._ahead = ahead
        self._coming: dict[str, tuple[int, Callable[[], Mapping[str, int]]]] = {}
        self._block_size = block
        self._expected = frozenset(expected)
        self.numbered = frozenset(numbered)
        self.same = frozenset(same)
        self._present = present
        self._given: dict[str, dict[int, int | None]] = {}
        self._blocks: dict[str, dict[int, _Block]] = {}
        self._stock: dict[str, _Stock] = {}
        self._first: dict[str, int] = {}

    def give(self, item_type: str, ids: dict[int, int | None]) -> None:
        """Set new ids beforehand; None: there is no new id.

        Other ids of this item type then have no new one either, unless the item type is numbered.
        """
        self._given.setdefault(item_type, {}).update(ids)

    def claim(self, item_type: str, old: int) -> int | None:
        """Like `arrive`, but None also if the id was given beforehand: it belongs to something else."""
        return None if old in self._given.get(item_type, {}) else self.arrive(item_type, old)

    def given(self, item_type: str, old: int) -> int | None:
        """The new id that was given beforehand; None if there is none."""
        return self._given.get(item_type, {}).get(old)

    def mention(self, item_type: str, old: int) -> int | None:
        """The new id of a record that is referred to, whether it has arrived yet or not; None if it has no new id."""
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
        """The new id of a record that is read now; None if a record with this id arrived before."""
        given = self._given.get(item_type)
        if given is not None and old in given:
            return given[old]
        block, offset = self._find(item_type, old)
        bit = 1 << (offset & 7)
        if block.arrived[offset >> 3] & bit:
            return None
        block.arrived[offset >> 3] |= bit
        return block.first + offset

    def known(self, item_type: str, old: int) -> int | None:
        """The new id of a record that has arrived or was given; None if it has not."""
        given = self._given.get(item_type)
        if given is not None and old in given:
            return given[old]
        block = self._blocks.get(item_type, {}).get(old // self._block_size)
        if block is None:
            return None
        offset = old % self._block_size
        return block.first + offset if block.arrived[offset >> 3] & (1 << (offset & 7)) else None

    def is_here(self, item_type: str, number: int) -> bool:
        """Whether a record of this site has an id of an item type whose ids stay the same."""
        return (
            item_type in self.same and self._present is not None and bool(self._present(item_type, [number]))
        )

    def olds_of(self, item_type: str, news: Iterable[int], *, mentioned: bool = False) -> dict[int, int]:
        """The old ids of records that arrived, or with `mentioned` that were referred to, by those of the new ids they got."""
        return {
            block.first + offset: number * self._block_size + offset
            for number, block, offset in self._holding(item_type, news)
            if (block.mentioned if mentioned else block.arrived)[offset >> 3] & (1 << (offset & 7))
        }

    def _holding(self, item_type: str, news: Iterable[int]) -> Iterator[tuple[int, _Block, int]]:
        """Yield where new ids lie: the number of the block, the block, and the offset in it. Ids of no block are left out."""
        blocks = sorted(self._blocks.get(item_type, {}).items(), key=lambda item: item[1].first)
        firsts = [block.first for _, block in blocks]
        for new in news:
            index = bisect_right(firsts, new) - 1
            if index >= 0 and new - firsts[index] < self._block_size:
                yield *blocks[index], new - firsts[index]

    def fresh(self, item_type: str) -> Iterator[int]:
        """Endless new ids for records that have no id in the archive."""
        while True:
            first = self._block(item_type)
            yield from range(first, first + self._block_size)

    def first_new(self, item_type: str) -> int | None:
        """The lowest id that a new record of an item type can have; None if no record has one."""
        stock = self._stock.get(item_type, EMPTY)
        used = stock.left < stock.size
        return self._first[item_type] if used else None

    def withdraw(self, item_type: str, news: Iterable[int]) -> None:
        """Take back that these new ids have arrived: their records were left out after all."""
        for _, block, offset in self._holding(item_type, news):
            block.arrived[offset >> 3] &= ~(1 << (offset & 7))

    def missing(self) -> dict[str, list[int]]:
        """The old ids that were mentioned and never arrived, in ascending order, by item type."""
        found: dict[str, list[int]] = {}
        for item_type, blocks in self._blocks.items():
            for number, block in sorted(blocks.items()):
                for index, (mentioned, arrived) in enumerate(
                    zip(block.mentioned, block.arrived, strict=True)
                ):
                    lost = mentioned & ~arrived
                    if lost:
                        base = number * self._block_size + index * 8
                        found.setdefault(item_type, []).extend(
                            base + bit for bit in range(8) if lost >> bit & 1
                        )
        return self._without_present(found)

    def _without_present(self, found: dict[str, list[int]]) -> dict[str, list[int]]:
        """Return missing ids without those that records of this site have."""
        if self._present is None:
            return found
        left: dict[str, list[int]] = {}
        for item_type, olds in found.items():
            there = self._present(item_type, olds) if item_type in self.same else ()
            if gone := [old for old in olds if old not in there]:
                left[item_type] = gone
        return left

    def _find(self, item_type: str, old: int) -> tuple[_Block, int]:
        """The block of an old id and its offset there; reserves the block if it is new."""
        number, offset = divmod(old, self._block_size)
        try:
            return self._blocks[item_type][number], offset
        except KeyError:
            first = number * self._block_size if item_type in self.same else self._block(item_type)
            block = _Block(first, self._block_size)
            self._blocks.setdefault(item_type, {})[number] = block
            return block, offset

    def _block(self, item_type: str) -> int:
        """The first id of a new block. Each time an item type needs more, four times as many blocks are reserved at once.

        When a quarter of them is left, the next ones are asked for.
        """
        if not self._stock.get(item_type, EMPTY).left:
            if item_type in self._coming:
                size, firsts = self._coming.pop(item_type)
                self._add(firsts(), {item_type: size})
            else:
                sizes = {**dict.fromkeys(self._expected, 1), item_type: self._next_size(item_type)}
                self._add(self._reserve(self._counts(sizes)), sizes)
                self._expected = frozenset()
        first, left, size = self._stock[item_type]
        left -= 1
        self._stock[item_type] = _Stock(first + self._block_size, left, size)
        if self._ahead is not None and item_type not in self._coming and size > 1 and left <= size // 4:
            size = self._next_size(item_type)
            self._coming[item_type] = size, self._ahead(self._counts({item_type: size}))
        return first

    def _next_size(self, item_type: str) -> int:
        """The number of blocks that are reserved next."""
        return min(4 * self._stock.get(item_type, EMPTY).size or 1, MOST_AT_ONCE // self._block_size)

    def _counts(self, sizes: Mapping[str, int]) -> Mapping[str, int]:
        """The numbers of ids in so many blocks of each of these item types."""
        return {item_type: size * self._block_size for item_type, size in sizes.items()}

    def _add(self, firsts: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        """Add so many blocks of each of these item types, given the first id of each."""
        for item_type, size in sizes.items():
            first = firsts[item_type]
            self._first.setdefault(item_type, first)
            self._stock[item_type] = _Stock(first, size, size)
