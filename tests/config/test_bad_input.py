"""Broken and oversized requests that no browser sends: the request ends as one that is bad, not as a fault of the site."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from archive.limits import MEBIBYTE
from config.bad_input import refuse_large_bodies, refuse_zero_bytes
from courses.models import User
from jobs.models import SiteLimit
from tests.people_made import person


class BrokenOff(io.BytesIO):
    """A body whose sender goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("the connection is gone")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_an_upload_that_breaks_off_is_a_bad_request(content_type: str) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        raise AssertionError("nothing is done with half a request")

    request = RequestFactory().generic("POST", "/", b"x" * 100, content_type=content_type)
    request._stream = BrokenOff()  # type: ignore[attr-defined, unused-ignore]
    assert refuse_zero_bytes(view)(request).status_code == 400


class NotRead(io.BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body is read")


def sent(address: str, size: int, user: User | AnonymousUser) -> HttpResponse:
    """Send a body of `size` bytes, as its header says, through both middlewares."""
    request = RequestFactory().generic("POST", address, b"x", content_type="multipart/form-data; boundary=x")
    request.META["CONTENT_LENGTH"] = str(size)
    request._stream = NotRead()  # type: ignore[attr-defined, unused-ignore]
    request.user = user
    return refuse_large_bodies(refuse_zero_bytes(lambda _: HttpResponse()))(request)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/restore/upload/", "/accounts/login/", "/nowhere/"])
def test_nothing_of_a_large_body_is_read_from_somebody_who_is_not_signed_in(address: str) -> None:
    assert sent(address, 100_000, AnonymousUser()).status_code == 400


@pytest.mark.django_db
def test_nothing_of_an_archive_is_read_without_the_right_to_upload_or_beyond_the_limit() -> None:
    SiteLimit.objects.create(name="upload", value=100)
    nobody, admin = person("nobody"), person("uploads.admin", is_superuser=True)
    for user, address, size in (
        (nobody, "/restore/upload/", 50 * MEBIBYTE),
        (admin, "/restore/1/settings/", 50 * MEBIBYTE),
        (admin, "/restore/upload/", 110 * MEBIBYTE),
    ):
        answer = sent(address, size, user)
        assert answer.status_code == 400
        assert "and the most here is" in answer.content.decode()
    with pytest.raises(AssertionError, match="the body is read"):
        sent("/restore/upload/", 50 * MEBIBYTE, admin)
