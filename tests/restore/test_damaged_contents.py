"""Contents that are damaged in the pool: a restore of a good archive heals them, and a backup goes on without them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from django.test import Client

from archive.container import open_archive
from courses import pool
from courses.models import Course
from jobs.models import Job
from tests.archive import sample
from tests.archives_made import members, small, texts
from tests.jobs_done import back_up, faults, restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

SHA1 = sample.PICTURE_HASH
OTHER = b"another content"
OTHER_SHA1 = hashlib.sha1(OTHER).hexdigest()
CHANGED = b"changed after the backup"
CHANGED_SHA1 = hashlib.sha1(CHANGED).hexdigest()
SAME_LENGTH = bytes(len(sample.PICTURE))


@pytest.fixture(autouse=True)
def without_contents() -> None:
    """The pool has none of the contents, whatever other tests have brought."""
    for sha1 in (SHA1, OTHER_SHA1, CHANGED_SHA1):
        pool.storage().delete(pool.name_of(sha1))


def damage(sha1: str, content: bytes) -> None:
    """Put other bytes under the name of a content."""
    pool.storage().delete(pool.name_of(sha1))
    pool.storage().save(pool.name_of(sha1), io.BytesIO(content))


def two_files(target: Path) -> Path:
    """Write an archive of two files of a page, with two contents."""
    files = members()["files.xml"].decode()
    record = files[files.index("<file id") : files.index("</files>")]
    more = (
        record.replace('id="71"', 'id="72"')
        .replace("a.png", "b.txt")
        .replace(SHA1, OTHER_SHA1)
        .replace(f"<filesize>{len(sample.PICTURE)}<", f"<filesize>{len(OTHER)}<")
    )
    contents = {**members(), f"files/{OTHER_SHA1[:2]}/{OTHER_SHA1}": OTHER}
    contents["files.xml"] = files.replace(record, record + more).encode()
    target.write_bytes(sample.tar_of(*contents.items()))
    return target


@pytest.mark.parametrize("rotten", [SAME_LENGTH, b"", b"longer than it was, by far; " * 10])
def test_a_good_archive_heals_a_damaged_content(tmp_path: Path, rotten: bytes) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    damage(SHA1, rotten)
    done = restore(small(tmp_path / "a.mbz"))
    [finding] = done.job.findings.filter(code="content-healed")
    assert "“a.png” of “Reading”" in finding.message
    assert pool.is_whole(SHA1)
    assert sample.PICTURE_PATH in members_of(back_up(course, tmp_path / "b.mbz"))


def test_a_whole_content_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore(small(tmp_path / "a.mbz"))
    monkeypatch.setattr(type(pool.storage()), "save", None)
    assert "content-healed" not in restore(small(tmp_path / "a.mbz")).findings


def test_a_damaged_content_that_the_archive_lacks_is_told(tmp_path: Path) -> None:
    restore(small(tmp_path / "a.mbz"))
    damage(SHA1, SAME_LENGTH)
    done = restore(small(tmp_path / "b.mbz", {sample.PICTURE_PATH: None}))
    [finding] = done.job.findings.filter(code="content-damaged")
    assert (finding.level, "“a.png” of “Reading”" in finding.message) == ("warning", True)


def members_of(path: Path) -> set[str]:
    with open_archive(path) as archive:
        return set(archive.members)


def backup_findings(course: Course) -> list[tuple[str, str, str]]:
    """The level, code and message of each finding of the last backup of a course."""
    job = Job.objects.filter(operation="backup", course=course).latest("pk")
    return [(finding.level, finding.code, finding.message) for finding in job.findings.all()]


@pytest.mark.parametrize("rotten", [SAME_LENGTH, b"", b"longer than it was, by far; " * 10])
@pytest.mark.parametrize("container", ["tar.gz", "zip"])
def test_a_damaged_content_costs_a_backup_only_its_file(
    tmp_path: Path, rotten: bytes, container: str
) -> None:
    course = restore(two_files(tmp_path / "a.mbz")).course
    damage(SHA1, rotten)
    path = back_up(course, tmp_path / "b.mbz", container=container)
    assert faults(path) == []
    files = texts(path)["files.xml"]
    assert "b.txt" in files
    assert "a.png" not in files
    [(level, code, message)] = backup_findings(course)
    assert (level, code) == ("warning", "content-damaged")
    assert "“a.png” of “Reading”" in message


def test_all_damaged_contents_are_told_at_once(tmp_path: Path) -> None:
    course = restore(two_files(tmp_path / "a.mbz")).course
    for sha1 in (SHA1, OTHER_SHA1):
        damage(sha1, b"rot")
    assert faults(back_up(course, tmp_path / "b.mbz")) == []
    assert [code for _, code, _ in backup_findings(course)] == ["content-damaged"] * 2


def test_the_administrator_is_told_of_damaged_contents(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    course = restore(two_files(tmp_path / "a.mbz")).course
    client = Client()
    client.force_login(person("root", is_superuser=True))
    assert "<a href" not in figure(client)
    damage(SHA1, SAME_LENGTH)
    back_up(course, tmp_path / "b.mbz")
    assert SHA1 in caplog.text
    job = Job.objects.filter(operation="backup", course=course).latest("pk")
    assert "<b>1</b>" in figure(client)
    assert f'href="/jobs/{job.pk}/"' in figure(client)


def figure(client: Client) -> str:
    """The figure of damaged files on the administrator's page."""
    page = client.get("/administration/").content.decode()
    before, _, _ = page.partition("damaged files since yesterday")
    return before[before.rindex("<li>") :]


