"""The lock between processes: children that a process forks do not keep it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from embedded_postgres.lock import lock, locked, unlock
from jobs import spool
from tests.conftest import PROJECT

LOCKED = """
    import os, sys, time
    from pathlib import Path
    from embedded_postgres.lock import locked
    block = locked(Path(sys.argv[1]))
    block.__enter__()
    if os.fork() == 0:
        # As a worker's child: it outlives the lock, and its parent.
        os.write(1, b"forked\\n")
        time.sleep(60)
    {then}
"""


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock on a file or folder; a file is made if there is none."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_CREAT | os.O_RDWR, 0o600)
    try:
        lock(descriptor, wait=False)
    except BlockingIOError:
        return False
    finally:
        unlock(descriptor, os.getpid())
    return True


def begun(path: Path, then: str) -> subprocess.Popen[bytes]:
    """Start a process that takes the lock, forks a child, and goes on; return when both have said how far they are."""
    program = textwrap.dedent(LOCKED).format(then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert {process.stdout.readline() for _ in range(2)} == {b"forked\n", b"parent\n"}
    return process


@pytest.mark.parametrize(
    ("then", "free"),
    [
        ("os.write(1, b'parent\\n'); time.sleep(60)", False),
        ("block.__exit__(None, None, None); os.write(1, b'parent\\n'); time.sleep(60)", True),
        ("os.write(1, b'parent\\n'); os._exit(1)", True),
    ],
    ids=["held", "given back", "its process died"],
)
def test_a_forked_child_does_not_keep_a_lock(tmp_path: Path, then: str, free: bool) -> None:
    path = tmp_path / "one.lock"
    process = begun(path, then)
    try:
        if "os._exit" in then:
            process.wait(30)
        assert is_free(path) is free
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_a_forked_child_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    with locked(path):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert not is_free(path)
    assert is_free(path)


def test_a_child_that_was_forked_inside_keeps_its_own_lock_when_it_leaves_its_parents(tmp_path: Path) -> None:
    own = None
    with locked(tmp_path / "one.lock"):
        child = os.fork()
        if child == 0:
            # The first descriptor that is free: that of the parent's file, which was closed at birth.
            own = locked(tmp_path / "two.lock")
            own.__enter__()
    if child == 0:
        kept = not is_free(tmp_path / "two.lock")
        if own is not None:
            own.__exit__(None, None, None)
        os._exit(0 if kept and is_free(tmp_path / "two.lock") else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_child_does_not_keep_the_spool_of_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "folder", lambda: tmp_path)
    ready, done = os.pipe(), os.pipe()
    with spool.in_use() as own:
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        assert not is_free(own)
    own.mkdir()
    assert is_free(own)
    os.write(done[1], b"x")
    os.waitpid(child, 0)
