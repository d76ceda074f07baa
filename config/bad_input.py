"""Middleware that refuses what no browser sends: zero bytes in addresses and forms, and bodies that are larger than may be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import Resolver404, resolve

from archive.errors import UsageError
from archive.limits import MEBIBYTE, in_units
from archive.numbers import natural
from config.middleware import error_page, page_of_error
from courses.capabilities import may_somewhere
from jobs import limits
from restore import uploads

Answer = Callable[[HttpRequest], HttpResponse]
NUL = "\0"


SIGN_IN_MOST = 64 * 1024
"""Bytes of a form from somebody who is not signed in: a name, a password and a token."""

FORM_MOST = 8 * MEBIBYTE
"""Bytes of a form without an archive; Django itself bounds the fields that are no files (`DATA_UPLOAD_MAX_MEMORY_SIZE`)."""

UPLOADS = frozenset({"restore-upload"})
"""The names of the addresses that take an archive."""


def refuse_large_bodies(get_response: Answer) -> Answer:
    """Middleware that answers a body that is larger than the person may send with status 400, before any of it is parsed."""

    def answer(request: HttpRequest) -> HttpResponse:
        # Without a length Django reads nothing of a body.
        told = request.META.get("CONTENT_LENGTH") or "0"
        size = natural(told)
        if size is None:
            return error_page(request, UsageError("The length of the request is no number."), status=400)
        if size <= SIGN_IN_MOST or size <= (most := _most(request)):
            return get_response(request)
        error = UsageError(
            f"The request has {in_units(size)}, and the most here is {in_units(most)}.",
            hint="Sign in first, or send less.",
        )
        return error_page(request, error, status=400)

    return answer


def _most(request: HttpRequest) -> int:
    """Return the bytes that a person may send to an address: of an archive only with the right to upload one."""
    if not request.user.is_authenticated:
        return SIGN_IN_MOST
    try:
        name = resolve(request.path_info).url_name
    except Resolver404:
        return FORM_MOST
    if name not in UPLOADS or not may_somewhere(request.user, uploads.UPLOAD):
        return FORM_MOST
    return limits.scaled("upload") + FORM_MOST


def refuse_zero_bytes(get_response: Answer) -> Answer:
    """Middleware that answers a zero byte in a parameter or a field with the page of status 400."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            posted = request.POST.lists()
        except UnreadablePostError:
            # The sender went away in the middle of an upload: nobody reads the answer, and it is no fault of the site.
            return HttpResponse(status=400)
        except OSError as problem:
            # A file of the request is written to a disk while the request is parsed.
            if (page := page_of_error(request, problem)) is None:
                raise
            return page
        for name, values in chain(request.GET.lists(), posted):
            if NUL in name or any(isinstance(value, str) and NUL in value for value in values):
                error = UsageError(
                    "The address or the form holds a zero byte, which nothing on this site has.",
                    hint="Go back and enter it again.",
                )
                return error_page(request, error, status=400)
        return get_response(request)

    return answer
