"""The release of Moodle that an archive is of."""

from __future__ import annotations

import re

from archive.manifest import Manifest
from archive.numbers import whole_or
from archive.releases import BANKS_SINCE
from courses import registry

FIRST_WITH_BANKS = "5.0"
"""The first release whose question categories belong to activities only."""


def release_of(manifest: Manifest) -> str:
    """Return the release of Moodle that an archive is of: `4.5`; at most 20 characters, "" if it does not say.

    It is what the archive says of the format, unless that is before 5 and the site or the contents were of 5: sites of 5 have
    written archives that say 4.5.
    """
    said = manifest.backup_release[:20]
    if _major(said) >= 5 or not _is_of_5(manifest):
        return said
    found = re.match(r"\d{1,3}\.\d{1,3}", manifest.moodle_release)
    return found[0] if found and _major(found[0]) >= 5 else FIRST_WITH_BANKS


def has_banks(manifest: Manifest) -> bool:
    """Whether an archive is of a Moodle whose question categories belong to activities only."""
    return _major(release_of(manifest)) >= 5


def _is_of_5(manifest: Manifest) -> bool:
    versions = (manifest.backup_version, whole_or(manifest.moodle_version.partition(".")[0]))
    bank = registry.type_of_banks()
    return max(versions) >= BANKS_SINCE or any(entry.modulename == bank for entry in manifest.activities)


def _major(release: str) -> int:
    return whole_or(release.partition(".")[0])
