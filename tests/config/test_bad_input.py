"""What no browser sends whole: the request ends as one that is bad, not as a fault of the site."""

from __future__ import annotations

import io

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.bad_input import refuse_zero_bytes


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
