"""The backup versions of releases of Moodle, as the manifest has them (`backup_version`)."""

from __future__ import annotations

VERSION_OF_4_5 = 2024100700
"""The version of Moodle 4.5, whose form archives are read in; its own activity types have the same (`mod/*/version.php`)."""

BANKS_SINCE = 2025041400
"""The version of Moodle 5.0, since which questions are in question banks only, which are activities."""

LATEST_VERSION = 2026100500
"""The version of Moodle 5.3, the newest whose format is known."""
