"""An archive made anonymous is what an anonymous backup of its course is, and tells nothing of its people."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from archive.container import open_archive
from archive.details import KnownDetails
from archive.errors import UsageError
from archive.manifest import format_manifest, read_manifest
from archive.users import details_in_archive
from archive.verify import verify
from backup import leaks
from backup.moodle_version import VERSIONS
from courses.models import Course
from courses.signing import signed_here, signer, site_hash
from tests.archives_made import small, texts
from tests.backup.test_anonymise import rich_course
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up, compared, faults, restore
from tests.restore.test_opaque_people import PRIVATE, STAYS, of_all_plugins

EVERYTHING: dict[str, Any] = {"logs": 1, "grade_histories": 1}


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module", params=["rich", "exhaustive"])
def course(standing: None, request: pytest.FixtureRequest, fixtures: Path) -> Course:
    return rich_course(fixtures) if request.param == "rich" else Exhaustive(seed=5).make()


def anonymise(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> dict[str, Any]:
    """Run the command and return its answer."""
    capsys.readouterr()
    with suppress(SystemExit):  # A detail was found, which the caller sees in the answer.
        call_command("anonymise", str(source), str(target), "--json", *options)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def scanned(path: Path, source: Path) -> Counter[leaks.Leak]:
    """The leaks in an archive of details of the people of another one."""
    with open_archive(source) as original, open_archive(path) as archive:
        details = list(details_in_archive(original))
        return leaks.scan(archive, KnownDetails(details), people={detail.person for detail in details})


def test_it_is_what_an_anonymous_backup_is(
    transactional_db: None,
    course: Course,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    source = back_up(course, tmp_path / "source.mbz", **EVERYTHING)
    before = source.read_bytes()
    expected = back_up(course, tmp_path / "expected.mbz", anonymize=1, **EVERYTHING)
    answer = anonymise(source, tmp_path / "out.mbz", capsys)
    if "rich" in request.node.name:
        assert answer["findings"] == []
    assert source.read_bytes() == before
    # Values that are equal by chance are no leaks of the copy: an anonymous backup has them too.
    assert scanned(tmp_path / "out.mbz", source) - scanned(expected, source) == Counter()
    found = compared(expected, tmp_path / "out.mbz")
    assert found.totals == {}
    assert found.leaves.lost == {}
    assert found.leaves.share == 1
    assert faults(tmp_path / "out.mbz") == []
    with open_archive(tmp_path / "out.mbz") as archive:
        manifest = read_manifest(archive)
        assert manifest.anonymised
        assert signed_here(manifest)
        assert [one for one in verify(archive, signer=signer()) if one.level != "info"] == []


def test_without_texts_it_is_what_an_anonymous_backup_without_texts_is(
    transactional_db: None, course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = back_up(course, tmp_path / "source.mbz", **EVERYTHING)
    expected = back_up(course, tmp_path / "expected.mbz", anonymize=1, texts=0, **EVERYTHING)
    anonymise(source, tmp_path / "out.mbz", capsys, "--without-texts")
    assert compared(expected, tmp_path / "out.mbz").totals == {}
    assert faults(tmp_path / "out.mbz") == []


def test_plugins_people_stay_away_and_the_rest_restores(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.mbz"
    source.write_bytes(of_all_plugins())
    anonymise(source, tmp_path / "out.mbz", capsys)
    (text,) = (text for path, text in texts(tmp_path / "out.mbz").items() if path.endswith("/wheel.xml"))
    assert [words for words in PRIVATE if words in text] == []
    assert [words for words in STAYS if words not in text and words != "Week 1"] == []
    assert restore(tmp_path / "out.mbz").course.activities.filter(modulename="wheel").exists()


def test_another_key_makes_other_pseudonyms_and_texts_can_stay_away(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = Exhaustive(seed=7).make()
    source = back_up(course, tmp_path / "source.mbz")
    anonymise(source, tmp_path / "a.mbz", capsys)
    anonymise(source, tmp_path / "b.mbz", capsys, "--key", "another", "--without-texts")
    first, second = texts(tmp_path / "a.mbz"), texts(tmp_path / "b.mbz")
    assert first["users.xml"] != second["users.xml"]
    (forum,) = (path for path in first if path.endswith("/forum.xml"))
    assert first[forum].count("<message>") == second[forum].count("<message></message>") > 0


def test_a_file_that_is_there_is_replaced_only_when_asked_and_anonymous_archives_are_refused(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = back_up(Exhaustive(seed=8).make(), tmp_path / "source.mbz")
    target = tmp_path / "out.mbz"
    target.write_bytes(b"mine")
    with pytest.raises(UsageError):
        call_command("anonymise", str(source), str(target))
    assert target.read_bytes() == b"mine"
    with pytest.raises(UsageError):
        call_command("anonymise", str(source), str(source), "--force")
    anonymise(source, target, capsys, "--force")
    with pytest.raises(UsageError):
        call_command("anonymise", str(target), str(tmp_path / "again.mbz"))
    assert not (tmp_path / "again.mbz").exists()


def test_an_older_archive_is_written_as_this_site_writes_them(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = ("<backup_version>2024100700</backup_version>", "<backup_version>2011063000</backup_version>")
    source = small(tmp_path / "source.mbz", {"moodle_backup.xml": old})
    answer = anonymise(source, tmp_path / "out.mbz", capsys)
    assert [finding for finding in answer["findings"] if finding["code"] == "leak"] == []
    with open_archive(tmp_path / "out.mbz") as archive:
        assert read_manifest(archive).backup_version == VERSIONS["4.5"].number
    assert faults(tmp_path / "out.mbz") == []
    assert restore(tmp_path / "out.mbz", users=0).course.activities.exists()


def test_an_archive_that_only_claims_to_be_of_this_site_gets_no_signature_of_it(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_archive(small(tmp_path / "source.mbz")) as archive:
        manifest = replace(read_manifest(archive), original_site_identifier_hash=site_hash())
    forged = small(tmp_path / "forged.mbz", {"moodle_backup.xml": format_manifest(manifest)})
    anonymise(forged, tmp_path / "out.mbz", capsys)
    with open_archive(tmp_path / "out.mbz") as archive:
        assert not signed_here(read_manifest(archive))
