"""The gzip stream of an archive: what is in it, how large it is, and what is written and read for it. No clock is needed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import random
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import compression
from archive.compression import APART_FROM, BLOCK, WINDOW, Method, Portion, deflated, gzip_blocks, method_for
from archive.container import ArchiveWriter, open_archive
from archive.spool import LONG
from archive.writer import Packing, standard_order
from tests.archive import sample

pytestmark = pytest.mark.usefixtures("by_each_library")

CONTAINERS: tuple[Packing, ...] = ("tar.gz", "zip")
FILM = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
TEXT = b"".join(
    b'<post id="%d"><parent>%d</parent><subject>%s</subject><created>17%08d</created></post>\n'
    % (number, number // 3, hashlib.sha1(b"%d" % (number % 500)).hexdigest().encode(), number * 977 % 10**8)
    for number in range(20_000)
)


def packed(*pieces: Portion) -> bytes:
    return b"".join(gzip_blocks(pieces))


def name_of(data: bytes) -> str:
    sha1 = hashlib.sha1(data).hexdigest()
    return f"files/{sha1[:2]}/{sha1}"


class Counted(io.BytesIO):
    """A stored file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        Counted.count += len(data)
        return data


def archive_of(*contents: bytes, container: Packing = "tar.gz") -> bytes:
    """An archive of the small members and these contents of files."""
    target = io.BytesIO()
    with ArchiveWriter(target, date=sample.DATE, container=container) as writer:
        for path, data in sample.members().items():
            with writer.member(path) as stream:
                stream.write(data)
        for data in contents:
            writer.content(name_of(data), len(data), lambda data=data: Counted(data))  # type: ignore[misc]
        writer.finish()
    return target.getvalue()


PIECES = st.lists(
    st.tuples(st.binary(max_size=2_000), st.sampled_from(get_args(Method))).map(
        lambda found: Portion(*found)
    ),
    max_size=12,
)


@given(PIECES)
def test_the_stream_unpacks_to_the_pieces(pieces: list[Portion]) -> None:
    assert gzip.decompress(packed(*pieces)) == b"".join(piece.data for piece in pieces)


