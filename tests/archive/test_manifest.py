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


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        (b"<original_course_id>2</original_course_id>", b"", "original_course_id", 0),
        (b"<original_course_contextid>101<", b"<original_course_contextid><", "original_course_contextid", 0),
        (b"<original_system_contextid>1</original_system_contextid>", b"", "original_system_contextid", 1),
        (
            b"<original_course_startdate>1800000000<",
            b"<original_course_startdate> <",
            "original_course_startdate",
            0,
        ),
        (b"<backup_date>1800000000<", b"<backup_date><", "backup_date", 0),
        (b"<backup_version>2024100700</backup_version>", b"", "backup_version", 2024100700),
        (b"<original_wwwroot>http://sample.example</original_wwwroot>", b"", "original_wwwroot", ""),
        (b"<moodle_release>4.5.5</moodle_release>", b"", "moodle_release", ""),
        (b"<name>backup-0.mbz</name>", b"", "name", ""),
    ],
)
def test_what_the_manifest_does_not_say_has_a_default_and_a_finding(
    old: bytes, new: bytes, field: str, value: object
) -> None:
    assert old in GOOD
    manifest = parse_manifest(GOOD.replace(old, new, 1))
    assert getattr(manifest, field) == value
    [finding] = manifest.findings
    assert finding.code == "manifest-default"
    assert f"<{field}>" in finding.message
    assert finding.place.startswith("moodle_backup.xml, line ")


@pytest.mark.parametrize("text", [b"2024100700.00", b" 2024100700 ", b"2024100700.05", b"+2024100700"])
def test_a_version_may_be_decimal(text: bytes) -> None:
    assert parse_manifest(GOOD.replace(b">2024100700<", b">" + text + b"<")).backup_version == 2024100700


def test_a_manifest_without_details_is_of_what_it_lists() -> None:
    start, end = GOOD.index(b"    <details>"), GOOD.index(b"    <contents>")
    manifest = parse_manifest(GOOD[:start] + GOOD[end:])
    assert manifest.archive_type == "course"
    assert [finding.code for finding in manifest.findings] == ["manifest-default"]
    alone = dataclasses.replace(sample.manifest(), sections=(), course=None)
    written = format_manifest(alone)
    start, end = written.index(b"    <details>"), written.index(b"    <contents>")
    assert parse_manifest(written[:start] + written[end:]).archive_type == "activity"


def test_a_manifest_without_settings_has_people_if_the_archive_has() -> None:
    members = sample.members()
    start, end = GOOD.index(b"    <settings>"), GOOD.index(b"  </information>")
    bare = {**members, "moodle_backup.xml": GOOD[:start] + GOOD[end:]}
    with sample.archive_of(bare) as archive:
        assert read_manifest(archive).with_users
    del bare["users.xml"]
    with sample.archive_of(bare) as archive:
        assert not read_manifest(archive).with_users


def test_a_whole_manifest_has_no_findings() -> None:
    assert parse_manifest(GOOD).findings == ()
