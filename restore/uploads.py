"""Uploads: store an archive that a person sends, after its manifest was read."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from archive.container import open_archive
from archive.errors import NotAllowed
from archive.inspect import Description, describe
from archive.manifest import Manifest, read_manifest
from courses.capabilities import may_somewhere
from courses.models import User
from courses.signing import signer
from restore.services import opened
from vault import storage
from vault.models import StoredArchive

UPLOAD = "moodle/restore:uploadfile"


def receive(source: BinaryIO, *, title: str, by: User) -> StoredArchive:
    """Store an uploaded archive. Raises NotAllowed, and ArchiveError if it is no archive or incomplete."""
    if not may_somewhere(by, UPLOAD):
        raise NotAllowed(
            "You may not upload archives.", hint="Ask the administrator for a role that allows it."
        )
    source.seek(0)
    with open_archive(source, name=title) as archive:
        manifest = read_manifest(archive)
    source.seek(0)
    made = datetime.fromtimestamp(manifest.backup_date, UTC) if manifest.backup_date else None
    return storage.store_upload(
        source,
        title=title,
        by=by,
        course_title=manifest.original_course_fullname,
        archive_type=manifest.archive_type,
        users=manifest.with_users,
        anonymized=manifest.anonymised,
        snapshot=made,
        summary={
            "sections": len(manifest.sections),
            "activities": len(manifest.activities),
            "from": manifest.original_wwwroot,
            "release": manifest.moodle_release,
        },
    )


def manifest_of(archive: StoredArchive) -> Manifest:
    """Return the manifest of a stored archive. Raises ArchiveError and NotFound."""
    return _manifest(archive.pk, archive.sha256)


def description_of(archive: StoredArchive) -> Description:
    """Return the description of a stored archive with its counts. Raises ArchiveError and NotFound."""
    return _description(archive.pk, archive.sha256)


@lru_cache(maxsize=8)
def _description(pk: int, sha256: str) -> Description:
    with opened(StoredArchive.objects.get(pk=pk)) as archive:
        return describe(archive, signer=signer())


@lru_cache(maxsize=32)
def _manifest(pk: int, sha256: str) -> Manifest:
    """Read a manifest, cached: each page of the wizard needs it, and the content of a hash never changes."""
    with opened(StoredArchive.objects.get(pk=pk)) as archive:
        return read_manifest(archive)