@pytest.mark.parametrize("size", [0, 1, WINDOW, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_lengths_around_those_of_blocks_come_back(size: int) -> None:
    data = TEXT[:size]
    for pieces in (
        [Portion(data)],
        [Portion(data, "stored")],
        [Portion(data), Portion(FILM, "stored"), Portion(data)],
    ):
        assert gzip.decompress(packed(*pieces)) == b"".join(piece.data for piece in pieces)


def test_the_stream_is_one_member_of_gzip() -> None:
    """Readers such as that of PHP need not go on after the first."""
    reader = zlib.decompressobj(wbits=31)
    data = reader.decompress(packed(Portion(TEXT), Portion(FILM, "stored"), Portion(TEXT)))
    assert (data, reader.eof, reader.unused_data) == (TEXT + FILM + TEXT, True, b"")


def test_the_bytes_do_not_depend_on_how_the_text_is_delivered() -> None:
    whole = packed(Portion(TEXT), Portion(FILM, "stored"), Portion(TEXT))
    cut = [Portion(TEXT[at : at + 777]) for at in range(0, len(TEXT), 777)]
    assert packed(*cut, Portion(FILM, "stored"), *cut) == whole


def test_an_error_of_the_source_ends_the_stream_with_that_error() -> None:
    def broken() -> Iterator[Portion]:
        yield Portion(TEXT)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        b"".join(gzip_blocks(broken()))


def test_text_is_no_larger_than_level_6_of_zlib_makes_it() -> None:
    """Level 6 is that of other programs which write these archives."""
    assert len(packed(Portion(TEXT))) <= 1.02 * len(gzip.compress(TEXT, 6, mtime=0))


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_film_is_read_once_and_stored_as_it_is(container: Packing) -> None:
    Counted.count = 0
    with_film, without = archive_of(FILM, container=container), archive_of(container=container)
    assert Counted.count == len(FILM)
    assert len(with_film) - len(without) <= len(FILM) * 1.0002 + 300
    assert FILM[132_000:192_000] in with_film
    with open_archive(io.BytesIO(with_film)) as archive:
        assert archive.read(name_of(FILM)) == FILM


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_that_becomes_smaller_is_compressed(container: Packing) -> None:
    grown = len(archive_of(TEXT, container=container)) - len(archive_of(container=container))
    assert grown <= 1.05 * len(zlib.compress(TEXT, 6)) + 300


def test_each_byte_of_a_film_is_written_once() -> None:
    class Target(io.RawIOBase):
        count = 0

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.count += len(cast(bytes, data))
            return len(cast(bytes, data))

    target = Target()
    with ArchiveWriter(cast(BinaryIO, target), date=sample.DATE, hashed=True) as writer:
        writer.content(name_of(FILM), len(FILM), lambda: io.BytesIO(FILM))
        written = writer.finish()
    assert target.count == written.size <= len(FILM) * 1.0002 + 1000


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_digest_that_is_computed_on_the_way_is_that_of_the_file(container: Packing) -> None:
    target = io.BytesIO()
    with ArchiveWriter(target, date=sample.DATE, container=container, hashed=True) as writer:
        writer.content(name_of(FILM), len(FILM), lambda: io.BytesIO(FILM))
        assert writer.finish().sha256 == hashlib.sha256(target.getvalue()).hexdigest()


def zipped(*files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        for number, data in enumerate(files):
            out.writestr(f"content/images/a-name-that-is-somewhat-long-{number:05}.bin", data)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (FILM, "stored"),
        (FILM[:APART_FROM], "stored"),
        (FILM[: APART_FROM - 1], "small"),
        (bz2.compress(TEXT), "quick"),
        (zipped(FILM), "stored"),
        (zipped(*(FILM[at : at + 1500] for at in range(0, 900_000, 1500))), "quick"),
        (TEXT, "small"),
        (bytes(100_000), "small"),
        (bytes(FILM[at] & 0x3F | 0x40 for at in range(100_000)), "small"),
        (b"", "small"),
    ],
    ids=[
        "film",
        "smallest",
        "too small",
        "bzip2",
        "zip",
        "zip of small files",
        "text",
        "zeros",
        "base64",
        "empty",
    ],
)
def test_samples_tell_what_is_compressed_already(data: bytes, method: Method) -> None:
    assert method_for(data) == method


def test_a_film_in_a_zip_has_the_method_stored_and_text_has_not() -> None:
    with zipfile.ZipFile(io.BytesIO(archive_of(FILM, TEXT, container="zip"))) as found:
        methods: dict[str, int] = {entry.filename: entry.compress_type for entry in found.infolist()}
        assert found.testzip() is None
    assert methods[name_of(FILM)] == zipfile.ZIP_STORED
    assert methods[name_of(TEXT)] == zipfile.ZIP_DEFLATED
    assert methods["users.xml"] == zipfile.ZIP_DEFLATED


def test_members_of_one_name_are_next_to_each_other_between_the_head_and_the_contents() -> None:
    paths = [
        f"activities/{folder}/{name}.xml" for folder in ("quiz_1", "quiz_2") for name in ("grades", "quiz")
    ]
    head, tail = ["moodle_backup.xml", "files.xml"], ["moodle_backup.log", "files/aa/aaaa", "files/ab/ab00"]
    assert sorted([*paths, *tail, *head], key=standard_order) == [*head, *paths[0::2], *paths[1::2], *tail]


@pytest.mark.parametrize("size", [100, 300, 2_000, 10_000, 100_000])
def test_a_member_of_a_zip_is_as_small_as_the_better_of_both_levels_makes_it(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The higher level makes short members smaller, the lower one makes long members smaller."""
    sizes = {}
    for one in (compression.ALONE, compression.ALONE_SHORT):
        with monkeypatch.context() as patch:
            patch.setattr(compression, "ALONE", one)
            patch.setattr(compression, "ALONE_SHORT", one)
            sizes[one.level] = len(deflated(TEXT[:size]))
    assert len(deflated(TEXT[:size])) == min(sizes.values())


def test_the_same_members_give_the_same_bytes_each_time() -> None:
    assert len({archive_of(FILM, TEXT) for _ in range(3)}) == 1


LONG_TEXT = TEXT * (3 * LONG // len(TEXT) + 1)


def written(pieces: list[bytes], *, container: Packing) -> tuple[bytes, str, int]:
    """An archive with a long member that is written in pieces: its bytes, the member's digest, and what was spooled."""
    target = io.BytesIO()
    with ArchiveWriter(target, date=1_700_000_000, container=container) as writer:
        with writer.member("activities/forum_1/forum.xml") as stream:
            for piece in pieces:
                stream.write(piece)
        with writer.member("moodle_backup.xml") as stream:
            stream.write(b"<moodle_backup/>")
        digest = writer.digests().members["activities/forum_1/forum.xml"]
        spooled = writer._spool.size
        writer.finish()
    return target.getvalue(), digest, spooled


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("size", [LONG - 1, LONG, LONG + 1, LONG + BLOCK, len(LONG_TEXT)])
def test_a_long_member_comes_back_whole(container: Packing, size: int) -> None:
    text = LONG_TEXT[:size]
    data, digest, _ = written(
        [text[at : at + 100_000] for at in range(0, size, 100_000)], container=container
    )
    assert digest == hashlib.sha256(text).hexdigest()
    with open_archive(io.BytesIO(data)) as archive:
        assert archive.read("activities/forum_1/forum.xml") == text
        assert archive.read("moodle_backup.xml") == b"<moodle_backup/>"


def test_a_long_member_is_the_same_however_it_is_written() -> None:
    at_once = written([LONG_TEXT], container="tar.gz")
    step = 7_919
    in_pieces = written(
        [LONG_TEXT[at : at + step] for at in range(0, len(LONG_TEXT), step)], container="tar.gz"
    )
    assert at_once[:2] == in_pieces[:2]
    assert zlib.decompressobj(31).decompress(at_once[0])[-1024:] == bytes(1024)


def test_a_long_member_waits_compressed_if_checksums_can_be_combined() -> None:
    _, _, spooled = written([LONG_TEXT], container="tar.gz")
    assert (spooled < len(LONG_TEXT) // 2) == compression.can_pack()


def test_long_members_can_be_written_several_at_once() -> None:
    target = io.BytesIO()
    texts = {"one.xml": LONG_TEXT, "two.xml": LONG_TEXT[::-1]}
    with ArchiveWriter(target, date=1_700_000_000) as writer:
        with writer.member("one.xml") as one, writer.member("two.xml") as two:
            for at in range(0, len(LONG_TEXT), 50_000):
                one.write(texts["one.xml"][at : at + 50_000])
                two.write(texts["two.xml"][at : at + 50_000])
        writer.finish()
    with open_archive(io.BytesIO(target.getvalue())) as archive:
        assert {path: archive.read(path) for path in archive.members} == texts


def test_a_long_member_that_fails_is_not_in_the_archive() -> None:
    target = io.BytesIO()
    with ArchiveWriter(target, date=1_700_000_000) as writer:
        with suppress(ZeroDivisionError), writer.member("one.xml") as stream:
            stream.write(LONG_TEXT)
            raise ZeroDivisionError
        with writer.member("two.xml") as stream:
            stream.write(LONG_TEXT)
        writer.finish()
    with open_archive(io.BytesIO(target.getvalue())) as archive:
        assert list(archive.members) == ["two.xml"]
        assert archive.read("two.xml") == LONG_TEXT
