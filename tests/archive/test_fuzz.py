"""Fuzzing of the readers of containers, XML and manifests: whatever the bytes are, only the archive's own errors come out.

Each test makes RUNS attempts, always the same ones; COURSEKEEP_FUZZ_RUNS asks for another number, of others each time.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import opaque, versions, xml
from archive.comparison.digest import read_records
from archive.comparison.identities import Presence
from archive.container import open_archive
from archive.errors import ArchiveError
from archive.inspect import describe
from archive.manifest import parse_manifest, read_manifest
from archive.verify import verify
from tests.archive import sample
from tests.archives_made import members, packed

RUNS = 300
ASKED = os.environ.get("COURSEKEEP_FUZZ_RUNS", "")
fuzzing = settings(
    max_examples=int(ASKED) if ASKED else RUNS,
    derandomize=not ASKED,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

PIECES = (
    b"", b"\0", b"\xff", b"<", b">", b"</", b"/>", b"&", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"]]>",
    b"<?", b"?>", b"-1", b"9" * 30, "²".encode(), b'"', b"'", b"=", b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04", b"ustar",
    b"\xff" * 8, b"<a>" * 250, b'xmlns="x"', b"$@NULL@$", b"../", b"\xed\xa0\x80", b"0" * 12, b"77777777777",
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Return a function that changes bytes: some are replaced, removed, repeated, exchanged or cut off."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["replace", "remove", "repeat", "insert", "cut", "swap"]),
                st.floats(0, 1, allow_nan=False),
                st.integers(1, 64),
                st.sampled_from(PIECES) | st.binary(max_size=16),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def mutate(data: bytes) -> bytes:
        for step, part, length, piece in steps:
            at = int(part * len(data))
            one = data[at : at + length]
            if step == "replace":
                data = data[:at] + piece + data[at + len(piece) :]
            elif step == "remove":
                data = data[:at] + data[at + length :]
            elif step == "repeat":
                data = data[:at] + one * 3 + data[at:]
            elif step == "insert":
                data = data[:at] + piece + data[at:]
            elif step == "cut":
                data = data[: max(at, 1)]
            else:
                data = data[:at] + data[at + length : at + 2 * length] + one + data[at + 2 * length :]
        return data

    return mutate


@contextmanager
def only_archive_errors() -> Iterator[None]:
    """Pass over an ArchiveError, which is one line; anything else comes out."""
    try:
        yield
    except ArchiveError as error:
        if "\n" in error.sentence():
            raise AssertionError(error.sentence()) from error


@lru_cache(maxsize=1)
def plain_tar() -> bytes:
    return gzip.decompress(packed(members()))


@lru_cache(maxsize=1)
def zipped() -> bytes:
    return packed(members(), container="zip")


def read_all(data: bytes) -> None:
    """Open an archive and do with it what needs no site. Raises nothing but ArchiveError."""
    with only_archive_errors(), open_archive(io.BytesIO(data)) as archive:
        list(verify(archive))
        manifest = read_manifest(archive)
        versions.modernise(archive, manifest.backup_version)
        describe(archive)
        for path in archive.members:
            archive.read(path)


@fuzzing
@given(mutations())
def test_whatever_a_tar_holds_only_archive_errors_come_out(mutate: Callable[[bytes], bytes]) -> None:
    read_all(gzip.compress(mutate(plain_tar()), 1, mtime=0))


@fuzzing
@given(mutations())
def test_whatever_a_gzip_holds_only_archive_errors_come_out(mutate: Callable[[bytes], bytes]) -> None:
    read_all(mutate(packed(members())))


@fuzzing
@given(mutations())
def test_whatever_a_zip_holds_only_archive_errors_come_out(mutate: Callable[[bytes], bytes]) -> None:
    read_all(mutate(zipped()))


@fuzzing
@given(st.binary(max_size=2000))
def test_whatever_bytes_there_are_only_archive_errors_come_out(data: bytes) -> None:
    for start in (b"", b"\x1f\x8b", b"PK\x03\x04"):
        read_all(start + data)


@fuzzing
@given(mutations(), st.sampled_from([path for path in sample.members() if path.endswith(".xml")]))
def test_whatever_xml_says_only_archive_errors_come_out(mutate: Callable[[bytes], bytes], path: str) -> None:
    data = mutate(sample.members()[path])
    readers: tuple[Callable[[], object], ...] = (
        lambda: xml.check(io.BytesIO(data), member=path),
        lambda: xml.parse(data, member=path),
        lambda: [
            element.findtext("id")
            for element in xml.records(io.BytesIO(data), member=path, tags=("post", "user"))
        ],
        lambda: list(opaque.rewrite(io.BytesIO(data), member=path, mapped=lambda _, old: old)),
        lambda: list(opaque.rewrite(io.BytesIO(data), member=path, mapped=lambda _, old: None, people=False)),
        lambda: list(read_records(sample.archive_of({path: data}), path, Presence())),
    )
    for reader in readers:
        with only_archive_errors():
            reader()


@fuzzing
@given(mutations())
def test_whatever_a_manifest_says_only_archive_errors_come_out(mutate: Callable[[bytes], bytes]) -> None:
    with only_archive_errors():
        parse_manifest(mutate(members()["moodle_backup.xml"]))
