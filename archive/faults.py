"""Faults of disks and storages: which errors of the system are such, and the sentence for each."""

from __future__ import annotations

import errno
import tempfile

from archive.errors import NoSpace, StorageFailed

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
AWAY = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENODEV,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EREMOTEIO,
    }
)
"""Numbers of errors by which a disk of another machine says that it cannot be reached."""

REFUSED = {
    errno.EROFS: "It is read-only.",
    errno.EACCES: "Coursekeep may not use it.",
    errno.EPERM: "Coursekeep may not use it.",
    errno.EIO: "The disk reports an error of its own.",
    errno.EFBIG: "The file is larger than it may be there.",
    errno.EMFILE: "Too many files are open.",
    errno.ENFILE: "Too many files are open.",
}

DATABASE_FULL = "53100"
"""PostgreSQL's code for a full disk."""

OF_TEMPORARY = FULL | {errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG}
"""Numbers of errors that are of the folder for temporary files where they name no file; others may be of a connection."""

RETRY = "then start it again."

FAILED = "It failed: "
"""The beginning of the sentence that goes on with the words of a library, which may name anything of the server."""


def is_of_disk(error: OSError) -> bool:
    """Whether an error is a fault of a disk, not of the program: it is full, cannot be reached, refuses or is broken."""
    return error.errno in FULL | AWAY | REFUSED.keys() or isinstance(error, TimeoutError | ConnectionError)


def is_away(error: OSError) -> bool:
    """Whether an error says that a disk cannot be reached, so that nothing is known of the files on it."""
    return error.errno in AWAY or isinstance(error, TimeoutError | ConnectionError)


def in_words(error: BaseException) -> BaseException:
    """Return the error for people if an error is a fault of a disk, also of the database's; else the error itself.

    An error without a file is a fault of the disk for temporary files, or, as that of a connection, nothing known.
    """
    if getattr(error.__cause__, "pgcode", None) == DATABASE_FULL:
        hint = f"Make room on its disk, {RETRY}"
        found: StorageFailed = NoSpace("There is no space left.", where="the database", hint=hint)
    elif isinstance(error, OSError) and (
        is_of_disk(error) if error.filename else error.errno in OF_TEMPORARY
    ):
        found = failure_of(error)
    else:
        return error
    found.__cause__ = error
    return found


def failure_of(error: BaseException, *, where: str = "") -> StorageFailed:
    """Return the error for people that an error of a disk or of a storage's library means.

    `where` is the storage or the folder; without it, the file that the error names, or the folder for temporary files.
    """
    named = str(getattr(error, "filename", None) or "")
    place = where or named or f"the folder for temporary files {tempfile.gettempdir()}"
    if isinstance(error, OSError):
        if error.errno in FULL:
            return NoSpace("There is no space left.", where=place, hint=f"Make room there, {RETRY}")
        if is_away(error):
            return StorageFailed("It does not answer.", where=place, hint=f"Look why it is away, {RETRY}")
        if error.errno in REFUSED:
            return StorageFailed(REFUSED[error.errno], where=place, hint=f"Mend that, {RETRY}")
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return StorageFailed(f"{FAILED}{said.rstrip('.')}.", where=place, hint=f"Mend that, {RETRY}")
