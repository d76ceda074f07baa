"""A temporary PostgreSQL server of the machine's own programs, for the tests, with only the standard library."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ACCOUNTS = ("postgres", "nobody")
"""Accounts under which the server runs for root, for whom PostgreSQL refuses to run; the first that is there."""

OPTIONS = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=100",
    "shared_buffers=128MB",
    "timezone=UTC",
)


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """Start a server of the programs in a folder, and yield the address of its database; remove it in the end.

    Ends this program with a sentence if the folder has no such programs, or the server does not start.
    """
    if not (programs / "initdb").exists():
        sys.exit(
            f"There is no PostgreSQL in {programs}. Name the folder of initdb, such as /usr/lib/postgresql/15/bin."
        )
    account = _account()
    with tempfile.TemporaryDirectory(prefix="coursekeep-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if account:
            os.chown(folder, account["user"], account["group"])
        data = str(folder / "data")
        _run([programs / "initdb", "-D", data, "-U", "coursekeep", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
              "--no-sync"], folder, account)  # fmt: skip
        options = " ".join(f"-c {one}" for one in (*OPTIONS, f"unix_socket_directories={folder}"))
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w"]
        _run([*control, "start", "-l", str(folder / "log"), "-o", options], folder, account)
        try:
            _run([programs / "createdb", "-h", name, "-U", "coursekeep", "coursekeep"], folder, account)
            yield f"postgresql://coursekeep@/coursekeep?host={name}"
        finally:
            _run([*control, "stop", "-m", "immediate"], folder, account)


def _account() -> dict[str, Any]:
    """Return the arguments of `subprocess` for the server's account: none unless this is root."""
    if os.geteuid() != 0:
        return {}
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    sys.exit(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}. Run as another user."
    )


def _run(command: list[str | Path], folder: Path, account: dict[str, Any]) -> None:
    """Run one of the programs. Ends this program with what it said, if it fails."""
    # A file and not a pipe: the server inherits it and would keep a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        code = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            **account,
        ).returncode
        output.seek(0)
        if code != 0:
            sys.exit(f"{Path(command[0]).name} failed: {output.read().strip()}")
