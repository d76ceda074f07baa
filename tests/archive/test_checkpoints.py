"""Checkpoints: whoever packs, unpacks or reads an archive can be stopped in the middle, and leaves nothing behind."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from archive.checkpoints import checkpoint, checkpoints
from archive.container import open_archive
from archive.parallel import in_order
from archive.streams import CHUNK, drain
from archive.verify import verify
from archive.writer import ArchiveWriter


class Stop(Exception):
    """Ends what runs."""


def counted(times: list[int], *, stop_at: int = 0) -> None:
    times[0] += 1
    if stop_at and times[0] >= stop_at:
        raise Stop


@pytest.mark.parametrize("container", ["tar.gz", "zip"])
def test_packing_is_stopped_in_the_middle_of_a_large_content(tmp_path: Path, container: str) -> None:
    size = 20 * CHUNK
    times = [0]
    target = tmp_path / "a.mbz"
    with ArchiveWriter(target, date=1, container=container, tempdir=tmp_path) as writer:  # type: ignore[arg-type]
        writer.content("files/aa/large", size, lambda: io.BytesIO(bytes(size)))
        with checkpoints(lambda: counted(times, stop_at=5)), pytest.raises(Stop):
            writer.finish()
    assert times == [5]
    assert list(tmp_path.iterdir()) == []


def test_unpacking_and_reading_pass_checkpoints(fixtures: Path) -> None:
    times = [0]
    with checkpoints(lambda: counted(times)), open_archive(fixtures / "rich1-users.mbz") as archive:
        unpacked = times[0]
        list(verify(archive))
    assert unpacked > 0
    assert times[0] > unpacked


def test_hooks_of_outer_blocks_are_called_first_and_none_after_its_block() -> None:
    called: list[str] = []
    with checkpoints(lambda: called.append("outer")), checkpoints(lambda: called.append("inner")):
        checkpoint()
    checkpoint()
    assert called == ["outer", "inner"]


def test_draining_a_stream_has_a_checkpoint_for_each_block() -> None:
    times = [0]
    with checkpoints(lambda: counted(times)):
        drain(io.BytesIO(bytes(3 * CHUNK)))
    assert times == [3]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_done_in_threads_has_a_checkpoint_for_each_result(threads: int) -> None:
    times = [0]
    with checkpoints(lambda: counted(times)):
        assert list(in_order(abs, range(5), threads=threads)) == [0, 1, 2, 3, 4]
    assert times == [5]


def test_what_runs_in_threads_passes_the_checkpoints_of_the_thread_that_asked_for_it() -> None:
    times = [0]
    with checkpoints(lambda: counted(times)):
        list(in_order(lambda _: drain(io.BytesIO(bytes(2 * CHUNK))), range(3), threads=2))
    assert times == [3 + 6]


def test_what_runs_in_threads_is_stopped_by_a_checkpoint_there() -> None:
    here = threading.get_ident()

    def stop() -> None:
        if threading.get_ident() != here:
            raise Stop

    with checkpoints(stop), pytest.raises(Stop):
        list(in_order(lambda _: drain(io.BytesIO(bytes(CHUNK))), range(3), threads=2))