def hashes(course: Course) -> set[str]:
    """The SHA-1s and sizes of the files of a course."""
    return {f"{sha1} {size}" for sha1, size in course.files.values_list("contenthash", "filesize")}


def test_a_changed_content_is_left_out_and_the_hint_is_a_way_to_take_it(tmp_path: Path) -> None:
    done = restore(small(tmp_path / "a.mbz", {sample.PICTURE_PATH: CHANGED}))
    [finding] = done.job.findings.filter(code="content-wrong")
    assert "changed_contents=1" in finding.hint
    assert not pool.exists(CHANGED_SHA1)


def test_a_changed_content_is_taken_under_its_own_hash_if_somebody_chooses_that(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {sample.PICTURE_PATH: CHANGED})
    done = restore(path, changed_contents="1")
    [finding] = done.job.findings.filter(code="content-changed")
    assert (finding.level, "“a.png” of “Reading”" in finding.message) == ("warning", True)
    assert hashes(done.course) == {f"{CHANGED_SHA1} {len(CHANGED)}"}
    assert not pool.exists(SHA1)
    assert pool.is_whole(CHANGED_SHA1)
    written = back_up(done.course, tmp_path / "b.mbz")
    assert faults(written) == []
    assert f"files/{CHANGED_SHA1[:2]}/{CHANGED_SHA1}" in members_of(written)


def test_a_true_content_of_this_site_is_better_than_a_changed_one(tmp_path: Path) -> None:
    restore(small(tmp_path / "a.mbz"))
    done = restore(small(tmp_path / "b.mbz", {sample.PICTURE_PATH: CHANGED}), changed_contents="1")
    [finding] = done.job.findings.filter(code="content-wrong")
    assert "This site has the true content" in finding.message
    assert hashes(done.course) == {f"{SHA1} {len(sample.PICTURE)}"}


@pytest.mark.parametrize("name", ["a.png", "/a.png"])
def test_a_content_under_the_hash_of_its_name_is_taken(tmp_path: Path, name: str) -> None:
    by_name = hashlib.sha1(name.encode()).hexdigest()
    contents = members()
    contents[f"files/{by_name[:2]}/{by_name}"] = contents.pop(sample.PICTURE_PATH)
    contents["files.xml"] = contents["files.xml"].replace(SHA1.encode(), by_name.encode())
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.tar_of(*contents.items()))
    done = restore(path)
    [finding] = done.job.findings.filter(code="content-renamed")
    assert finding.level == "info"
    assert hashes(done.course) == {f"{SHA1} {len(sample.PICTURE)}"}
    assert sample.PICTURE_PATH in members_of(back_up(done.course, tmp_path / "b.mbz"))
    assert faults(tmp_path / "b.mbz") == []


@pytest.mark.parametrize("place", [f"files/{SHA1}", f"files/{SHA1[:2]}/{SHA1[2:4]}/{SHA1}"])
def test_a_content_in_another_folder_is_found(tmp_path: Path, place: str) -> None:
    contents = members()
    contents[place] = contents.pop(sample.PICTURE_PATH)
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.tar_of(*contents.items()))
    done = restore(path)
    assert "content-missing" not in done.findings
    assert sample.PICTURE_PATH in members_of(back_up(done.course, tmp_path / "b.mbz"))
