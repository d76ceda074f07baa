"""Archives in the storage that no row names, as after the loss of the database: find, check and record them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from django.core.files.storage import Storage
from django.db import connection, transaction

from archive.container import open_archive
from archive.errors import CoursekeepError
from archive.findings import Finding
from archive.manifest import Manifest, read_manifest
from archive.streams import drain
from archive.verify import finding_of, verify
from audit import trail
from courses.models import Course
from courses.signing import signed_here, signer, site_hash
from jobs import limits
from jobs.clock import database_now
from vault import manifests, storage
from vault.manifests import ManifestCopy
from vault.models import LooseFile, StoredArchive

OURS = "this site"
FOREIGN = "another site, or a key that this site does not have"
UNSIGNED = "unknown: not signed"


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A checked file of the storage without a row. `manifest` and `copy` are None if it cannot be opened as an archive.

    `size` is in bytes; `errors` are what `verify` found.
    """

    file: str
    size: int
    sha256: str
    manifest: Manifest | None = None
    copy: ManifestCopy | None = None
    errors: list[Finding] = field(default_factory=list)

    @property
    def author(self) -> str:
        """The author of the archive, as far as the signature proves it: `OURS`, `FOREIGN` or `UNSIGNED`."""
        if self.manifest is None or self.manifest.integrity is None:
            return UNSIGNED
        named = self.manifest.original_site_identifier_hash == site_hash()
        return OURS if named and signed_here(self.manifest) and not self.errors else FOREIGN


def find() -> Iterator[str]:
    """Yield the names of the files in the storage that no row names, in alphabetical order."""
    names = sorted(_files(storage.archives(), ""))
    known = _known_files()
    yield from (name for name in names if name not in known)


def check(file: str) -> Unrecorded | None:
    """Read a file from end to end and verify it as an archive; return None if it is gone meanwhile."""
    try:
        with storage.archives().open(file, "rb") as opened:
            stream = cast(BinaryIO, opened)
            digest = hashlib.sha256()
            size = drain(stream, digest.update)
            stream.seek(0)
            manifest, copy, errors = _verified(stream, file)
    except FileNotFoundError:
        return None
    return Unrecorded(file, size, digest.hexdigest(), manifest, copy, errors)


def record(found: Unrecorded) -> StoredArchive:
    """Make the row of a checked archive. Raises ValueError if the file could not be opened as an archive.

    An archive that this site provably made counts as a backup, and belongs to its course if that is still here under
    the same short name. Any other one counts as an upload, which only administrators see. One with errors is damaged.
    """
    manifest = found.manifest
    if manifest is None or found.copy is None:
        raise ValueError(f"{found.file} is no archive.")
    ours = found.author == OURS
    made = datetime.fromtimestamp(manifest.backup_date, UTC) if manifest.backup_date else None
    facts: dict[str, Any] = {"created": made} if ours and made else {}
    title = found.file.rpartition("/")[2]
    with transaction.atomic():
        # `storage.record` takes only what `put` has stored, which is noted so.
        LooseFile.objects.create(file=found.file)
        row = storage.record(
            storage.Stored(found.file, title, found.size, found.sha256),
            manifest=found.copy,
            source=StoredArchive.Source.BACKUP if ours else StoredArchive.Source.UPLOAD,
            course=_course_of(manifest) if ours else None,
            course_title=manifest.original_course_fullname,
            archive_type=manifest.archive_type,
            item=_item_of(manifest) if ours else None,
            users=manifest.with_users,
            anonymized=manifest.anonymised,
            snapshot=made,
            summary={
                "sections": len(manifest.sections),
                "activities": len(manifest.activities),
                "from": manifest.original_wwwroot,
                "release": manifest.moodle_release,
            },
            verified=database_now(),
            verify_errors=len(found.errors),
            **facts,
        )
        trail.record(
            "archive-recorded",
            by=None,
            subject="archive",
            subject_id=row.pk,
            title=row.title,
            course=row.course_id,
            made_by=found.author,
        )
        return row


def _files(stored: Storage, folder: str) -> Iterator[str]:
    """Yield the names of all files in a storage; names that begin with a dot are not for archives."""
    folders, files = stored.listdir(folder)
    prefix = f"{folder}/" if folder else ""
    # An archive has a folder of its own; what lies at the top belongs to the storage itself.
    yield from (prefix + name for name in files if folder and not name.startswith("."))
    for name in folders:
        if not name.startswith("."):
            yield from _files(stored, prefix + name)


def _known_files() -> set[str]:
    """Return the files that a row names, those of unfinished uploads and removals too: all at the same moment."""
    stored = StoredArchive.objects.order_by().values_list("file")
    loose = LooseFile.objects.order_by().values_list("file")
    with connection.cursor() as cursor:
        statement, values = stored.union(loose, all=True).query.sql_with_params()
        cursor.execute(statement, values)
        return {file for (file,) in cursor}


def _verified(
    stream: BinaryIO, file: str
) -> tuple[Manifest | None, manifests.ManifestCopy | None, list[Finding]]:
    """Return the manifest of an archive and its copy, None if there is none to read, and the errors that `verify` finds."""
    try:
        with open_archive(stream, name=file, limits=limits.of_archives()) as archive:
            errors = [one for one in verify(archive, signer=signer()) if one.level == "error"]
            return read_manifest(archive), manifests.copied(archive), errors
    except CoursekeepError as error:
        return None, None, [finding_of(error)]


def _course_of(manifest: Manifest) -> Course | None:
    """Return the course that an archive of this site was made of. The number alone may be another course's by now."""
    return Course.objects.filter(
        pk=manifest.original_course_id, shortname=manifest.original_course_shortname
    ).first()


def _item_of(manifest: Manifest) -> int | None:
    """Return the id of the section or activity that an archive was made of; None for a whole course."""
    if manifest.archive_type == "activity" and len(manifest.activities) == 1:
        return manifest.activities[0].moduleid
    if manifest.archive_type == "section" and len(manifest.sections) == 1:
        return manifest.sections[0].sectionid
    return None
