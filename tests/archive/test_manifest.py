"""moodle_backup.xml: read with every fault explained, written as Moodle writes it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from archive.container import open_archive
from archive.errors import (
    ArchiveError,
    DamagedArchive,
    HostileArchive,
    InvalidValue,
    NotAnArchive,
    UnsupportedArchive,
)
from archive.manifest import format_manifest, parse_manifest, read_manifest

from . import sample
from .test_container import REAL

GOOD = format_manifest(sample.manifest())


@pytest.mark.parametrize("name", [name for name in REAL if not name.startswith("older")])
def test_the_manifest_of_a_real_archive_is_written_again_byte_for_byte(fixtures: Path, name: str) -> None:
    with open_archive(fixtures / name) as archive:
        assert format_manifest(read_manifest(archive)) == archive.read("moodle_backup.xml")


@pytest.mark.parametrize("name", [name for name in REAL if name.startswith("older")])
def test_the_manifest_of_an_older_archive_says_the_same_when_written_again(fixtures: Path, name: str) -> None:
    with open_archive(fixtures / name) as archive:
        manifest = read_manifest(archive)
    assert parse_manifest(format_manifest(manifest)) == manifest


def test_what_is_written_is_read_again() -> None:
    assert parse_manifest(GOOD) == sample.manifest()


def test_what_readers_look_for_stands_within_the_first_200_bytes() -> None:
    assert b"<moodle_backup>" in GOOD[:200]
    assert b"<information>" in GOOD[:200]


def test_an_unknown_field_is_kept() -> None:
    more = GOOD.replace(b"    <details>", b"    <local_plan>gold &amp; more</local_plan>\n    <details>", 1)
    manifest = parse_manifest(more)
    assert manifest.additions == (("local_plan", "gold & more"),)
    assert format_manifest(manifest) == more


def test_settings_are_asked_by_name() -> None:
    manifest = sample.manifest()
    assert manifest.with_users
    assert not manifest.anonymised
    assert manifest.setting("forum_31_userinfo") == "1"
    assert manifest.setting("nothing", "x") == "x"


@pytest.mark.parametrize(
    ("old", "new", "kind", "word"),
    [
        (b"<original_course_id>2</original_course_id>", b"", DamagedArchive, "original_course_id"),
        (b"<type>course</type>", b"<type>planet</type>", UnsupportedArchive, "planet"),
        (b"<format>moodle2</format>", b"<format>imscc1</format>", UnsupportedArchive, "imscc1"),
        (b">2024100700<", b">2010010100<", UnsupportedArchive, "1.9"),
        (b">2024100700<", b">soon<", InvalidValue, "soon"),
        (b"<moduleid>31<", b"<moduleid><", InvalidValue, "moduleid"),
        (b"activities/forum_31", b"../../etc", HostileArchive, "climbs"),
        (b"<modulename>forum<", b"<modulename>../forum<", InvalidValue, "activity type"),
        (b"<moodle_backup>", b"<moodle_backup><moodle_backup>", DamagedArchive, "malformed"),
    ],
)
def test_a_fault_is_explained_with_its_line(
    old: bytes, new: bytes, kind: type[ArchiveError], word: str
) -> None:
    assert old in GOOD
    with pytest.raises(kind, match=word) as caught:
        parse_manifest(GOOD.replace(old, new, 1))
    assert caught.value.where.startswith("moodle_backup.xml, line ")


def test_an_archive_without_a_manifest_holds_no_course() -> None:
    with (
        sample.archive_of({"users.xml": b"<users/>"}) as archive,
        pytest.raises(NotAnArchive, match="moodle_backup"),
    ):
        read_manifest(archive)


def test_an_activity_archive_has_no_sections_and_no_course() -> None:
    manifest = dataclasses.replace(sample.manifest(), sections=(), course=None)
    written = format_manifest(manifest)
    assert b"<sections>" not in written
    assert b"<courseid>" not in written
    assert parse_manifest(written) == manifest
