"""Send the text of one member: put together from UTF-8 pieces, without what XML cannot hold, with links as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from courses import links

FLUSH = 256 * 1024
"""Bytes that an `Output` collects before it sends them: so few that they stay in the processor's cache on their way."""

REMOVED = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""The control characters that XML 1.0 cannot hold, and DEL, which Moodle's `xml_writer` removes too; in UTF-8 each is a byte
of its own. Looking for all of them takes half the time of removing them from a text that has none."""

NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
"""The code points that are no characters and that XML 1.0 cannot hold (production `Char`), in UTF-8."""


class Output:
    """Collect the UTF-8 text of one member, clean it, encode its links as tokens, and write it to a binary stream in blocks."""

    def __init__(self, stream: BinaryIO, *, root: str) -> None:
        self._stream = stream
        self._root = root
        self._of_addresses = links.part_of_addresses(root).encode()
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Add a text. It must not end inside a value: links are found block by block."""
        self.extend((text.encode("utf-8", "ignore"),))

    def extend(self, pieces: Sequence[bytes]) -> None:
        """Add UTF-8 texts one after another. None of them must end inside a value."""
        size = sum(map(len, pieces))
        at_once = max(1, len(pieces) * FLUSH // (size + 1))
        for first in range(0, len(pieces), at_once):
            some = pieces[first : first + at_once]
            self._parts.extend(some)
            self._size += size if some is pieces else sum(map(len, some))
            if self._size > FLUSH:
                self.flush()

    def flush(self) -> None:
        """Send the collected text."""
        data = b"".join(self._parts)
        self._parts, self._size = [], 0
        if self._of_addresses in data:
            data = links.encode(data.decode(), root=self._root).encode()
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if NO_CHARACTERS[0][:1] in data:  # a single byte is found ten times as fast
            for character in NO_CHARACTERS:
                data = data.replace(character, b"")
        if any(map(data.__contains__, REMOVED)):
            data = data.translate(None, REMOVED)
        self._stream.write(data)
