"""Search a finished archive for details of people that should not be in it: the leak scan.

Every member is read, unpacked: the texts and attributes of XML, configurations that are serialised in them, file names, and
the contents of files, also of documents that are zips themselves (docx, odt, h5p). What a picture shows or a sound says, and
what a document compresses in another way (PDF), is not found.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote

from archive import references, xml
from archive.container import Archive
from archive.details import KnownDetails
from archive.findings import Finding
from archive.numbers import natural
from archive.person_names import names_person
from archive.serialised import strings
from archive.streams import CHUNK
from courses.fields import ArchiveField, UserRef
from courses.member_records import MemberRecord, records_of

ID = "id"
"""The kind of a leak that is a person's own number in place of a pseudonym."""

OVERLAP = 256
"""Bytes that a block of a content has in common with the one before, so that no detail is cut in two."""

LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Unpacked bytes of a document that is a zip; of a larger one the rest is not read."""

_PRINTED = re.compile(rb"[\x20-\x7e]{5,}")
_TAGS = re.compile(rb"<[^<>]*>")


class Leak(NamedTuple):
    """A detail of a person that stands in an archive: its kind, and the member and element where; never the detail itself."""

    person: int
    kind: str
    member: str
    element: str


def scan(
    archive: Archive,
    known: KnownDetails,
    *,
    people: Collection[int] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Counter[Leak]:
    """Return the leaks in an archive, with the number of times that each stands there.

    `known` are the details to look for, `people` ids that must not stand where people are named. `progress` is called with the
    number of unpacked bytes that were just read. Raises DamagedArchive, HostileArchive for members that cannot be read.
    """
    found: Counter[Leak] = Counter()
    for size in search(archive, known, found, people=people):
        progress(size)
    return found


def search(
    archive: Archive, known: KnownDetails, found: Counter[Leak], *, people: Collection[int] = ()
) -> Iterator[int]:
    """Add the leaks in an archive to `found` as `scan` does; yield the number of bytes of each member that was read."""
    for path, member in archive.members.items():
        found.update(_in_text(known, path, member=path, element="name of the member"))
        if path.endswith(".xml") and not path.startswith("files/"):
            with archive.open(path) as stream:
                target = _MemberScan(path, known, frozenset(people), found)
                for _ in xml.feed(target, stream, member=path):
                    pass
        else:
            with archive.open(path) as stream:
                found.update(_in_content(known, stream, path))
        yield member.size


def findings(leaks: Mapping[Leak, int]) -> Iterator[Finding]:
    """Yield one warning for each kind of detail in each kind of place, with the number of people and one place to look at."""
    places: dict[tuple[str, str], list[Leak]] = {}
    for leak in sorted(leaks):
        places.setdefault((leak.kind, leak.element), []).append(leak)
    for (kind, element), found in sorted(places.items()):
        people = len({leak.person for leak in found})
        others = len({leak.member for leak in found}) - 1
        yield Finding(
            "warning",
            "leak",
            f"The {kind} of {people} {'person' if people == 1 else 'people'} can be read in the element {element}"
            + (f", here and in {others} more members." if others else "."),
            found[0].member,
            "Look there before you give the archive away; back up without what people wrote to leave such texts out.",
        )


def summary(leaks: Mapping[Leak, int], *, details: int) -> dict[str, object]:
    """Return the result of a scan as the report of a backup has it: `details` looked for, and what was found where."""
    kinds: Counter[str] = Counter()
    for leak, count in leaks.items():
        kinds[leak.kind] += count
    return {"details": details, "found": sum(leaks.values()), "kinds": dict(sorted(kinds.items()))}


def _in_text(
    known: KnownDetails, text: str, *, member: str, element: str, own: bool = True
) -> Iterator[Leak]:
    """Yield the leaks in a text, as it is and as a browser would read it."""
    readings = {text}
    if "&" in text:
        readings.add(html.unescape(text))
    if "%" in text:
        readings.add(unquote(text))
    for hit in {hit.detail for reading in readings for hit in known.find(reading, own=own)}:
        yield Leak(hit.person, hit.kind, member, element)


class _MemberScan:
    """An lxml parser target that looks for details in the texts and attributes of one member."""

    def __init__(self, path: str, known: KnownDetails, people: frozenset[int], found: Counter[Leak]) -> None:
        self._path = path
        self._known = known
        self._people = people
        self._found = found
        self._records = records_of(path)
        self._open: list[tuple[str, bool]] = []
        """The names of the open elements, and whether each is in somebody's own record or in an opaque element."""

        self._text: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._flush()
        around, own = self._open[-1] if self._open else ("", False)
        record = self._records.get(tag)
        opaque = record is None and self._is_opaque(around, tag)
        self._open.append((tag, own or opaque or (record is not None and record.userdata)))
        for name, value in attributes.items():
            self._look(tag, name, value)

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        self._flush()
        self._open.pop()

    def comment(self, text: str) -> None:
        self._text.append(text)

    def close(self) -> None:
        """Do nothing: lxml requires this method."""

    def _is_opaque(self, around: str, tag: str) -> bool:
        """Whether an element that is no record is none of the leaves and wrappers of the record around it either."""
        record = self._records.get(around)
        return bool(self._records) and record is not None and tag not in record.names

    def _flush(self) -> None:
        text, self._text = "".join(self._text), []
        if self._open and len(text) > 1 and text.strip():
            tag = self._open[-1][0]
            around = self._open[-2][0] if len(self._open) > 1 else ""
            self._look(around, tag, text)

    def _look(self, record: str, name: str, text: str) -> None:
        """Note the leaks in the text of a leaf or attribute of a record."""
        described = self._records.get(record, MemberRecord()).fields.get(name)
        element = f"{record}/{name}"
        number = natural(text)
        if number is not None:
            if number in self._people and self._names_person(record, name, described):
                self._found[Leak(number, ID, self._path, element)] += 1
            if described is not None and not described.words:
                return
        own = self._open[-1][1] or (record, name) == ("file", "filename")
        texts: Iterable[str] = (text,)
        if described is not None and described.words == "serialised":
            texts = (text, *strings(text).values())
        for each in texts:
            for leak in _in_text(self._known, each, member=self._path, element=element, own=own):
                self._found[leak] += 1

    def _names_person(self, record: str, name: str, described: ArchiveField | None) -> bool:
        """Whether a number is the id of a person: in a field that refers to one, or in an opaque element that is called so.

        Ids of other records are as long, so a number alone says nothing.
        """
        if described is not None:
            return isinstance(described, UserRef)
        if name in self._records.get(record, MemberRecord()).names:
            return False
        reference = references.in_opaque(record, name)
        if reference is not None:
            return reference.item_types == ("user",)
        return names_person(name)


