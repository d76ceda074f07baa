"""Archives that are damaged or made to do harm: each is refused with one sentence and leaves nothing."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from archive.container import open_archive
from archive.errors import ArchiveError, DamagedArchive, HostileArchive, NotAnArchive, UnsupportedArchive
from archive.limits import Limits
from archive.verify import verify

from . import sample

CONTAINERS: tuple[Literal["tar.gz", "zip"], ...] = ("tar.gz", "zip")
CLIMBING = ["../x.xml", "a/../../x.xml", "/etc/x", "a/./b", "a//b", "a\\..\\b", "C:x", "a\nb", "..", "a/.."]


def read_all(packed: bytes, limits: Limits) -> None:
    with open_archive(io.BytesIO(packed), limits=limits) as archive:
        for path in archive.members:
            archive.read(path)


def refuse(packed: bytes, kind: type[ArchiveError], *, limits: Limits | None = None) -> ArchiveError:
    """Open the archive and read all of it; it has to be refused with one sentence."""
    with pytest.raises(kind) as caught:
        read_all(packed, limits or Limits())
    assert "\n" not in caught.value.sentence()
    assert caught.value.message.endswith(".")
    return caught.value


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as packed:
        for name, content in entries:
            packed.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.8, 0.98, 0.999])
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_truncated_archive_is_refused_with_one_sentence(
    container: Literal["tar.gz", "zip"], part: float
) -> None:
    packed = sample.pack(sample.members(), container=container)
    refuse(packed[: int(len(packed) * part)], DamagedArchive)


@pytest.mark.parametrize("blocks", [1, 7, 20])
def test_a_tar_that_was_cut_and_compressed_again_is_refused(blocks: int) -> None:
    plain = gzip.decompress(sample.pack(sample.members()))
    refuse(gzip.compress(plain[: 512 * blocks]), DamagedArchive)


def test_a_changed_byte_is_noticed() -> None:
    for container in CONTAINERS:
        packed = bytearray(sample.pack(sample.members(), container=container))
        packed[len(packed) // 3] ^= 0x55
        refuse(bytes(packed), DamagedArchive)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<?xml version='1.0'?><moodle/>",
        b"PK",
        b"\x1f",
        gzip.compress(b"text" * 999, mtime=0),
    ],
)
def test_what_is_no_archive_is_called_so(content: bytes) -> None:
    refuse(content, NotAnArchive)


@pytest.mark.parametrize("name", CLIMBING)
def test_a_path_that_climbs_is_refused(name: str) -> None:
    refuse(sample.tar_of((name, b"x"), form=tarfile.PAX_FORMAT), HostileArchive)
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name
    refuse(zip_of((entry, b"x")), HostileArchive)


def test_a_path_with_a_nul_is_refused() -> None:
    packed = zip_of(("abcXdef.xml", b"x")).replace(b"abcXdef.xml", b"abc\0def.xml")
    refuse(packed, HostileArchive)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_a_link_or_a_device_is_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("users.xml")
    entry.type, entry.linkname = kind, "/etc/passwd"
    refuse(sample.tar_of((entry, b"")), HostileArchive)


def test_a_hard_link_of_a_member_to_itself_is_passed_over() -> None:
    """Where files are packed by hand, and one is named twice, tar writes that."""
    entry = tarfile.TarInfo("users.xml")
    entry.type, entry.linkname = tarfile.LNKTYPE, "./users.xml"
    with open_archive(io.BytesIO(sample.tar_of(("./users.xml", b"<users/>"), (entry, b"")))) as archive:
        assert archive.read("users.xml") == b"<users/>"


def test_a_link_in_a_zip_is_refused() -> None:
    entry = zipfile.ZipInfo("users.xml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    refuse(zip_of((entry, b"/etc/passwd")), HostileArchive)


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "users.xml").symlink_to("/etc/passwd")
    with pytest.raises(HostileArchive):
        open_archive(tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused() -> None:
    entries = (("users.xml", b"one"), ("users.xml", b"two"))
    assert refuse(sample.tar_of(*entries), HostileArchive).where == "users.xml"
    assert refuse(zip_of(*entries), HostileArchive).where == "users.xml"


def test_a_name_that_is_both_file_and_folder_is_refused() -> None:
    refuse(sample.tar_of(("course", b"x"), ("course/course.xml", b"y")), HostileArchive)


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused_early() -> None:
    zeros = bytes(64 * 1024 * 1024)
    for packed in (sample.tar_of(("a.xml", zeros)), zip_of(("a.xml", zeros))):
        assert len(packed) < 100_000
        assert "200 times" in refuse(packed, HostileArchive).message


def test_an_archive_that_unpacks_to_ten_thousand_times_its_size_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("a.xml", bytes(16 * 1024 * 1024))
        # The same bytes once more under other names: the bomb of members that overlap.
        first = packed.filelist[0]
        for number in range(40):
            again = zipfile.ZipInfo(f"b{number}.xml")
            for slot in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(again, slot, getattr(first, slot))
            packed.filelist.append(again)
    assert sum(entry.file_size for entry in packed.filelist) > 10_000 * len(target.getvalue())
    refuse(target.getvalue(), HostileArchive)


def test_members_that_share_their_bytes_are_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("a.xml", b"<a/>")
        again = zipfile.ZipInfo("b.xml")
        for slot in ("CRC", "compress_size", "file_size", "header_offset"):
            setattr(again, slot, getattr(packed.filelist[0], slot))
        packed.filelist.append(again)
    assert "share" in refuse(target.getvalue(), HostileArchive).message


def test_a_zip_that_lies_about_a_size_is_noticed_when_the_member_is_read() -> None:
    packed = bytearray(zip_of(("a.xml", b"x" * 5000)))
    for place in (packed.index(b"PK\x03\x04") + 22, packed.index(b"PK\x01\x02") + 24):
        packed[place : place + 4] = (100).to_bytes(4, "little")
    refuse(bytes(packed), DamagedArchive)


def test_an_encrypted_zip_is_not_supported() -> None:
    packed = bytearray(zip_of(("a.xml", b"secret")))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    packed[packed.index(b"PK\x03\x04") + 6] |= 1
    assert "encrypted" in refuse(bytes(packed), UnsupportedArchive).message


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_compression_that_no_course_archive_has_is_not_supported(method: int) -> None:
    refuse(zip_of(("a.xml", b"text"), method=method), UnsupportedArchive)


@pytest.mark.parametrize(
    "limits",
    [Limits(members=3), Limits(member=10), Limits(unpacked=100), Limits(depth=1), Limits(path=8)],
)
@pytest.mark.parametrize("container", CONTAINERS)
def test_each_limit_holds(container: Literal["tar.gz", "zip"], limits: Limits) -> None:
    refuse(sample.pack(sample.members(), container=container), HostileArchive, limits=limits)


def test_a_pax_record_that_says_nonsense_is_damage() -> None:
    packed = bytearray(gzip.decompress(sample.tar_of(("é" * 120, b"x"), form=tarfile.PAX_FORMAT)))
    place = packed.index(b" path=")
    packed[place - 3 : place] = b"999"
    refuse(gzip.compress(bytes(packed)), DamagedArchive)


def test_a_name_record_without_end_is_refused() -> None:
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    refuse(gzip.compress(bytes(header)), HostileArchive)


def test_nothing_is_written_outside_of_the_temporary_file(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(HostileArchive):
        open_archive(io.BytesIO(sample.tar_of(("../outside", b"x"))), tempdir=inside)
    assert not outside.exists()
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_changed_byte_of_a_small_archive_is_refused_or_harmless(
    container: Literal["tar.gz", "zip"],
) -> None:
    contents = {"moodle_backup.xml": b"<a>" + bytes(range(32, 127)) + b"</a>", "b.xml": b"<b/>"}
    packed = sample.pack(contents, container=container)
    for place in range(0, len(packed), 3):
        changed = bytearray(packed)
        changed[place] ^= 0xFF
        sentence = ""
        try:
            with open_archive(io.BytesIO(bytes(changed))) as archive:
                list(verify(archive))
                for path in archive.members:
                    archive.read(path)
        except ArchiveError as error:
            sentence = error.sentence()
        assert "\n" not in sentence
