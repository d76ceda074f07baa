"""Middleware for every response: a Content-Security-Policy, no copies in caches, and error pages with a sentence."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from archive.errors import CoursekeepError, NoSpace, NotAllowed, NotFound, StorageFailed
from archive.faults import FAILED, in_words

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

STORAGE = re.compile("the storage “[^”]*”")
"""The beginning of the name of a storage, which its place follows (`courses/storage_errors.py`)."""

log = logging.getLogger(__name__)

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
    """Middleware that answers a CoursekeepError and an error of a disk with a page of one sentence; others are Django's."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for a CoursekeepError, and for an error of a disk; None for other errors."""
        return page_of_error(request, error)


STATUSES: tuple[tuple[type[CoursekeepError], int], ...] = (
    (NotAllowed, 403),
    (NotFound, 404),
    (NoSpace, 507),
    (StorageFailed, 503),
    (CoursekeepError, 400),
)
"""The status of the page of an error: that of the first class that it has. It is 500 and more for what is no fault of the
request, so that the same request can be made again later."""

RETRY_AFTER = "60"
"""Seconds after which a program may make a request again that failed because a storage did."""


def page_of_error(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    """Return the page for a CoursekeepError, and for an error of a disk; None for other errors, which are the program's."""
    told = in_words(error)
    if not isinstance(told, CoursekeepError):
        return None
    if isinstance(told, StorageFailed):
        log.warning("A page fails by a storage: %s", told.sentence(), exc_info=error)
        if not getattr(getattr(request, "user", None), "is_superuser", False):
            told = without_places(told)
    return error_page(
        request, told, status=next(status for kind, status in STATUSES if isinstance(told, kind))
    )


def without_places(error: StorageFailed) -> StorageFailed:
    """Return the error as everybody may see it: without paths, folders, buckets and words of libraries, which the log has."""
    named = STORAGE.match(error.where)
    return type(error)(
        FAILED.strip().rstrip(":") + "." if error.message.startswith(FAILED) else error.message,
        where=named[0] if named else "a disk of the site",
        hint="Tell an administrator: the server's log says more.",
    )


def error_page(request: HttpRequest, error: CoursekeepError, *, status: int) -> HttpResponse:
    """Return the page that shows the sentence of an error."""
    page = render(request, f"{status}.html", {"error": error, "exception": error.message}, status=status)
    if isinstance(error, StorageFailed):
        page.headers["Retry-After"] = RETRY_AFTER
    return page