def _in_content(known: KnownDetails, stream: BinaryIO, path: str) -> Iterator[Leak]:
    """Yield the leaks in the content of a file: its bytes as text, or the members of a document that is a zip."""
    block = stream.read(CHUNK)
    if block.startswith(b"PK\x03\x04"):
        yield from _in_document(known, block + stream.read(LARGEST_DOCUMENT - len(block)), path)
        return
    before = b""
    while block:
        text = _as_text(before + block)
        yield from _in_text(known, text, member=path, element="content of the file")
        before = block[-OVERLAP:]
        block = stream.read(CHUNK)


def _as_text(data: bytes) -> str:
    """Return bytes as text; of a binary format only the runs of printable characters."""
    return b" ".join(_PRINTED.findall(data)).decode() if b"\0" in data else data.decode("utf-8", "ignore")


def _in_document(known: KnownDetails, data: bytes, path: str) -> Iterator[Leak]:
    """Yield the leaks in the members of a zip, with and without the tags that may stand inside a word."""
    left = LARGEST_DOCUMENT
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as document:
            for entry in document.infolist():
                if entry.is_dir() or left <= 0:
                    continue
                with document.open(entry) as stream:
                    content = stream.read(left)
                left -= len(content)
                for reading in (content, _TAGS.sub(b"", content)):
                    text = reading.decode("utf-8", "ignore")
                    yield from _in_text(
                        known, text, member=path, element=f"content of the file: {entry.filename}"
                    )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, zlib.error):
        # A zip that cannot be opened is a file like any other.
        yield from _in_text(known, data.decode("utf-8", "ignore"), member=path, element="content of the file")
