"""Reads archives that people unpacked and packed again: ignores added system files, and removes a folder around all members.

macOS adds `__MACOSX/` and `._` files, Windows writes backslashes and `Thumbs.db`, and most programs add the packed folder to
all paths.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol

from archive.layout import MANIFEST

ADDED_FOLDERS = frozenset({"__MACOSX", ".Spotlight-V100", ".Trashes", ".fseventsd"})
ADDED_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class RepackableStore(Protocol):
    """The interface of a container: sizes in bytes by path, the folders, the index member, and reading."""

    sizes: dict[str, int]
    folders: frozenset[str]
    index: bytes | None

    def open(self, path: str) -> BinaryIO: ...

    def close(self) -> None: ...


class RepackedStore:
    """A container whose paths differ from those of a course archive. `sizes` has bytes by path in the course archive."""

    def __init__(self, packed: RepackableStore, paths: dict[str, str]) -> None:
        self._packed = packed
        self._paths = paths
        self.sizes = {path: packed.sizes[inside] for path, inside in paths.items()}
        self.folders: frozenset[str] = frozenset()
        self.index: bytes | None = None

    def open(self, path: str) -> BinaryIO:
        return self._packed.open(self._paths[path])

    def close(self) -> None:
        self._packed.close()


def as_archive(packed: RepackableStore) -> RepackableStore:
    """Return a container with the paths of a course archive; `packed` itself if it has them already."""
    own = [path for path in packed.sizes if not is_added(path)]
    around = _folder_around(own)
    if len(own) == len(packed.sizes) and not around:
        return packed
    return RepackedStore(packed, {path.removeprefix(around): path for path in own if path.startswith(around)})


def is_added(path: str) -> bool:
    """Whether a system added a file when it packed a folder: `__MACOSX/...`, `.DS_Store`, `._name`."""
    *folders, name = path.split("/")
    return name in ADDED_FILES or name.startswith("._") or not ADDED_FOLDERS.isdisjoint(folders)


def _folder_around(paths: list[str]) -> str:
    """Return the folder of the only manifest, with its slash; "" if a manifest is at the top, or not exactly one exists."""
    found = [path.removesuffix(MANIFEST) for path in paths if path.rpartition("/")[2] == MANIFEST]
    if "" in found or len(found) != 1:
        return ""
    return found[0]
