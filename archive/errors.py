"""Errors that stop an operation, each with a sentence for people, a code and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from archive.findings import Finding


class CoursekeepError(Exception):
    """Base of all errors that a person can act on: the message, where it happened, and a hint on what to do.

    `code` is stable and machine-readable, `exit_code` is what the command line returns.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def sentence(self) -> str:
        """Return one line: the place, the message and the hint."""
        place = f"{self.where}: " if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"

    __str__ = sentence


class UsageError(CoursekeepError):
    """The request is invalid: an unknown option, or a value that the option does not have."""

    code = "usage"
    exit_code = 2


class ArchiveError(CoursekeepError):
    """The archive cannot be used."""

    code = "archive"
    exit_code = 3


class NotAnArchive(ArchiveError):
    """The file is neither a tar.gz nor a zip, or holds no course backup."""

    code = "not-an-archive"


class DamagedArchive(ArchiveError):
    """The archive is truncated, or a member is missing, malformed or has the wrong hash."""

    code = "damaged-archive"


class DamagedContent(DamagedArchive):
    """A content that should go into an archive does not have its size or hash any more; `sha1` is its name in the pool."""

    code = "damaged-content"

    def __init__(self, message: str, *, sha1: str, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.sha1 = sha1


class HostileArchive(ArchiveError):
    """The archive exceeds a limit, or holds paths, links or XML that could harm the machine."""

    code = "hostile-archive"


class UnsupportedArchive(ArchiveError):
    """The archive has a format or version that cannot be read."""

    code = "unsupported-archive"


class InvalidValue(ArchiveError):
    """A value in the archive does not fit its declaration: too long, not a number."""

    code = "invalid-value"


class PrecheckFailed(CoursekeepError):
    """The prechecks found errors; nothing was written."""

    code = "precheck-failed"
    exit_code = 4

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.level == "error"]
        first = errors[0].sentence() if errors else "The prechecks failed."
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first}{more}")


class NotAllowed(CoursekeepError):
    """The person lacks the right to do this."""

    code = "not-allowed"
    exit_code = 5


class NotFound(CoursekeepError):
    """There is no such course, section, activity, archive or job."""

    code = "not-found"
    exit_code = 6


class Cancelled(CoursekeepError):
    """The operation was cancelled; all its changes were undone."""

    code = "cancelled"
    exit_code = 7


class Busy(CoursekeepError):
    """Somebody else changed the same things at the same time; all changes of the operation were undone."""

    code = "busy"
    exit_code = 8


class TookTooLong(CoursekeepError):
    """The operation took longer than it may; all its changes were undone."""

    code = "time-limit"


class OutOfMemory(CoursekeepError):
    """There is too little memory for the operation. This says nothing about the archive."""

    code = "out-of-memory"

    def __init__(self) -> None:
        super().__init__(
            "There was too little memory for this; nothing was changed.",
            hint="Try again when less is going on, or ask an administrator for more memory.",
        )


class StorageFailed(CoursekeepError):
    """A disk or a storage is full, cannot be reached or refuses; all changes of the operation were undone."""

    code = "storage"
    exit_code = 9


class NoSpace(StorageFailed):
    """A disk or a storage has no room for what would be written."""

    code = "no-space"


class StorageAway(StorageFailed):
    """A storage is not the one that the site has used: its disk is not mounted, or it belongs to another site."""

    code = "storage-away"
