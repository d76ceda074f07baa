"""Errors of storages as sentences: each names the storage and its place, whatever library the storage is made with."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any, BinaryIO, Self, cast

from django.core.files.storage import storages

from archive.faults import failure_of

log = logging.getLogger(__name__)

OURS = frozenset(
    {
        "builtins",
        "archive",
        "backup",
        "config",
        "courses",
        "demo",
        "django",
        "jobs",
        "restore",
        "transfer",
        "vault",
    }
)
"""Packages whose exceptions are no faults of a storage, but of the program, or sentences already."""


def place_of(alias: str) -> str:
    """Return the name of a storage for a sentence: `the storage “pool” (/srv/files)`."""
    storage: Any = storages[alias]
    place = getattr(storage, "location", "") or getattr(storage, "bucket_name", "") or type(storage).__name__
    return f"the storage “{alias}” ({place})"


@contextmanager
def told(alias: str) -> Iterator[None]:
    """Context manager for calls of a storage: an error of it is raised as StorageFailed. FileNotFoundError passes."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        if not _is_fault(error):
            raise
        log.warning("Storage %s: %s: %s", alias, type(error).__name__, error)
        raise failure_of(error, where=place_of(alias)) from error


def _is_fault(error: Exception) -> bool:
    """Whether an exception is of the system or of a storage's library, such as boto."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] not in OURS


class ToldStream:
    """A file of a storage, opened for reading: errors of the storage are raised as StorageFailed.

    Only EIO passes as it is: the disk cannot read this one file, which is then damaged.
    """

    def __init__(self, stream: IO[bytes], alias: str) -> None:
        self._stream = stream
        self._alias = alias

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, all if it is negative."""
        try:
            return self._stream.read(size)
        except Exception as error:
            if getattr(error, "errno", None) == errno.EIO:
                raise
            with told(self._alias):
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def opened(alias: str, name: str) -> BinaryIO:
    """Return a file of a storage, opened for reading. Raises FileNotFoundError, StorageFailed."""
    with told(alias):
        return cast(BinaryIO, ToldStream(storages[alias].open(name, "rb"), alias))


def begun(alias: str, stream: BinaryIO) -> BinaryIO:
    """Return a file of a storage at its beginning, of which a byte was read, so that it is known whether the storage answers.

    For an answer whose status is sent before the content. Raises StorageFailed.
    """
    try:
        with told(alias):
            stream.read(1)
            stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream
