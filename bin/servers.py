"""A temporary PostgreSQL server of the machine's own programs, for the tests, with only the standard library.

Run by itself it prints the folder of the programs of the oldest server that is supported; without one it ends with 1.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ACCOUNTS = ("postgres", "nobody")
"""Accounts under which the server runs for root, for whom PostgreSQL refuses to run; the first that is there."""

INSTALLED = Path("/usr/lib/postgresql")
"""The folder in which Debian has a folder of each version."""

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
        try:
            # A start that takes too long ends with an error, and the server may come up all the same.
            _run([*control, "start", "-l", str(folder / "log"), "-o", options], folder, account)
            _run([programs / "createdb", "-h", name, "-U", "coursekeep", "coursekeep"], folder, account)
            yield f"postgresql://coursekeep@/coursekeep?host={name}"
        finally:
            # The server may have ended, or never begun. What was raised is not hidden by that.
            with suppress(SystemExit):
                _run([*control, "stop", "-m", "immediate"], folder, account)


def oldest(least: int, folder: Path = INSTALLED) -> Path | None:
    """Return the folder of the programs of the oldest server of the machine that is at least `least`; None without one.

    Where only the client is installed there is no `initdb`.
    """
    found = {
        int(one.parent.parent.name): one.parent
        for one in folder.glob("*/bin/initdb")
        if one.parent.parent.name.isdecimal()
    }
    return min(((version, one) for version, one in found.items() if version >= least), default=(0, None))[1]


def least_version() -> int:
    """Return the least version of PostgreSQL that the project supports."""
    text = (Path(__file__).parent.parent / "config" / "database.py").read_text()
    return int(text.partition("\nLEAST_VERSION = ")[2].partition("\n")[0])


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


if __name__ == "__main__":
    programs = oldest(least_version())
    if programs is None:
        sys.exit(1)
    print(programs)
