"""A page that a storage fails answers 503, or 507 without room, with the sentence of the fault: the request is not to blame."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from archive.errors import Busy, NotAllowed, NotFound, StorageAway, StorageFailed, UsageError
from archive.faults import failure_of
from config.middleware import ErrorPages
from courses import pool
from courses.models import File
from jobs.models import Job
from tests.pages.places import Place
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


@pytest.fixture
def unmount(own_storages: Path) -> Callable[[str], None]:
    """Put an empty folder in the place of a storage, as where its disk is not mounted."""

    def put_away(alias: str) -> None:
        (own_storages / alias).rename(own_storages / f"{alias}-away")
        (own_storages / alias).mkdir()

    return put_away


@pytest.fixture
def archive(own_storages: Path, place: Place) -> StoredArchive:
    """An archive of a course, stored by hand."""
    stored = storage.put(ContentFile(b"an archive"), title="a.mbz")
    from vault.manifests import ManifestCopy

    return storage.record(stored, manifest=ManifestCopy(b"", 0, 0, 0), course=place.course, source="backup")


def is_told(answer: Any, status: int, *words: str) -> None:
    """Check that an answer has a status of the site's, says the words, and when to come again."""
    assert answer.status_code == status
    page = answer.content.decode()
    assert [word for word in words if word not in page] == []
    assert int(answer["Retry-After"]) > 0


def test_a_download_without_the_storage_of_archives_is_no_fault_of_the_request(
    archive: StoredArchive, unmount: Callable[[str], None], as_person: SignIn
) -> None:
    unmount("archives")
    answer = as_person("admin").get(reverse("archive-download", args=[archive.pk]))
    is_told(
        answer,
        503,
        "the storage “archives”",
        "It is not the storage that the site has used",
        "Mount the disk",
    )


