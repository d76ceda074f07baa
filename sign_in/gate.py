"""The gate of the second factor: an administrator who has not shown it gets to no page but those that ask for it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django_htmx.http import HttpResponseClientRedirect

from sign_in.second_factor import due

ALWAYS_OPEN = frozenset(
    {"logout", "admin:logout", "oidc-start", "oidc-callback", "sign-in-link", "healthz", "readyz"}
)
"""Names of the addresses that a half-done sign-in reaches: to end it, or to sign in some other way."""

PAGES = {"code": "second-factor-code", "setup": "second-factor"}
"""The page of each thing that can be due."""

Answer = Callable[[HttpRequest], HttpResponse]


def second_factor_first(get_response: Answer) -> Answer:
    """Middleware that leads to the page of the second factor as long as it is due, whatever address was asked for.

    It looks at the session, not at the way of signing in: so it holds for all of them, and for addresses that are not there.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        waiting = due(request, request.user)
        if waiting is None or _name(request) in {*ALWAYS_OPEN, PAGES[waiting]}:
            return get_response(request)
        page = reverse(PAGES[waiting])
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(page)
        # The address of a form is no page to come back to.
        if request.method == "GET" and waiting == "code":
            page = f"{page}?{urlencode({'next': request.get_full_path()})}"
        return redirect(page)

    return answer


def _name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
