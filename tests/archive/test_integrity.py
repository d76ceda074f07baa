"""Digests and signature of an archive: whatever was changed, added, removed or made by others is told, and named."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha1, sha256
from pathlib import Path
from shutil import which

import pytest

from archive.container import ArchiveWriter, open_archive
from archive.errors import ArchiveError
from archive.findings import Finding
from archive.integrity import (
    LINES,
    MemberDigests,
    Signer,
    is_content,
    key_identifier,
    list_contents,
    with_integrity,
)
from archive.manifest import format_manifest, parse_manifest
from archive.verify import verify

from . import sample

MANIFEST = "moodle_backup.xml"
KEY, OTHER = b"k" * 32, b"o" * 32
HERE = Signer("1" * 32, (KEY,))
OURS = replace(
    sample.manifest(), original_site_identifier_hash=HERE.site_hash, moodle_release="4.5 (Coursekeep)"
)
NAMES = sorted(path for path in sample.members() if not is_content(path) and path != MANIFEST)


def digests_of(contents: Mapping[str, bytes]) -> MemberDigests:
    members = {
        path: sha256(content).hexdigest()
        for path, content in contents.items()
        if path != MANIFEST and not is_content(path)
    }
    return MemberDigests(members, list_contents({path: len(content) for path, content in contents.items()}))


def signed(contents: Mapping[str, bytes], *, key: bytes = KEY) -> dict[str, bytes]:
    """Return the members with a signed manifest that says that the site `HERE` wrote it."""
    return {**contents, MANIFEST: with_integrity(format_manifest(OURS), digests_of(contents), key)}


def told(contents: Mapping[str, bytes], signer: Signer | None = HERE) -> list[Finding]:
    with sample.archive_of(contents) as archive:
        return list(verify(archive, signer=signer))


def places(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.level, each.code, each.place) for each in findings]


def test_a_signed_archive_is_intact() -> None:
    assert told(signed(sample.members())) == []


@pytest.mark.parametrize("path", NAMES)
def test_a_changed_member_is_told_by_its_name(path: str) -> None:
    contents = signed(sample.members())
    changed = {**contents, path: contents[path] + b"\n"}
    assert [("error", "changed-member", path)] == places(told(changed))
    without_a_site = places(told(changed, signer=None))
    assert ("error", "changed-member", path) in without_a_site


def test_a_member_that_is_malformed_since_is_told_as_changed_too() -> None:
    contents = {**signed(sample.members()), "users.xml": b"<users>"}
    assert places(told(contents)) == [
        ("error", "damaged-archive", "users.xml, line 1"),
        ("error", "changed-member", "users.xml"),
    ]


@pytest.mark.parametrize("path", NAMES)
def test_a_missing_member_is_told_once(path: str) -> None:
    contents = signed(sample.members())
    del contents[path]
    assert [each for each in places(told(contents)) if each[1] == "missing-member"] == [
        ("error", "missing-member", path)
    ]


def test_two_members_that_were_exchanged_are_told() -> None:
    first, second = "activities/forum_31/roles.xml", "course/roles.xml"
    contents = sample.members()
    contents[second] = b'<?xml version="1.0"?>\n<roles/>'
    contents = signed(contents)
    contents[first], contents[second] = contents[second], contents[first]
    assert {each.place for each in told(contents) if each.code == "changed-member"} == {first, second}


@pytest.mark.parametrize("path", ["activities/page_32/logs.xml", "notes.txt", "files/notes.txt"])
def test_an_added_member_is_told(path: str) -> None:
    contents = {**signed(sample.members()), path: b"<logs/>"}
    assert ("error", "added-member", path) in places(told(contents))


@pytest.mark.parametrize("path", ["notes.txt", "files/notes.txt"])
def test_a_member_that_is_no_xml_is_covered(path: str) -> None:
    contents = signed({**sample.members(), path: b"one"})
    assert [each for each in places(told(contents)) if each[0] == "error"] == []
    assert ("error", "changed-member", path) in places(told({**contents, path: b"two"}))


def test_an_added_and_a_removed_content_are_told() -> None:
    contents = signed(sample.members())
    name = sha1(b"more").hexdigest()
    assert ("error", "changed-contents", "files/") in places(
        told({**contents, f"files/{name[:2]}/{name}": b"more"})
    )
    del contents[sample.PICTURE_PATH]
    assert ("error", "changed-contents", "files/") in places(told(contents))


def test_a_changed_content_is_told_by_its_name(tmp_path: Path) -> None:
    contents = signed(sample.members())
    changed = {**contents, sample.PICTURE_PATH: sample.PICTURE[::-1]}
    (tmp_path / "a.mbz").write_bytes(sample.tar_of(*changed.items()))
    with open_archive(tmp_path / "a.mbz") as archive:
        found = list(verify(archive, signer=HERE))
    assert places(found) == [("error", "wrong-hash", sample.PICTURE_PATH)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"A sample", b"Another sample"),
        (b"<information>", b"<information> "),
        (b"</moodle_backup>", b"</moodle_backup>\n"),
        (b"    </members>", b"\n    </members>"),
        (b'<contents count="1"', b'<contents count="2"'),
        (b"  <integrity>", b"  <integrity><x/>"),
    ],
)
def test_a_changed_manifest_is_told(old: bytes, new: bytes) -> None:
    contents = signed(sample.members())
    assert contents[MANIFEST].count(old) >= 1
    contents[MANIFEST] = contents[MANIFEST].replace(old, new, 1)
    assert ("error", "changed-manifest", MANIFEST) in places(told(contents))
    manifest = parse_manifest(contents[MANIFEST])
    assert manifest.integrity is not None
    assert not manifest.integrity.is_signed_with(HERE.keys)


def test_every_byte_of_the_manifest_before_the_signature_is_covered() -> None:
    data = signed(sample.members())[MANIFEST]
    for position in range(0, data.rfind(b"    <signature key="), 7):
        other = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        try:
            integrity = parse_manifest(other).integrity
        except ArchiveError:  # it is no manifest any more, which is told in another way
            continue
        assert integrity is None or not integrity.is_signed_with(HERE.keys), position


def test_a_signature_that_was_taken_away_is_told() -> None:
    contents = {**sample.members(), MANIFEST: format_manifest(OURS)}
    [finding] = told(contents)
    assert (finding.level, finding.code) == ("warning", "not-signed")
    [finding] = told(contents, signer=None)
    assert "Coursekeep made it" in finding.message


def test_an_archive_of_a_moodle_is_not_signed_and_that_is_information() -> None:
    [finding] = told(sample.members())
    assert (finding.level, finding.code) == ("info", "not-signed")
    assert told(sample.members(), signer=None) == []


def test_an_archive_that_was_made_anew_with_another_key_is_told() -> None:
    contents = signed({**sample.members(), "notes.txt": b"mine"}, key=OTHER)
    [finding] = told(contents)
    assert (finding.level, finding.code) == ("warning", "other-signature")
    assert "another key" in finding.message


def test_an_archive_of_another_site_is_information() -> None:
    [finding] = told(signed(sample.members(), key=OTHER), Signer("2" * 32, (KEY,)))
    assert (finding.level, finding.code) == ("info", "other-signature")


def test_a_manifest_with_the_name_of_our_key_and_a_wrong_signature_was_changed() -> None:
    contents = signed(sample.members(), key=OTHER)
    contents[MANIFEST] = contents[MANIFEST].replace(
        key_identifier(OTHER).encode(), key_identifier(KEY).encode()
    )
    assert [each.code for each in told(contents)] == ["changed-manifest"]


def test_a_former_key_of_the_site_is_accepted() -> None:
    contents = signed(sample.members(), key=OTHER)
    assert told(contents, Signer(HERE.site_hash, (KEY, OTHER))) == []


def test_without_a_site_the_members_are_checked_and_the_signature_is_said_not_to_be() -> None:
    [finding] = told(signed(sample.members()), signer=None)
    assert (finding.level, finding.code) == ("info", "unchecked-signature")


def test_the_writer_computes_what_is_in_the_manifest() -> None:
    contents = sample.members()
    with ArchiveWriter(io.BytesIO(), date=sample.DATE) as writer:
        for path, content in contents.items():
            if is_content(path):
                writer.content(path, len(content), partial(io.BytesIO, content))
            elif path != MANIFEST:
                with writer.member(path) as stream:
                    for start in range(0, len(content), 10):
                        stream.write(content[start : start + 10])
        assert writer.digests() == digests_of(contents)


def test_lists_of_many_members_are_read_again() -> None:
    many = {f"activities/page_{number}/a & b.xml": b"x" for number in range(2 * LINES + 3)}
    data = with_integrity(format_manifest(OURS), digests_of(many), KEY)
    integrity = parse_manifest(data).integrity
    assert integrity is not None
    assert integrity.digests == digests_of(many)
    assert integrity.is_signed_with([KEY])
    assert data.count(b"<members>") == 3


@pytest.mark.skipif(which("sha256sum") is None, reason="This machine has no sha256sum.")
def test_the_lines_are_those_of_sha256sum(tmp_path: Path) -> None:
    contents = signed(sample.members())
    for path, content in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    lines = contents[MANIFEST].decode().partition("<members>\n")[2].partition("    </members>")[0]
    (tmp_path / "sums").write_text(lines)
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "sums"], cwd=tmp_path, check=True)
