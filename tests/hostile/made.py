"""Parts of the generators of hostile archives: the record of one, tar and zip made by hand, and the small archive changed."""

from __future__ import annotations

import base64
import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tests.archives_made import Change as Change
from tests.archives_made import changed, members, packed

FORUM = "activities/forum_31/forum.xml"
MODULE = "activities/forum_31/module.xml"
PAGE = "activities/page_32/page.xml"
PAGE_MODULE = "activities/page_32/module.xml"
SECTION = "sections/section_21/section.xml"
COURSE = "course/course.xml"
MANIFEST = "moodle_backup.xml"
UNKNOWN = "activities/page_32/other.xml"
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Hostile:
    """One archive: its class, which says what becomes of it, a name, and the function that makes its bytes."""

    group: str
    name: str
    make: Callable[[], bytes]


Made = Iterator[Hostile]


def archive_with(changes: Mapping[str, Change]) -> bytes:
    """Return the small archive with these changes, as a tar.gz."""
    return packed(changed(members(), changes))


def with_changes(group: str, cases: Mapping[str, Mapping[str, Change]]) -> Made:
    """Yield the small archive with each of these changes."""
    for name, changes in cases.items():
        yield Hostile(group, name, partial(archive_with, changes))


def plain_tar() -> bytes:
    """Return the small archive as a tar, not compressed."""
    return gzip.decompress(packed(members()))


def entry(name: bytes, content: bytes = b"", *, kind: bytes = b"0", size: bytes | None = None) -> bytes:
    """Return a tar header with any bytes in it, and its content in whole blocks."""
    field = b"%011o\0" % len(content) if size is None else size
    block = bytearray(512)
    block[:100] = name[:100].ljust(100, b"\0")
    block[100:124] = b"0000644\0" + b"0000000\0" * 2
    block[124:136] = field.ljust(12, b"\0")[:12]
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


def tar_before(*entries: bytes) -> bytes:
    """Return the small archive with these entries before its own."""
    return gzip.compress(b"".join(entries) + plain_tar(), 1, mtime=0)


def tar_file(name: str, content: bytes = b"x", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return the small archive and one more entry, made by the standard library."""
    more = tarfile.TarInfo(name)
    more.type, more.linkname = kind, link
    more.size = len(content) if kind == tarfile.REGTYPE else 0
    return tar_before(more.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512))


def zip_with(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytearray:
    """Return the small archive as a zip, with more entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*members().items(), *entries]:
            archive.writestr(path, content)
    return bytearray(target.getvalue())


def zip_patched(signature: bytes, offset: int, form: str, value: int) -> bytes:
    """Return the small archive as a zip, in which a number of the last such header is another."""
    data = zip_with()
    struct.pack_into(form, data, data.rindex(signature) + offset, value)
    return bytes(data)


def letters(count: int) -> bytes:
    """Return letters and digits, always the same, that hardly compress."""
    return base64.b64encode(random.Random(count).randbytes(count * 3 // 4))


def document(root: str, inside: str) -> bytes:
    """Return a document with this root element."""
    return HEAD + f"<{root}>{inside}</{root}>".encode()
