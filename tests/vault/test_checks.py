"""Checks of stored archives: the file is the one that was stored, its members are as they were written, this site signed it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings as site
from django.test import override_settings

from archive.container import open_archive
from archive.integrity import with_integrity
from archive.manifest import format_manifest, parse_manifest, read_manifest
from archive.writer import ArchiveWriter
from backup.services import request_backup
from courses.models import Course, User
from courses.signing import signed_here
from jobs import runner
from jobs.models import Job, SiteLimit
from tests.archives_made import small
from tests.jobs_done import restore
from tests.people_made import person
from vault import checks, storage
from vault.models import StoredArchive

MANIFEST = "moodle_backup.xml"


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def course(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Course:
    return restore(small(tmp_path_factory.mktemp("made") / "a.mbz")).course


@pytest.fixture
def admin(transactional_db: None) -> User:
    return User.objects.filter(username="checker").first() or person("checker", "manager")


@pytest.fixture
def archive(course: Course, admin: User) -> StoredArchive:
    """An archive that this site made and stored."""
    job = request_backup(course, by=admin, notify=False)
    runner.run(job.pk, raising=True)
    return StoredArchive.objects.latest("pk")


def checked(archive: StoredArchive, admin: User) -> list[tuple[str, str, str]]:
    """The findings of a check of the archive: level, code and place."""
    job = checks.request_check(archive, by=admin)
    runner.run(job.pk, raising=True)
    archive.refresh_from_db()
    found = list(Job.objects.get(pk=job.pk).findings.values_list("level", "code", "place"))
    assert archive.verify_errors == sum(level == "error" for level, _, _ in found)
    return found


def path_of(archive: StoredArchive) -> Path:
    return Path(storage.archives().path(archive.file))


def members_of(archive: StoredArchive) -> dict[str, bytes]:
    with open_archive(path_of(archive)) as opened:
        return {path: opened.read(path) for path in opened.members}


def replaced(archive: StoredArchive, members: dict[str, bytes], *, note: bool = True) -> None:
    """Store other members in place of the archive's file, and with `note` its size and SHA-256 too."""
    target = io.BytesIO()
    with ArchiveWriter(target, date=0) as writer:
        for path, content in members.items():
            with writer.member(path) as stream:
                stream.write(content)
        writer.finish()
    if note:
        stored = storage.put(io.BytesIO(target.getvalue()), title="a.mbz")
        StoredArchive.objects.filter(pk=archive.pk).update(
            file=stored.file, size=stored.size, sha256=stored.sha256
        )
        archive.refresh_from_db()
    else:
        path_of(archive).write_bytes(target.getvalue())


def test_what_this_site_made_is_intact(archive: StoredArchive, admin: User) -> None:
    assert checked(archive, admin) == []
    assert archive.verified is not None


def test_a_file_that_was_exchanged_for_another_whole_archive_is_told(
    archive: StoredArchive, course: Course, admin: User
) -> None:
    other = request_backup(course, by=admin, options={"filename": "other.mbz"}, notify=False)
    runner.run(other.pk, raising=True)
    path_of(archive).write_bytes(path_of(StoredArchive.objects.latest("pk")).read_bytes())
    assert checked(archive, admin) == [("error", "changed-file", archive.file)]


def test_a_file_that_grew_is_told(archive: StoredArchive, admin: User) -> None:
    with path_of(archive).open("ab") as stream:
        stream.write(b"\0")
    assert ("error", "changed-file", archive.file) in checked(archive, admin)


def test_a_file_that_is_gone_is_told(archive: StoredArchive, admin: User) -> None:
    path_of(archive).unlink()
    assert [code for _, code, _ in checked(archive, admin)] == ["not-found"]


def test_an_edited_member_is_named_even_if_the_row_was_edited_too(
    archive: StoredArchive, admin: User
) -> None:
    members = members_of(archive)
    members["users.xml"] = members["users.xml"].replace(b"anna", b"hans")
    replaced(archive, members)
    assert ("error", "changed-member", "users.xml") in checked(archive, admin)


def test_an_archive_that_was_made_anew_is_told(archive: StoredArchive, admin: User) -> None:
    members = members_of(archive)
    manifest = parse_manifest(members[MANIFEST])
    assert manifest.integrity is not None
    plain = format_manifest(manifest)
    members[MANIFEST] = with_integrity(plain, manifest.integrity.digests, b"another key")
    replaced(archive, members)
    assert ("warning", "other-signature", MANIFEST) in checked(archive, admin)
    replaced(archive, {**members, MANIFEST: plain})
    assert ("warning", "not-signed", MANIFEST) in checked(archive, admin)


def test_this_site_knows_what_it_signed_also_after_its_key_changed(
    archive: StoredArchive, admin: User
) -> None:
    with open_archive(path_of(archive)) as opened:
        manifest = read_manifest(opened)
    assert signed_here(manifest)
    with override_settings(SITE_KEY="a new key"):
        assert not signed_here(manifest)
        assert ("warning", "other-signature", MANIFEST) in checked(archive, admin)
    with override_settings(SITE_KEY="a new key", FORMER_SITE_KEYS=[site.SITE_KEY]):
        assert signed_here(manifest)
        assert checked(archive, admin) == []


def test_the_name_of_the_site_alone_is_no_signature(archive: StoredArchive) -> None:
    members = members_of(archive)
    manifest = parse_manifest(members[MANIFEST])
    assert not signed_here(parse_manifest(format_manifest(manifest)))


def test_an_archive_is_checked_within_the_limits_of_the_site(archive: StoredArchive, admin: User) -> None:
    SiteLimit.objects.create(name="members", value=2)
    try:
        assert [code for _, code, _ in checked(archive, admin)] == ["hostile-archive"]
    finally:
        SiteLimit.objects.all().delete()
