"""Ids of requests: taken from the proxy's header `X-Request-ID`, or made; they stand in the log and in the answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.logs import current_request

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
"""Ids that are taken as they come. Others could break a line of the log, or fill it."""


def with_request_id(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that gives each request an id, which the lines of the log and the answer have."""

    def answer(request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        request_id = sent if SANE.match(sent) else uuid.uuid4().hex
        token = current_request.set(request_id)
        try:
            response = get_response(request)
        finally:
            current_request.reset(token)
        response.headers[HEADER] = request_id
        return response

    return answer
