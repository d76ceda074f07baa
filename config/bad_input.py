"""Middleware that refuses what no browser sends and no column can hold: zero bytes in addresses and forms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from archive.errors import UsageError
from config.middleware import error_page

Answer = Callable[[HttpRequest], HttpResponse]
NUL = "\0"


def refuse_zero_bytes(get_response: Answer) -> Answer:
    """Middleware that answers a zero byte in a parameter or a field with the page of status 400."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            posted = request.POST.lists()
        except UnreadablePostError:
            # The sender went away in the middle of an upload: nobody reads the answer, and it is no fault of the site.
            return HttpResponse(status=400)
        for name, values in chain(request.GET.lists(), posted):
            if NUL in name or any(isinstance(value, str) and NUL in value for value in values):
                error = UsageError(
                    "The address or the form holds a zero byte, which nothing on this site has.",
                    hint="Go back and enter it again.",
                )
                return error_page(request, error, status=400)
        return get_response(request)

    return answer
