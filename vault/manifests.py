"""Manifests of stored archives: stored in the database when an archive comes in, and read from there by pages.

A page never unpacks an archive, which takes as long as the archive is large. A manifest has a bound of its own.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from archive.container import Archive, open_archive
from archive.errors import CoursekeepError, NotFound
from archive.inspect import describe
from archive.layout import MANIFEST
from archive.limits import LARGEST_MANIFEST
from archive.manifest import Manifest, read_manifest
from archive.users import USERS
from jobs import limits
from vault.models import StoredArchive, StoredManifest


@dataclass(frozen=True, slots=True)
class ManifestCopy:
    """A manifest outside of its archive, in a form that `read_manifest` reads: `data` are the bytes of moodle_backup.xml.

    `people` counts users.xml, None if the archive has none; `files` are those in files.xml without folders; `content_bytes`
    are the bytes of all contents.
    """

    data: bytes
    people: int | None
    files: int
    content_bytes: int

    @property
    def members(self) -> tuple[str, ...]:
        """The members that are known."""
        return (MANIFEST,) if self.people is None else (MANIFEST, USERS)

    def __contains__(self, path: object) -> bool:
        return path in self.members

    def read(self, path: str, *, most: int | None = None) -> bytes:
        """Return the bytes of the manifest, whose size was checked when it was copied."""
        return self.data


def copied(archive: Archive) -> ManifestCopy:
    """Return a copy of the manifest of an open archive. Raises as `read_manifest` does."""
    found = describe(archive)
    data = archive.read(MANIFEST, most=LARGEST_MANIFEST)
    return ManifestCopy(data, found.users, found.files, found.contents_size)


def copied_from(stream: BinaryIO) -> ManifestCopy | None:
    """Return a copy of the manifest of a file that may be an archive; None if it is none, or a damaged one."""
    try:
        with open_archive(stream, limits=limits.of_archives(), contents=False) as archive:
            return copied(archive)
    except CoursekeepError:
        return None


def store(archive: StoredArchive, copy: ManifestCopy) -> None:
    """Store the copy of an archive's manifest."""
    StoredManifest.objects.create(
        archive=archive,
        packed=zlib.compress(copy.data),
        people=copy.people,
        files=copy.files,
        content_bytes=copy.content_bytes,
    )


def manifest_of(archive: StoredArchive) -> Manifest:
    """Return the manifest of a stored archive, without opening it. Raises NotFound if there is none, and ArchiveError."""
    return _manifest(archive.pk, archive.sha256)


def counts_of(archive: StoredArchive) -> StoredManifest:
    """Return the counts of a stored archive: `people`, `files` and `content_bytes`. Raises NotFound if there are none."""
    found = StoredManifest.objects.filter(archive=archive).defer("packed").first()
    if found is None:
        raise _unknown(archive)
    return found


@lru_cache(maxsize=32)
def _manifest(pk: int, sha256: str) -> Manifest:
    """Read a manifest, cached: each page of the wizard needs it, and the content of a hash never changes."""
    found = StoredManifest.objects.select_related("archive").filter(archive=pk).first()
    if found is None:
        raise _unknown(StoredArchive.objects.get(pk=pk))
    data = zlib.decompress(bytes(found.packed))
    return read_manifest(ManifestCopy(data, found.people, found.files, found.content_bytes))


def _unknown(archive: StoredArchive) -> NotFound:
    return NotFound(
        f"The file {archive.title} was no archive that could be read when it was stored.",
        hint="Upload it again, or make the backup again.",
    )