def test_a_download_that_cannot_be_read_is_told_before_it_begins(
    archive: StoredArchive, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def read(self, size: int) -> bytes:
            raise OSError(errno.ESTALE, "Stale file handle")

        def close(self) -> None:
            pass

    monkeypatch.setattr(storage, "open_stored", lambda _: Away())
    answer = as_person("admin").get(reverse("archive-download", args=[archive.pk]))
    is_told(answer, 503, "the storage “archives”", "It does not answer.")


def test_a_file_of_a_course_without_the_pool_is_no_missing_page(
    place: Place, own_storages: Path, unmount: Callable[[str], None], as_person: SignIn
) -> None:
    with pool.storing():
        sha1, _ = pool.put(ContentFile(b"content"))
    made = File.objects.create(
        contenthash=sha1,
        course=place.course,
        contextid=place.course.contextid,
        component="course",
        filearea="summary",
        filepath="/",
        filename="a.txt",
        filesize=7,
        mimetype="text/plain",
    )
    address = f"/file/{made.contextid}/course/summary/0/a.txt"
    browser = as_person("admin")
    assert browser.get(address).status_code == 200
    unmount("pool")
    is_told(browser.get(address), 503, "the storage “pool”")


def test_an_upload_without_its_storage_is_no_fault_of_the_file(
    archive: StoredArchive, unmount: Callable[[str], None], as_person: SignIn
) -> None:
    unmount("archives")
    sent = {"file": SimpleUploadedFile("b.mbz", b"content")}
    is_told(as_person("admin").post(reverse("restore-upload"), sent), 503, "the storage “archives”")
    assert not Job.objects.exists()


def test_an_upload_into_a_full_storage_says_that_there_is_no_room(
    archive: StoredArchive, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vault.storage.archives", lambda: type("Full", (), {"save": full, "delete": full})())
    sent = {"file": SimpleUploadedFile("b.mbz", b"content")}
    is_told(
        as_person("admin").post(reverse("restore-upload"), sent), 507, "There is no space left.", "Make room"
    )


def test_an_upload_that_does_not_fit_into_the_folder_for_temporary_files_says_that_there_is_no_room(
    place: Place, own_storages: Path, as_person: SignIn, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    sent = {"file": SimpleUploadedFile("b.mbz", b"content")}
    is_told(as_person("admin").post(reverse("restore-upload"), sent), 507, "There is no space left.")


@pytest.mark.parametrize("code", ["storage", "storage-away", "no-space"])
def test_the_page_of_an_upload_whose_job_a_storage_failed_is_no_fault_of_the_request(
    code: str, place: Place, as_person: SignIn
) -> None:
    job = Job.objects.create(
        operation="upload",
        finished=timezone.now(),
        state="failed",
        requested_by=place.admin,
        title="b.mbz",
        error="It is full.",
        error_code=code,
    )
    answer = as_person("admin").get(reverse("restore-looking", args=[job.pk]))
    assert (answer.status_code, "It is full." in answer.content.decode()) == (503, True)


@pytest.mark.parametrize(
    "error",
    [
        StorageAway("It is away.", where="the storage “pool”"),
        StorageFailed("It is away.", where="the storage “pool”"),
    ],
)
def test_a_wizard_that_a_storage_stops_does_not_blame_what_was_entered(
    error: StorageFailed, place: Place, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("backup.services.request_backup", away)
    monkeypatch.setattr("transfer.copies.request_copy", away)
    browser = as_person("admin")
    is_told(browser.post(reverse("backup-now", args=["course", place.course.pk])), 503, "It is away.")
    form = {"fullname": "New", "shortname": "new", "category": place.course.category_id, "startdate": ""}
    is_told(browser.post(reverse("course-copy", args=[place.course.pk]), form), 503, "It is away.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAllowed("No."), 403),
        (NotFound("No."), 404),
        (UsageError("No."), 400),
        (Busy("No."), 400),
        (StorageFailed("No.", where="there"), 503),
        (OSError(errno.ENOSPC, "full"), 507),
        (OSError(errno.EIO, "broken", "/srv/files/a"), 503),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int, place: Place) -> None:
    request = RequestFactory().get("/")
    request.user = place.admin
    answer = ErrorPages(lambda _: None).process_exception(request, error)  # type: ignore[arg-type, return-value]
    assert answer is not None
    assert (answer.status_code, answer.has_header("Retry-After")) == (status, status > 500)


def test_a_fault_of_the_program_has_no_page_here(place: Place) -> None:
    request = RequestFactory().get("/")
    assert ErrorPages(lambda _: None).process_exception(request, OSError("some fault")) is None  # type: ignore[arg-type, return-value]


def the_page(error: Exception, person: Any) -> str:
    """The page that somebody gets for an error."""
    request = RequestFactory().get("/")
    request.user = person
    answer = ErrorPages(lambda _: None).process_exception(request, error)  # type: ignore[arg-type, return-value]
    assert answer is not None
    return answer.content.decode()


@pytest.mark.parametrize(
    ("error", "place_shown", "left"),
    [
        (OSError(errno.EACCES, "Permission denied", "/srv/secret/a"), "/srv/secret/a", "a disk of the site"),
        (OSError(errno.ENOSPC, "full"), tempfile.gettempdir(), "a disk of the site"),
        (
            StorageAway("It is away.", where="the storage “pool” (the-bucket)", hint="Look into /srv/pool."),
            "the-bucket",
            "the storage “pool”",
        ),
        (
            failure_of(RuntimeError("no bucket the-bucket"), where="the storage “pool” (the-bucket)"),
            "no bucket the-bucket",
            "It failed.",
        ),
    ],
)
def test_only_administrators_are_told_the_paths_and_buckets_of_the_server(
    error: Exception, place_shown: str, left: str, place: Place
) -> None:
    assert place_shown in the_page(error, place.admin)
    for person in (AnonymousUser(), place.teacher):
        page = the_page(error, person)
        assert place_shown not in page
        assert "the-bucket" not in page
        assert "/srv" not in page
        assert left in page
        assert "Tell an administrator" in page


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied", "/srv/secret/a"),
        StorageAway("It is away.", where="the storage “pool” (/srv/pool)"),
    ],
)
def test_a_fault_of_a_disk_that_a_page_tells_is_in_the_log(
    error: Exception, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    the_page(error, place.teacher)
    [record] = [record for record in caplog.records if record.name == "config.middleware"]
    assert (record.levelname, "/srv/" in record.getMessage()) == ("WARNING", True)
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_an_error_of_the_request_is_not_in_the_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    the_page(UsageError("No."), place.teacher)
    assert [record for record in caplog.records if record.name == "config.middleware"] == []
