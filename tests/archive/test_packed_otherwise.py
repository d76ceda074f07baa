"""Archives that people or programs packed otherwise are read; packages of other formats are called by their name."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from archive.container import open_archive
from archive.errors import ArchiveError, HostileArchive, NotAnArchive, UnsupportedArchive
from archive.limits import DEFAULT
from archive.manifest import read_manifest

from . import sample

INSIDE = sample.pack(sample.members())
STRAY = {
    ".DS_Store": b"\0\1",
    "Thumbs.db": b"\0\1",
    "desktop.ini": b"[x]",
    "Read me.txt": b"Dear colleague, < & >",
    "__MACOSX/._course.mbz": b"\0",
}


def zipped(contents: Mapping[str, bytes], *, before: bytes = b"", comment: bytes = b"") -> bytes:
    target = io.BytesIO(before)
    target.seek(0, io.SEEK_END)
    with zipfile.ZipFile(target, "a") as made:
        made.comment = comment
        for name, content in contents.items():
            made.writestr(name, content)
    return target.getvalue()


def dotted() -> bytes:
    """A tar.gz as `tar czf a.mbz .` makes it."""
    return sample.tar_of(*((f"./{path}", content) for path, content in sample.members().items()))


def bare_tar() -> bytes:
    """A tar as a browser leaves it that unpacks gzip."""
    return gzip.decompress(sample.tar_of(*sample.members().items()))


PACKED: dict[str, Callable[[], bytes]] = {
    "an archive in a zip": lambda: zipped({"course.mbz": INSIDE}),
    "an archive in a folder of a zip": lambda: zipped({"For you/course.MBZ": INSIDE}),
    "an archive in a zip with stray files": lambda: zipped({"course.mbz": INSIDE, **STRAY}),
    "a zip in a zip": lambda: zipped({"course.mbz": sample.pack(sample.members(), container="zip")}),
    "an archive in a tar.gz": lambda: sample.tar_of(("a/course.mbz", INSIDE)),
    "a zip with stray files": lambda: zipped({**sample.members(), **STRAY}),
    "a zip with its folder and stray files beside it": lambda: zipped(
        {**{f"c/{path}": content for path, content in sample.members().items()}, **STRAY}
    ),
    "a zip with a comment": lambda: zipped(sample.members(), comment=b"made by hand " * 40),
    "a zip behind a byte order mark": lambda: zipped(sample.members(), before=b"\xef\xbb\xbf"),
    "a zip behind a program": lambda: zipped(sample.members(), before=b"MZ" + bytes(4000)),
    "a tar.gz with dots": dotted,
    "a tar": bare_tar,
    "a tar of pax": lambda: _pax(),
}


def _pax() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sample.members().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize("case", PACKED)
def test_it_is_read_all_the_same(tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(PACKED[case]())
    with open_archive(path) as archive:
        assert read_manifest(archive).original_course_fullname == "A sample"
        assert archive.read(sample.PICTURE_PATH) == sample.PICTURE
        assert sample.members().keys() <= archive.members.keys()
    assert list(tmp_path.iterdir()) == [path]


def test_two_archives_in_a_zip_are_not_taken_for_one() -> None:
    both = zipped({"a.mbz": INSIDE, "b.mbz": INSIDE})
    with open_archive(io.BytesIO(both)) as archive, pytest.raises(NotAnArchive):
        read_manifest(archive)


def test_a_damaged_archive_in_a_zip_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.mbz": INSIDE[:-30]}))
    with pytest.raises(ArchiveError):
        open_archive(path)


def test_an_archive_in_a_zip_may_not_unpack_to_more_than_one_alone_may() -> None:
    bomb = sample.tar_of(("moodle_backup.xml", bytes(8 * 1024 * 1024)))
    limits = replace(DEFAULT, ratio=2000, ratio_floor=1024 * 1024)
    with open_archive(io.BytesIO(zipped({"a.mbz": bomb})), limits=limits) as archive:
        assert "moodle_backup.xml" in archive
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.mbz", bomb)
    with pytest.raises(HostileArchive, match="times its size"):
        open_archive(packed, limits=replace(limits, ratio=DEFAULT.ratio))


OTHERS = {
    "imsmanifest.xml": "Common Cartridge",
    "course/imsmanifest.xml": "Common Cartridge",
    "moodle.xml": "Moodle 1.9",
    ".bb-package-info": "Blackboard",
    "course_info.dat": "Chamilo",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_package_of_another_format_is_called_by_its_name(name: str) -> None:
    source = io.BytesIO(zipped({name: b"<x/>", "resources/a.html": b"<p>"}))
    with open_archive(source) as archive, pytest.raises(UnsupportedArchive, match=OTHERS[name]) as caught:
        read_manifest(archive)
    assert name in caught.value.message
    assert caught.value.hint


def test_a_course_that_holds_a_package_is_a_course() -> None:
    with open_archive(
        io.BytesIO(zipped({**sample.members(), "activities/x/imsmanifest.xml": b"<x/>"}))
    ) as archive:
        assert read_manifest(archive).original_course_fullname == "A sample"


@pytest.mark.parametrize(("form", "word"), [("imscc11", "Common Cartridge"), ("moodle1", "Moodle 1.9")])
def test_a_manifest_of_another_format_is_called_by_its_name(form: str, word: str) -> None:
    members = sample.members()
    changed = members["moodle_backup.xml"].replace(b"<format>moodle2", f"<format>{form}".encode())
    with (
        sample.archive_of({**members, "moodle_backup.xml": changed}) as archive,
        pytest.raises(UnsupportedArchive, match=word),
    ):
        read_manifest(archive)
