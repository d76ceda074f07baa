"""What every answer has in common: headers that keep foreign text from running, errors as sentences."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from archive.errors import CoursekeepError, NotAllowed, NotFound

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

Answer = Callable[[HttpRequest], HttpResponse]


def headers(get_response: Answer) -> Answer:
    """Say what a page may load and run, unless a view has said something stricter."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answer


class Sentences:
    """Turns the errors that a person can act on into a page with their sentence; all else is Django's."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for a CoursekeepError: 403, 404 or 400."""
        if not isinstance(error, CoursekeepError):
            return None
        status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 400
        return render(request, f"{status}.html", {"error": error, "exception": error.message}, status=status)
