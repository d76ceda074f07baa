"""Hostile containers: headers of tar, zip and gzip, names of members, bombs."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
from functools import partial

from tests.archives_made import members, packed
from tests.hostile.made import (
    MANIFEST,
    Hostile,
    Made,
    entry,
    plain_tar,
    tar_before,
    tar_file,
    zip_patched,
    zip_with,
)

CLIMBING = {
    "parent": "../x.xml",
    "parent inside": "a/../../x.xml",
    "absolute": "/etc/cron.d/x",
    "dot inside": "a/./b.xml",
    "empty part": "a//b.xml",
    "backslash": "a\\..\\b.xml",
    "drive": "C:x.xml",
    "line break": "a\nb.xml",
    "only dots": "..",
    "ends in dots": "a/..",
    "escape": "a\x1b[2Jb.xml",
    "delete": "a\x7fb.xml",
    "long": "a/" + "b" * 300,
    "deep": "/".join("abcdefghijklmnopqrs") + "/x.xml",
}
SPECIAL = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
}
SIZES = {
    "minus one": b"\xff" * 12,
    "most binary": b"\x80" + b"\xff" * 11,
    "minus in octal": b"-0000000001\0",
    "no octal": b"99999999999\0",
    "superscript": "²²²".encode().ljust(12, b"\0"),
    "underscores": b"0_0_0_0_0_1\0",
    "plus": b"+0000000001\0",
    "hexadecimal": b"0x000000001\0",
    "spaces inside": b"0000 000001\0",
}
PAX = {
    "a length of no number": b"abc path=x\n",
    "a negative length": b"-9 path=x\n",
    "a length of zero": b"0 path=x\n",
    "a superscript length": "² path=x\n".encode(),
    "a length beyond the record": b"99999 path=x\n",
    "a length of 5,000 digits": b"9" * 5000 + b" path=x\n",
    "no equals sign": b"8 path x\n",
    "a negative size": b"11 size=-1\n",
    "a superscript size": b"11 size=\xc2\xb2\n",
    "a size of 5,000 digits": b"5010 size=" + b"9" * 4999 + b"\n",
    "a size with an underscore": b"12 size=1_0\n",
}


def all_containers() -> Made:
    """Yield all hostile containers."""
    yield from _tar_names()
    yield from _tar_headers()
    yield from _zips()
    yield from _others()
    yield from _bombs()


def _tar_names() -> Made:
    for name, path in CLIMBING.items():
        yield Hostile("tar: a name that climbs", name, partial(tar_file, path))
    for name, kind in SPECIAL.items():
        yield Hostile(
            "tar: a link or a device",
            name,
            partial(tar_file, "users2.xml", b"", kind=kind, link="/etc/passwd"),
        )
    yield Hostile("tar: a member twice", "users", partial(tar_file, "users.xml"))
    yield Hostile("tar: a member twice", "with a dot", partial(tar_file, "./users.xml"))
    yield Hostile("tar: a member twice", "as a folder", partial(tar_file, "users.xml/inside.xml"))
    yield Hostile("tar: a name of no text", "no UTF-8", lambda: tar_before(entry(b"a\xff\xfe.xml", b"x")))
    yield Hostile(
        "tar: a name of no text", "overlong UTF-8", lambda: tar_before(entry(b"a\xc0\xafb.xml", b"x"))
    )
    yield Hostile(
        "tar: a name of no text", "a surrogate", lambda: tar_before(entry(b"\xed\xa0\x80.xml", b"x"))
    )
    for name, path in {
        "NUL": "a\0b.xml",
        "right to left": "\u202egpj.xml",
        "zero width": "users\u200b.xml",
        "another script": "users\u0455.xml",
        "a ligature": "\ufb01les.xml",
        "spaces": "   .xml",
        "a shell": "$(reboot);`id`.xml",
        "SQL": "'; DROP TABLE courses_course; --.xml",
        "script": "<script>alert(1)<%2Fscript>.xml",
    }.items():
        yield Hostile("tar: an odd name that stays a name", name, partial(_named, path))


def _named(path: str) -> bytes:
    return tar_before(entry(path.encode(), b"<a/>"))


def _tar_headers() -> Made:
    for name, size in SIZES.items():
        yield Hostile("tar: a size that is none", name, partial(_sized, size))
    for name, record in PAX.items():
        yield Hostile("tar: a pax record of nonsense", name, partial(_pax, record))
    for name, kind in {"pax": b"x", "global": b"g", "long name": b"L", "long link": b"K"}.items():
        yield Hostile("tar: a name record without end", name, partial(_endless_record, kind))
        yield Hostile("tar: name records without end", name, partial(_many_records, kind))
    for kind in (b"S", b"D", b"M", b"V", b"Z", b"\xff"):
        yield Hostile("tar: an unknown kind of entry", repr(kind), partial(_of_kind, kind))
    yield Hostile("tar: a damaged checksum", "of the second header", lambda: _flipped(600))
    yield Hostile("tar: pax records of quadratic work", "5 bytes each", lambda: _quadratic(b"6 a=b\n"))
    yield Hostile(
        "tar: pax records of quadratic work",
        "40 bytes each",
        lambda: _quadratic(b"40 a=" + b"b" * 34 + b"\n"),
    )


def _sized(size: bytes) -> bytes:
    return tar_before(entry(b"a.xml", size=size))


def _pax(record: bytes) -> bytes:
    return tar_before(entry(b"pax", record, kind=b"x"), entry(b"a.xml", b"x"))


def _endless_record(kind: bytes) -> bytes:
    return tar_before(entry(b"record", kind=kind, size=b"%011o\0" % (1 << 30)))


def _many_records(kind: bytes) -> bytes:
    one = entry(b"record", b"10 path=a\n" if kind in b"xg" else b"name\0", kind=kind)
    return tar_before(one * 2000)


def _of_kind(kind: bytes) -> bytes:
    return tar_before(entry(b"a.xml", b"x", kind=kind))


def _flipped(place: int) -> bytes:
    data = bytearray(entry(b"a.xml", b"x") * 1 + plain_tar())
    data[1024 + place % 512] ^= 0x55
    return gzip.compress(bytes(data), 1, mtime=0)


def _quadratic(line: bytes) -> bytes:
    record = line * (60_000 // len(line))
    return tar_before(
        *(entry(b"pax", record, kind=b"x") + entry(b"a%d.xml" % n, b"<a/>") for n in range(100))
    )


CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


def _zips() -> Made:
    for name, path in CLIMBING.items():
        # A backslash alone is what some Windows programs write between folders.
        yield Hostile("zip: a name that climbs", name, partial(_zip_named, path))
    for name, mode in {
        "link": stat.S_IFLNK,
        "pipe": stat.S_IFIFO,
        "device": stat.S_IFBLK,
        "socket": stat.S_IFSOCK,
    }.items():
        yield Hostile("zip: a link or a device", name, partial(_zip_mode, mode))
    yield Hostile("zip: a member twice", "users", lambda: bytes(zip_with(("users.xml", b"<a/>"))))
    yield Hostile("zip: a member twice", "as a folder", lambda: bytes(zip_with(("users.xml/a.xml", b"<a/>"))))
    for name, (signature, offset, form, value) in {
        "an offset far away": (CENTRAL, 42, "<I", 0x7FFFFFFF),
        "an offset before the file": (END, 16, "<I", 0xFFFFFF00),
        "a directory of 4 GB": (END, 12, "<I", 0xFFFFFF00),
        "a directory that is longer": (END, 12, "<I", 1_000_000),
        "a comment that is longer": (END, 20, "<H", 60_000),
        "a name that is longer": (CENTRAL, 28, "<H", 60_000),
        "an extra field that is longer": (CENTRAL, 30, "<H", 60_000),
    }.items():
        yield Hostile(
            "zip: a directory that lies", name, partial(zip_patched, signature, offset, form, value)
        )
    for name, (offset, value) in {
        "encrypted": (8, 1),
        "bzip2": (10, 12),
        "lzma": (10, 14),
        "method 99": (10, 99),
    }.items():
        yield Hostile("zip: a method of no archive", name, partial(zip_patched, CENTRAL, offset, "<H", value))
    yield Hostile("zip: members that overlap", "twice the same bytes", _overlapping)
    yield Hostile("zip: members without end", "300,000 in the directory", _many_members)


def _zip_named(path: str) -> bytes:
    info = zipfile.ZipInfo("placeholder")
    info.filename = path
    return bytes(zip_with((info, b"x")))


def _zip_mode(mode: int) -> bytes:
    info = zipfile.ZipInfo("a.xml")
    info.external_attr = (mode | 0o777) << 16
    return bytes(zip_with((info, b"/etc/passwd")))


def _overlapping() -> bytes:
    data = zip_with(("zz1.xml", b"<a/>" * 50), ("zz2.xml", b"<a/>" * 50))
    first = data.rindex(CENTRAL, 0, data.rindex(CENTRAL))
    data[data.rindex(CENTRAL) + 42 :][:4] = data[first + 42 : first + 46]
    second = data.rindex(CENTRAL)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


def _many_members() -> bytes:
    one = struct.pack("<4s4B4HL2L5H2L", CENTRAL, 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
    directory = b"".join(one + b"%04x" % (n % 65536) for n in range(300_000))
    return LOCAL + directory + struct.pack("<4s4H2LH", END, 0, 0, 65535, 65535, len(directory), 4, 0)


def _others() -> Made:
    good = packed(members())
    for name, content in {
        "empty": b"",
        "a picture": b"GIF89a" + bytes(99),
        "a page": b"<html><script>alert(1)</script></html>",
        "a pickle": b"\x80\x04\x95cos\nsystem\n(S'id'\ntR.",
        "the start of a zip": b"PK",
        "the start of a gzip": b"\x1f",
        "a gzip of a text": gzip.compress(b"text" * 999, mtime=0),
        "an archive in a gzip twice": gzip.compress(good, mtime=0),
        "another tar": gzip.compress(entry(b"hello.txt", b"hello") + bytes(1024), mtime=0),
        "an archive in a tar": gzip.compress(entry(b"inner.mbz", good) + bytes(1024), mtime=0),
    }.items():
        yield Hostile("no archive", name, partial(bytes, content))
    for part in (20, 50, 80, 99):
        yield Hostile("cut", f"after {part} percent", lambda part=part: good[: len(good) * part // 100])  # type: ignore[misc]
    for byte in range(4):
        yield Hostile("a gzip that is damaged", f"byte {byte}", partial(_damaged, 100 + byte * 97))
    yield Hostile("a gzip that is damaged", "another checksum", lambda: good[:-8] + b"\0\0\0\0" + good[-4:])
    yield Hostile("no manifest", "without moodle_backup.xml", _without_manifest)


def _damaged(place: int) -> bytes:
    data = bytearray(packed(members()))
    data[place] ^= 0x5A
    return bytes(data)


def _without_manifest() -> bytes:
    return packed({path: content for path, content in members().items() if path != MANIFEST})


def _bombs() -> Made:
    yield Hostile(
        "a bomb",
        "zeros in a tar",
        lambda: gzip.compress(entry(b"a.xml", bytes(40 << 20)) + plain_tar(), 9, mtime=0),
    )
    yield Hostile("a bomb", "zeros in a zip", lambda: bytes(zip_with(("a.xml", bytes(40 << 20)))))
    yield Hostile("a bomb", "300,000 empty members", _empty_members)
    yield Hostile(
        "a bomb", "an index of 40 MB", lambda: tar_before(entry(b".ARCHIVE_INDEX", _lines(40 << 20)))
    )
    yield Hostile(
        "a bomb", "zeros after the end", lambda: gzip.compress(plain_tar() + bytes(60 << 20), 9, mtime=0)
    )


def _lines(size: int) -> bytes:
    return b"".join(b"files/%02x/%040x\tf\t%d\t\n" % (n % 256, n * 7919, n) for n in range(size // 60))


def _empty_members() -> bytes:
    return gzip.compress(
        b"".join(entry(b"files/%02x/%040x" % (n % 256, n)) for n in range(300_000)), 1, mtime=0
    )
