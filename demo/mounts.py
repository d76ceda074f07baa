"""Storages whose folder is away for a while, as a disk that is not mounted."""

from __future__ import annotations

import shutil
import time
from pathlib import Path


def take_away(home: Path, folder: str, *, leave_empty: bool) -> None:
    """Rename a storage's folder away; with `leave_empty` an empty folder is in its place, as where nothing is mounted."""
    path = home / folder
    path.rename(home / f"{folder}.away")
    if leave_empty:
        path.mkdir(mode=0o700)


def bring_back(home: Path, folder: str, *, seconds: float = 0.0) -> list[str]:
    """Bring a storage's folder back; return the files that are in its place, for so many seconds at least: there may be none.

    Who writes a file in the moment in which the folder goes away has to find that out, and remove it.
    """
    path, away = home / folder, home / f"{folder}.away"
    if not away.exists():
        return []
    before = time.time() - seconds
    # The change of a file's names counts: a file that was moved is as old as its content.
    found = [
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.is_file() and file.stat().st_ctime <= before
    ]
    shutil.rmtree(path, ignore_errors=True)
    away.rename(path)
    return found
