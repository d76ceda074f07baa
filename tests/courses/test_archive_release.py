"""The release of Moodle that an archive is of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archive.manifest import ActivityEntry
from courses.archive_release import has_banks, release_of
from tests.archive import sample

OF_45 = replace(
    sample.manifest(),
    backup_version=2024100700,
    backup_release="4.5",
    moodle_version="2024100700",
    moodle_release="4.5.6 (Build: 20250811)",
)
BANK = ActivityEntry(
    directory="activities/qbank_9", modulename="qbank", moduleid=9, sectionid=21, title="Bank"
)


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ({}, "4.5"),
        ({"backup_release": "5.1", "backup_version": 2025100600}, "5.1"),
        ({"moodle_version": "2025100600.02", "moodle_release": "5.1.2 (Build: 20260101)"}, "5.1"),
        ({"moodle_version": "2025100600.02", "moodle_release": ""}, "5.0"),
        ({"backup_version": 2026100500}, "5.0"),
        ({"activities": (BANK,)}, "5.0"),
        ({"backup_release": ""}, ""),
    ],
)
def test_the_release_is_what_the_archive_says_unless_the_site_was_of_5(
    said: dict[str, object], release: str
) -> None:
    manifest = replace(OF_45, **said)  # type: ignore[arg-type]
    assert release_of(manifest) == release
    assert has_banks(manifest) is (release >= "5")
