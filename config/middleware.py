"""Middleware for every response: a Content-Security-Policy, no copies in caches, and error pages with a sentence."""

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

NOT_STORED = "private, no-store"

Answer = Callable[[HttpRequest], HttpResponse]


def headers(get_response: Answer) -> Answer:
    """Middleware that sets the Content-Security-Policy, unless the view has set one, and that forbids copies in caches.

    Any page and any file can hold people's data, so no browser and no proxy stores them. Static files do not come here.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["Cache-Control"] = NOT_STORED
        return response

    return answer


class ErrorPages:
    """Middleware that answers a CoursekeepError with a page that shows its sentence; other errors are Django's."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for a CoursekeepError, with status 403, 404 or 400; None for other errors."""
        if not isinstance(error, CoursekeepError):
            return None
        status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 400
        return error_page(request, error, status=status)


def error_page(request: HttpRequest, error: CoursekeepError, *, status: int) -> HttpResponse:
    """Return the page that shows the sentence of an error."""
    return render(request, f"{status}.html", {"error": error, "exception": error.message}, status=status)
