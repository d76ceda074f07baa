"""Zips as they are written: what stands in their headers, how large they are, and that other readers read them."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import compression, zip_headers
from archive.compression import NO_SUMS
from archive.container import ArchiveWriter, open_archive
from archive.errors import DamagedContent
from archive.parallel import AHEAD
from archive.streams import CHUNK
from archive.zip_headers import LATEST, STORED, STREAMED, UTF8
from archive.zip_writer import PackedMember, write_zip
from tests.archive import sample

MOODLES_ZIP = 2_975_968
"""Bytes of the zip that Moodle 4.5.5 made of the course of `rich1-users.mbz`, with entries of folders."""

PHP = """
$zip = new ZipArchive();
if ($zip->open($argv[1], ZipArchive::CHECKCONS) !== true) { exit(1); }
$found = [];
for ($i = 0; $i < $zip->numFiles; $i++) {
    $name = $zip->getNameIndex($i);
    $content = $zip->getFromIndex($i);
    if ($content === false) { exit(2); }
    $found[$name] = sha1($content);
}
echo json_encode($found);
"""

FILM = random.Random(1).randbytes(CHUNK + 70_000)
TEXT = b"".join(b'<post id="%d"><subject>About %d</subject></post>\n' % (n, n * n) for n in range(60_000))
LARGE = {
    "moodle_backup.xml": b"<moodle_backup/>",
    "empty.xml": b"",
    "activities/forum_1/forum.xml": TEXT,
    "files/aa/film": FILM,
    "files/bb/text": TEXT,
    "files/cc/picture": FILM[:50_000],
    "files/dd/name-é-名.txt": b"text " * 50,
}
"""One member of each way in which they are written."""


def entries_of(data: bytes) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {entry.filename: entry for entry in found.infolist()}


def contents_in(data: bytes) -> dict[str, bytes]:
    """The members by the standard library."""
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {entry.filename: found.read(entry) for entry in found.infolist() if not entry.is_dir()}


def assert_readable(data: bytes, contents: Mapping[str, bytes]) -> None:
    """Assert that the standard library and our own reader find these members."""
    assert contents_in(data) == contents
    with open_archive(io.BytesIO(data)) as archive:
        assert {path: archive.read(path) for path in archive.members} == contents


def local_header(data: bytes, entry: zipfile.ZipInfo) -> tuple[int, ...]:
    """Flags, checksum, packed size and size in the header before a member's bytes."""
    fields = struct.unpack_from("<4s5H3L2H", data, entry.header_offset)
    return fields[2], *fields[6:9]


PATHS = st.lists(
    st.text(st.sampled_from("abz09_-. éß名😀"), min_size=1, max_size=8)
    .filter(lambda name: not set(name) <= {".", " "})
    .map("folder/{}x".format)
    | st.integers(0, 40).map("activities/page_{}/page.xml".format)
    | st.integers(0, 40).map("files/ab/{}".format),
    max_size=8,
    unique=True,
)


@given(PATHS, st.lists(st.binary(max_size=3_000), min_size=8, max_size=8))
@settings(max_examples=80, derandomize=True)
def test_any_names_and_contents_come_back(paths: list[str], contents: list[bytes]) -> None:
    members = dict(zip(paths, contents, strict=False))
    assert_readable(sample.pack(members, container="zip"), members)


@pytest.mark.usefixtures("by_each_library")
def test_members_of_each_length_come_back() -> None:
    assert_readable(sample.pack(LARGE, container="zip"), LARGE)


@pytest.mark.usefixtures("by_each_library")
def test_the_same_members_give_the_same_zip_each_time() -> None:
    assert len({sample.pack(LARGE, container="zip") for _ in range(3)}) == 1


def test_a_long_member_is_the_same_in_a_zip_however_it_is_written() -> None:
    def packed(step: int) -> bytes:
        target = io.BytesIO()
        with ArchiveWriter(target, date=sample.DATE, container="zip") as writer:
            with writer.member("forum.xml") as stream:
                for at in range(0, len(TEXT), step):
                    stream.write(TEXT[at : at + step])
            writer.finish()
        return target.getvalue()

    assert packed(len(TEXT)) == packed(7_919)


def test_sizes_and_checksums_stand_before_the_bytes_of_members_that_are_in_memory_or_compressed_already() -> (
    None
):
    data = sample.pack(LARGE, container="zip")
    for path, entry in entries_of(data).items():
        flags, *numbers = local_header(data, entry)
        long_content = path in ("files/aa/film", "files/bb/text")
        long_member = path.endswith("forum.xml") and not compression.can_pack()
        assert bool(flags & STREAMED) == (long_content or long_member), path
        if not flags & STREAMED:
            assert numbers == [entry.CRC, entry.compress_size, entry.file_size], path


def test_no_member_is_larger_than_its_content() -> None:
    entries = entries_of(sample.pack({"files/aa/noise": FILM[:5_000], "a.xml": b"a"}, container="zip"))
    assert {entry.compress_type for entry in entries.values()} == {zipfile.ZIP_STORED}


def test_names_that_are_not_ascii_are_marked_as_utf_8_and_no_others() -> None:
    for path, entry in entries_of(sample.pack(LARGE, container="zip")).items():
        assert bool(entry.flag_bits & UTF8) == (not path.isascii())


