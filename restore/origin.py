"""The origin of an archive: whether this site made it, and what a person may take out of the course it was made from.

The hash of the site in a manifest is no proof, since anybody can write it. Proofs are the signature with the site's key, and
that the vault stores the file which a backup of this site put there, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from archive import layout
from archive.container import Archive
from archive.integrity import changed_members, is_content
from archive.manifest import Manifest
from archive.streams import drain
from courses.capabilities import may
from courses.models import Activity, Course, User
from courses.signing import signed_here, site_hash
from vault import catalogue, storage
from vault.models import StoredArchive

TAKE_OUT = "moodle/backup:userinfo"
BRING_IN = "moodle/restore:userinfo"


def made_here(archive: Archive, manifest: Manifest, source: StoredArchive | str | Path) -> bool:
    """Whether it is proven that this site made the archive and that nobody has changed it since.

    Only then do the ids of people in it mean accounts of this site. Reads all members but the contents of files if the
    signature is the proof, and the whole file if the vault is.
    """
    if _is_ours(manifest) and _as_signed(archive, manifest):
        return True
    return isinstance(source, StoredArchive) and _stored_by_backup(source) and _as_stored(source)


def home_of(manifest: Manifest, source: StoredArchive | str | Path) -> Course | Activity | None:
    """Return the course or activity of this site whose people's data the archive holds.

    None if another site made the archive, as far as anybody can prove, or if the course is gone.
    """
    if isinstance(source, StoredArchive) and _stored_by_backup(source):
        return catalogue.owners_of([source])[source.pk]
    if not _is_ours(manifest):
        return None
    if manifest.archive_type == "activity" and len(manifest.activities) == 1:
        made_of = Activity.objects.filter(
            pk=manifest.activities[0].moduleid, course=manifest.original_course_id
        )
        activity = made_of.select_related("course").first()
        if activity is not None:
            return activity
    return Course.objects.filter(pk=manifest.original_course_id).first()


def withheld(by: User | None, manifest: Manifest, source: StoredArchive | str | Path) -> Mapping[str, str]:
    """Return the capabilities that a restore of the archive does not give the person, each with the reason as a sentence.

    Restoring people's data elsewhere takes them out of the archive's own course, and that takes the right to it there.
    """
    if by is None or not manifest.with_users or manifest.anonymised:
        return {}
    home = home_of(manifest, source)
    if home is None or TAKE_OUT in may(by, home):
        return {}
    course = home.course if isinstance(home, Activity) else home
    return {
        BRING_IN: f"The archive holds people's data of “{course.fullname}”, and you may not take them out of that course."
    }


def _is_ours(manifest: Manifest) -> bool:
    """Whether this site signed the manifest, and as one of its own: it signs anonymous copies of other sites' archives, too."""
    return signed_here(manifest) and manifest.original_site_identifier_hash == site_hash()


def _stored_by_backup(source: StoredArchive) -> bool:
    return source.source != StoredArchive.Source.UPLOAD


def _as_signed(archive: Archive, manifest: Manifest) -> bool:
    """Whether the members are those whose digests the manifest has: none was changed, added or removed."""
    assert manifest.integrity is not None
    digests = {}
    for path in archive.members:
        if path != layout.MANIFEST and not is_content(path):
            with archive.open_raw(path) as stream:
                digests[path] = _sha256(stream)
    sizes = {path: member.size for path, member in archive.members.items()}
    return not any(changed_members(manifest.integrity, digests, sizes))


def _as_stored(source: StoredArchive) -> bool:
    """Whether the stored file still has the SHA-256 with which it was stored."""
    with storage.open_stored(source) as stream:
        return _sha256(stream) == source.sha256


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    drain(stream, digest.update)
    return digest.hexdigest()
