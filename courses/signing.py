"""The site as the author of archives: the hash of its identifier, its keys for signatures, and the check of a signature."""

from __future__ import annotations

from hashlib import md5

from django.conf import settings

from archive.integrity import Signer
from archive.manifest import Manifest
from courses.encryption import site_keys

PURPOSE = "sign archives"


def site_hash() -> str:
    """Return the hash by which archives name this site: the MD5 of its identifier (`original_site_identifier_hash`)."""
    return md5(settings.SITE_IDENTIFIER.encode(), usedforsecurity=False).hexdigest()


def signer() -> Signer:
    """Return this site as the author of archives. Its keys are made of SITE_KEY and of FORMER_SITE_KEYS."""
    return Signer(site_hash(), site_keys(PURPOSE))


def signed_here(manifest: Manifest) -> bool:
    """True if this site signed the manifest, and not a byte of it was changed since.

    The signature covers the digests of all other members; that they are as they were written, `archive.verify` tells.
    """
    return manifest.integrity is not None and manifest.integrity.is_signed_with(signer().keys)