@pytest.mark.parametrize(
    ("date", "read"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (1_800_000_000, (2027, 1, 15, 8, 0, 0)),
        (LATEST, (2107, 12, 31, 23, 59, 58)),
        (LATEST + 10**9, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_the_date_is_the_one_that_was_asked_for_or_the_nearest_that_a_zip_knows(
    date: int, read: tuple[int, ...]
) -> None:
    entries = entries_of(sample.pack({"a/b.xml": b"<b/>"}, container="zip", date=date))
    assert {entry.date_time for entry in entries.values()} == {read}


def test_folders_are_no_members() -> None:
    entries = entries_of(sample.pack({"a/b/c.xml": b"<c/>"}, container="zip"))
    assert {path: entry.external_attr for path, entry in entries.items()} == {"a/b/c.xml": 0o100644 << 16}


@pytest.mark.usefixtures("by_each_library")
@pytest.mark.parametrize("largest", [1, 60, 1_000, 60_000, 2_000_000])
def test_sizes_and_positions_that_are_too_large_stand_in_zip64(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, largest: int
) -> None:
    """The limit is 4 GB; lowered, all readers have to find the same members."""
    monkeypatch.setattr(zip_headers, "LARGEST", largest)
    data = sample.pack(LARGE, container="zip")
    assert_readable(data, LARGE)
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tq", str(path)], check=True, capture_output=True)
    assert read_by_php(path) in (
        None,
        {name: hashlib.sha1(content).hexdigest() for name, content in LARGE.items()},
    )


def test_more_entries_than_the_end_record_can_count_stand_in_that_of_zip64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = sample.pack(sample.members(), container="zip")
    monkeypatch.setattr(zip_headers, "MOST_ENTRIES", len(entries_of(plain)))
    data = sample.pack(sample.members(), container="zip")
    assert len(data) == len(plain) + 56 + 20
    assert_readable(data, sample.members())


def test_more_entries_than_65535_come_back() -> None:
    members = [PackedMember(f"{number}.xml", STORED, (), 0, NO_SUMS) for number in range(65_540)]
    target = io.BytesIO()
    write_zip(cast(BinaryIO, target), members, date=sample.DATE)
    assert len(entries_of(target.getvalue())) == 65_540


def test_a_small_zip_needs_no_zip64() -> None:
    data = sample.pack(LARGE, container="zip")
    assert {entry.extract_version for entry in entries_of(data).values()} == {20}
    assert b"PK\6\6" not in data[-100:]


def test_a_content_that_is_not_what_was_announced_is_damaged_however_long_it_is() -> None:
    for content in (FILM, FILM[:100]):
        path = f"files/{'0' * 40}"
        with ArchiveWriter(io.BytesIO(), date=sample.DATE, container="zip") as writer:
            writer.content(path, len(content), partial(io.BytesIO, content))
            with pytest.raises(DamagedContent, match="not what it was"):
                writer.finish()
        with ArchiveWriter(io.BytesIO(), date=sample.DATE, container="zip") as writer:
            writer.content("files/aa/short", len(content) + 1, partial(io.BytesIO, content))
            with pytest.raises(DamagedContent, match="not what it was"):
                writer.finish()


def test_few_contents_are_in_memory_at_once() -> None:
    """A content is in memory from its reading to its writing; `in_order` reads so many before the first is written."""
    opened = 0

    class Target(io.BytesIO):
        most = 0

        def write(self, data: object) -> int:
            Target.most = max(Target.most, opened - len(contents_written))
            if len(cast(bytes, data)) == CHUNK:
                contents_written.append(1)
            return len(cast(bytes, data))

    def opener(number: int) -> io.BytesIO:
        nonlocal opened
        opened += 1
        return io.BytesIO(random.Random(number).randbytes(CHUNK))

    contents_written: list[int] = []
    with ArchiveWriter(Target(), date=sample.DATE, container="zip") as writer:
        for number in range(30):
            writer.content(f"files/aa/{number}", CHUNK, partial(opener, number))
        writer.finish()
    assert len(contents_written) == 30
    assert Target.most <= compression.THREADS * AHEAD + 1


def test_a_full_disk_ends_the_zip_with_its_error() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with ArchiveWriter(Full(), date=sample.DATE, container="zip") as writer:
        with writer.member("a.xml") as stream:
            stream.write(TEXT)
        writer.content("files/aa/film", len(FILM), partial(io.BytesIO, FILM))
        with pytest.raises(OSError, match="No space left"):
            writer.finish()


def test_a_rich_course_as_a_zip_is_smaller_than_moodles(fixtures: Path) -> None:
    packed = sample.pack(sample.contents_of(fixtures / "rich1-users.mbz"), container="zip")
    assert len(packed) <= MOODLES_ZIP


def test_headers_of_a_rich_course_are_as_large_as_moodles(fixtures: Path) -> None:
    """Nothing stands behind the members of a course without long files."""
    entries = entries_of(
        data := sample.pack(sample.contents_of(fixtures / "rich1-users.mbz"), container="zip")
    )
    names = sum(len(path.encode()) for path in entries)
    assert (
        len(data)
        == sum(entry.compress_size for entry in entries.values()) + len(entries) * 76 + 2 * names + 22
    )


def test_the_reader_of_moodle_reads_a_zip(tmp_path: Path, fixtures: Path) -> None:
    """PHP's ZipArchive, with all its checks of headers against the directory."""
    for number, contents in enumerate((LARGE, sample.contents_of(fixtures / "rich1-users.mbz"))):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(sample.pack(contents, container="zip"))
        found = read_by_php(path)
        if found is None:
            pytest.skip("PHP is not installed, or has no ZipArchive")
        assert found == {name: hashlib.sha1(content).hexdigest() for name, content in contents.items()}


def read_by_php(path: Path) -> dict[str, str] | None:
    """The SHA-1 of each member by its path, as PHP reads it; None where there is no PHP."""
    php = shutil.which("php")
    if (
        php is None
        or b"zip" not in subprocess.run([php, "-m"], capture_output=True, check=True).stdout.split()
    ):
        return None
    done = subprocess.run([php, "-r", PHP, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return {name: digest for name, digest in found.items() if not name.endswith("/")}
