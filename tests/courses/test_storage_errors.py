"""Errors of storages: one sentence with the storage, its place and the mend, whatever the storage is made with."""

from __future__ import annotations

import errno
import io
from typing import Any

import pytest

from archive.errors import DamagedArchive, StorageFailed
from courses import pool
from courses.storage_errors import ToldStream, told


def library_error() -> Exception:
    """An exception as the library of a storage of another machine raises it."""
    error: Any = type("ClientError", (Exception,), {"__module__": "botocore.exceptions"})
    return error("An error occurred (503) when calling the PutObject operation:\n Slow Down")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "code", "fact"),
    [
        (OSError(errno.ENOSPC, "x"), "no-space", "no space left"),
        (OSError(errno.EDQUOT, "x"), "no-space", "no space left"),
        (OSError(errno.EIO, "x"), "storage", "error of its own"),
        (OSError(errno.EROFS, "x"), "storage", "read-only"),
        (OSError(errno.EACCES, "x"), "storage", "may not use it"),
        (OSError(errno.ETIMEDOUT, "x"), "storage", "does not answer"),
        (OSError(errno.ESTALE, "x"), "storage", "does not answer"),
        (TimeoutError(), "storage", "does not answer"),
        (ConnectionResetError(), "storage", "does not answer"),
        (library_error(), "storage", "PutObject operation: Slow Down"),
    ],
)
def test_an_error_of_a_storage_is_a_sentence_with_its_place_and_the_mend(
    error: Exception, code: str, fact: str
) -> None:
    with pytest.raises(StorageFailed) as caught, told("pool"):
        raise error
    assert caught.value.code == code
    assert fact in caught.value.message
    assert f"“pool” ({pool.storage().location})" in caught.value.where  # type: ignore[attr-defined]
    assert "start it again" in caught.value.hint
    assert "\n" not in caught.value.sentence()


@pytest.mark.parametrize(
    "error", [FileNotFoundError(), ValueError("x"), pool.WrongHash("x"), DamagedArchive("x")]
)
def test_what_is_no_fault_of_a_storage_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), told("pool"):
        raise error


class Failing(io.BytesIO):
    """A stream that cannot be read."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(self.number, "on purpose")


def test_a_storage_that_stops_to_answer_while_a_file_is_read_does_not_make_the_file_damaged() -> None:
    with pytest.raises(StorageFailed), ToldStream(Failing(errno.ETIMEDOUT), "pool") as stream:
        stream.read()


def test_a_file_that_the_disk_cannot_read_is_damaged() -> None:
    with pytest.raises(OSError, match="on purpose"), ToldStream(Failing(errno.EIO), "pool") as stream:
        stream.read()
