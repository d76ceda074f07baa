"""Errors of the system as sentences: whose fault an error is that names no file."""

from __future__ import annotations

import errno

import pytest

from archive.errors import StorageFailed
from archive.faults import in_words


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "x"),
        ConnectionRefusedError(errno.ECONNREFUSED, "x"),
        BrokenPipeError(errno.EPIPE, "x"),
        TimeoutError("timed out"),
        OSError(errno.EHOSTUNREACH, "x"),
        OSError(errno.EMFILE, "x"),
    ],
)
def test_an_error_of_a_connection_is_not_blamed_on_the_folder_for_temporary_files(error: OSError) -> None:
    assert in_words(error) is error


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG]
)
def test_an_error_of_a_disk_that_names_no_file_is_of_the_folder_for_temporary_files(number: int) -> None:
    found = in_words(OSError(number, "x"))
    assert isinstance(found, StorageFailed)
    assert found.where.startswith("the folder for temporary files")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ESTALE, errno.EMFILE])
def test_an_error_that_names_a_file_is_of_that_file(number: int) -> None:
    found = in_words(OSError(number, "x", "/srv/a"))
    assert isinstance(found, StorageFailed)
    assert found.where == "/srv/a"
