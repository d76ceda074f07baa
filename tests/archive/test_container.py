"""Archives as files: written the same every time, read back whole, in both containers."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, cast

import pytest

from archive import streams
from archive.container import ArchiveWriter, open_archive
from archive.errors import ArchiveError, DamagedArchive, DamagedContent, NotFound
from archive.limits import Limits

from . import sample

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONTAINERS: tuple[Literal["tar.gz", "zip"], ...] = ("tar.gz", "zip")
REAL = (
    "rich1-users.mbz",
    "rich1-users-zip.mbz",
    "rich1-nousers.mbz",
    "rich1-section.mbz",
    "rich1-activity-forum.mbz",
    "generated_s.mbz",
    "older/availability_26_format.mbz",
    "older/moodle_28_quiz.mbz",
    "older/moodle_311_quiz.mbz",
    "older/question_category_34_format.mbz",
)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", REAL)
def test_a_real_archive_survives_both_containers(
    fixtures: Path, name: str, container: Literal["tar.gz", "zip"]
) -> None:
    contents = sample.contents_of(fixtures / name)
    with open_archive(io.BytesIO(sample.pack(contents, container=container))) as again:
        assert again.container == container
        assert {path: again.read(path) for path in again.members} == contents
        assert again.unpacked_size == sum(map(len, contents.values()))


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_same_members_and_date_give_the_same_bytes(container: Literal["tar.gz", "zip"]) -> None:
    contents = {**sample.members(), "large.xml": b"<a>" + bytes(range(48, 58)) * 400_000 + b"</a>"}
    backwards = dict(reversed(contents.items()))
    assert sample.pack(contents, container=container) == sample.pack(backwards, container=container)
    assert sample.pack(contents, container=container) != sample.pack(
        contents, container=container, date=sample.DATE + 60
    )


def test_how_a_pool_delivers_its_bytes_does_not_change_the_archive() -> None:
    content = bytes(range(256)) * 20_000

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 777) if size and size > 0 else size)

    def packed(opener: type[io.BytesIO]) -> bytes:
        target = io.BytesIO()
        with ArchiveWriter(target, date=sample.DATE) as writer:
            writer.content("files/xx/large", len(content), lambda: opener(content))
            writer.finish()
        return target.getvalue()

    assert packed(io.BytesIO) == packed(Trickle)


def test_the_first_member_is_the_index_and_lists_all_the_others() -> None:
    packed = sample.pack(sample.members())
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        entries = tar.getmembers()
        first = tar.extractfile(entries[0])
        assert first is not None
        index = first.read().decode()
    assert entries[0].name == ".ARCHIVE_INDEX"
    lines = index.splitlines()
    assert lines[0] == f"Moodle archive file index. Count: {len(entries) - 1}"
    assert lines[1] == f"moodle_backup.xml\tf\t{entries[1].size}\t{sample.DATE}"
    assert "activities/\td\t0\t?" in lines
    assert [line.split("\t")[0].rstrip("/") for line in lines[1:]] == [entry.name for entry in entries[1:]]
    assert index.endswith("\n")


def test_the_manifest_comes_first_and_the_pool_last() -> None:
    with tarfile.open(fileobj=io.BytesIO(sample.pack(sample.members()))) as tar:
        names = [entry.name for entry in tar.getmembers() if entry.isreg()]
    assert names[:3] == [".ARCHIVE_INDEX", "moodle_backup.xml", "files.xml"]
    assert names[-2:] == ["moodle_backup.log", sample.PICTURE_PATH]


def test_every_folder_is_a_member_before_what_is_in_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(sample.pack(sample.members()))) as tar:
        seen = {""}
        for entry in tar.getmembers():
            assert entry.name.rpartition("/")[0] in seen
            if entry.isdir():
                seen.add(entry.name)


def test_headers_are_plain_ustar_without_an_owner_or_a_time_of_their_own() -> None:
    packed = sample.pack(sample.members())
    assert packed[4:8] == bytes(4)  # the time in the gzip header
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for entry in tar.getmembers():
            assert (entry.uid, entry.gid, entry.mtime, entry.pax_headers) == (0, 0, sample.DATE, {})
            assert entry.mode == (0o755 if entry.isdir() else 0o644)


def test_gnu_tar_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.pack(sample.members()))
    listed = subprocess.run(["tar", "tzf", str(path)], capture_output=True, text=True, check=True)
    assert "course/course.xml" in listed.stdout
    assert listed.stderr == ""


def test_a_long_path_is_split_where_a_tar_header_can_hold_it() -> None:
    path = f"activities/{'f' * 60}_1/blocks/{'b' * 70}_2/block.xml"
    assert len(path) > 100
    with open_archive(io.BytesIO(sample.pack({path: b"<block/>"}))) as archive:
        assert archive.read(path) == b"<block/>"


def test_a_path_that_fits_no_header_is_refused_with_one_sentence() -> None:
    with pytest.raises(ArchiveError, match="too long") as caught:
        sample.pack({"x" * 120 + ".xml": b"<a/>"})
    assert caught.value.where.startswith("xxx")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_of_other_tar_programs_are_read(form: int) -> None:
    name = f"files/{'long/' * 10}{'x' * 150}"
    with open_archive(
        io.BytesIO(sample.tar_of((name, b"content"), ("é.xml", b"<a/>"), form=form))
    ) as archive:
        assert set(archive.members) == {name, "é.xml"}
        assert archive.read(name) == b"content"


def test_a_leading_dot_folder_is_no_part_of_the_name() -> None:
    folder = tarfile.TarInfo(".")
    folder.type = tarfile.DIRTYPE
    with open_archive(io.BytesIO(sample.tar_of((folder, b""), ("./moodle_backup.xml", b"<a/>")))) as archive:
        assert set(archive.members) == {"moodle_backup.xml"}


def test_a_plain_folder_is_an_archive_too(tmp_path: Path) -> None:
    for path, content in sample.members().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    with open_archive(tmp_path) as archive:
        assert {path: archive.read(path) for path in archive.members} == sample.members()


@pytest.mark.parametrize("container", CONTAINERS)
def test_members_can_be_read_several_at_once(container: Literal["tar.gz", "zip"]) -> None:
    contents = {"a.xml": b"a" * 300_000, "b.xml": b"b" * 300_000}
    with (
        open_archive(io.BytesIO(sample.pack(contents, container=container))) as archive,
        archive.open("a.xml") as first,
        archive.open("b.xml") as second,
    ):
        for _ in range(3):
            assert first.read(100_000) == b"a" * 100_000
            assert second.read(100_000) == b"b" * 100_000


def test_members_can_be_written_several_at_once() -> None:
    target = io.BytesIO()
    chunk = 3 * 1024 * 1024
    with ArchiveWriter(target, date=sample.DATE) as writer:
        with writer.member("a.xml") as first, writer.member("b.xml") as second:
            for _ in range(2):
                first.write(b"a" * chunk)
                second.write(b"b" * chunk)
        packed = writer.finish()
    assert packed.unpacked == 4 * chunk
    assert packed.size == len(target.getvalue())
    with open_archive(target, limits=Limits(ratio=5000)) as archive:
        assert archive.read("a.xml") == b"a" * 2 * chunk
        assert archive.read("b.xml") == b"b" * 2 * chunk


def test_a_member_that_fails_half_way_is_not_in_the_archive() -> None:
    target = io.BytesIO()
    with ArchiveWriter(target, date=sample.DATE) as writer:
        with writer.member("good.xml") as stream:
            stream.write(b"<a/>")
        with contextlib.suppress(ZeroDivisionError), writer.member("bad.xml") as stream:
            stream.write(b"<b>")
            raise ZeroDivisionError
        writer.finish()
    with open_archive(target) as archive:
        assert set(archive.members) == {"good.xml"}


def test_an_archive_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"

    def broken() -> IO[bytes]:
        raise OSError("the pool is gone")

    with ArchiveWriter(path, date=sample.DATE) as writer:
        writer.content("files/aa/aa", 3, broken)
        with pytest.raises(OSError, match="the pool is gone"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_stored_file_that_changed_never_gets_into_an_archive() -> None:
    with ArchiveWriter(io.BytesIO(), date=sample.DATE) as writer:
        writer.content(sample.PICTURE_PATH, len(sample.PICTURE), lambda: io.BytesIO(sample.PICTURE[::-1]))
        with pytest.raises(DamagedArchive, match="not what it was") as caught:
            writer.finish()
    assert caught.value.where == sample.PICTURE_PATH


def test_a_content_is_packed_once_however_often_it_is_named() -> None:
    target = io.BytesIO()
    with ArchiveWriter(target, date=sample.DATE) as writer:
        for _ in range(3):
            writer.content(sample.PICTURE_PATH, len(sample.PICTURE), lambda: io.BytesIO(sample.PICTURE))
        assert writer.finish().members == 1


@pytest.mark.parametrize("path", ["../a.xml", "/a.xml", "", "a/", ".ARCHIVE_INDEX", "a\\b"])
def test_a_member_with_an_impossible_path_is_not_written(path: str) -> None:
    with (
        ArchiveWriter(io.BytesIO(), date=sample.DATE) as writer,
        pytest.raises(ArchiveError),
        writer.member(path),
    ):
        pass


def test_a_zip_has_no_index_no_folders_and_unix_permissions() -> None:
    with zipfile.ZipFile(io.BytesIO(sample.pack(sample.members(), container="zip"))) as packed:
        assert packed.testzip() is None
        assert ".ARCHIVE_INDEX" not in packed.namelist()
        assert {entry.external_attr >> 16 for entry in packed.infolist()} == {0o100644}


def test_an_archive_may_go_to_a_pipe() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, data: ReadableBuffer) -> int:
            self.parts.append(bytes(data)[:1000])
            return len(self.parts[-1])

    pipe = Pipe()
    with ArchiveWriter(cast(BinaryIO, pipe), date=sample.DATE) as writer:
        with writer.member("a.xml") as stream:
            stream.write(bytes(range(256)) * 1000)
        writer.finish()
    with open_archive(io.BytesIO(b"".join(pipe.parts))) as archive:
        assert archive.read("a.xml") == bytes(range(256)) * 1000


def test_without_isal_the_standard_library_reads_and_writes_the_same_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast = sample.pack(sample.members())
    monkeypatch.setattr(streams, "threaded", None)
    slow = sample.pack(sample.members())
    assert slow == sample.pack(sample.members())
    for packed in (fast, slow):
        with open_archive(io.BytesIO(packed)) as archive:
            assert {path: archive.read(path) for path in archive.members} == sample.members()


def test_the_temporary_file_is_where_it_was_asked_for_and_leaves_nothing(tmp_path: Path) -> None:
    with open_archive(io.BytesIO(sample.pack(sample.members())), tempdir=tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_member_that_is_not_there_is_named() -> None:
    with sample.archive_of(sample.members()) as archive:
        assert "users.xml" in archive
        assert "nothing.xml" not in archive
        with pytest.raises(DamagedArchive, match="missing") as caught:
            archive.open("nothing.xml")
    assert caught.value.where == "nothing.xml"


def test_a_file_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        open_archive(Path(tempfile.gettempdir()) / "no such archive.mbz")


def test_a_stored_file_that_the_disk_cannot_read_is_named() -> None:
    class Unreadable(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise OSError("input/output error")

    with ArchiveWriter(io.BytesIO(), date=sample.DATE) as writer:
        writer.content(sample.PICTURE_PATH, 3, lambda: io.BufferedReader(Unreadable()))
        with pytest.raises(DamagedContent, match="cannot be read") as caught:
            writer.finish()
    assert caught.value.sha1 == sample.PICTURE_HASH


def test_an_archive_opened_without_contents_has_their_sizes_and_all_other_members(tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.pack(sample.members()))
    with open_archive(path) as whole, open_archive(path, contents=False) as archive:
        assert archive.members == whole.members
        assert all(
            archive.read(name) == whole.read(name) for name in whole.members if name != sample.PICTURE_PATH
        )
        with pytest.raises(ValueError, match="without the contents"):
            archive.open(sample.PICTURE_PATH)
