"""Storages whose folder is away for a while, as a disk that is not mounted."""

from __future__ import annotations

import shutil
from pathlib import Path


def take_away(home: Path, folder: str, *, leave_empty: bool) -> None:
    """Rename a storage's folder away; with `leave_empty` an empty folder is in its place, as where nothing is mounted."""
    path = home / folder
    path.rename(home / f"{folder}.away")
    if leave_empty:
        path.mkdir(mode=0o700)


def bring_back(home: Path, folder: str) -> list[str]:
    """Bring a storage's folder back; return the files that were written in its place meanwhile: there may be none."""
    path, away = home / folder, home / f"{folder}.away"
    if not away.exists():
        return []
    found = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    shutil.rmtree(path, ignore_errors=True)
    away.rename(path)
    return found
