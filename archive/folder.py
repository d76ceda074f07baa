"""Read a plain folder, such as an unpacked archive, as an archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast

from archive.errors import HostileArchive
from archive.limits import LARGEST_INDEX, Limits, Meter, check_path, too_large
from archive.targz import INDEX


class FolderStore:
    """The files below a folder. `sizes` maps each path to its size in bytes."""

    def __init__(self, root: Path, *, limits: Limits) -> None:
        self.sizes: dict[str, int] = {}
        self.index: bytes | None = None
        self._root = root
        folders: set[str] = set()
        meter = Meter(limits, packed=limits.unpacked)
        for above, names, files in os.walk(root):
            names.sort()
            for name in sorted(names + files):
                file = Path(above, name)
                path = check_path(file.relative_to(root).as_posix(), limits=limits)
                if file.is_symlink() or not (file.is_file() or file.is_dir()):
                    raise HostileArchive(
                        "The folder holds a link or a device, which no course archive has.", where=path
                    )
                if file.is_dir():
                    folders.add(path)
                    continue
                size = file.stat().st_size
                meter.add_member(path, size)
                if path == INDEX:
                    if size > LARGEST_INDEX:
                        raise too_large(path, LARGEST_INDEX)
                    self.index = file.read_bytes()
                else:
                    self.sizes[path] = size
        self.folders = frozenset(folders)

    def open(self, path: str) -> BinaryIO:
        return cast(BinaryIO, (self._root / path).open("rb"))

    def close(self) -> None:
        """Do nothing: no file is held open."""
