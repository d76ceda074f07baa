"""A browser without a window: keeps cookies, follows redirects, sends the forms of a page, and times each request."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from lxml.html import HtmlElement, document_fromstring

SECONDS = 60.0
"""Seconds for which an answer is waited for."""

REDIRECTS = 10


class Unexpected(Exception):
    """An answer is not the one that a person would expect at this place."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: method and path, status (0 without an answer), seconds until the whole answer was there."""

    method: str
    path: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """A page that came: its path with the query, its status and its text."""

    path: str
    status: int
    text: str


Record = Callable[[Request], None]


class Browser:
    """One person's browser, for one server on this machine. `record` is called with each request."""

    def __init__(self, port: int, record: Record) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._record = record
        self._cookies: dict[str, str] = {}
        self.page = ReceivedPage("", 0, "")

    def get(self, path: str) -> ReceivedPage:
        """Open an address. Raises Unexpected unless the status is 200 in the end."""
        return self._follow("GET", path, None)

    def send(
        self, button: Mapping[str, str] | None = None, *, action: str = "", **values: str
    ) -> ReceivedPage:
        """Send the form of the page that has an action (or none) with its values as they are, these values and a button's.

        Raises Unexpected if there is no such form, or the status is not 200 in the end.
        """
        form, wanted = None, urljoin(self.page.path, action)
        page: HtmlElement = document_fromstring(self.page.text)
        for one in page.forms:
            if one.method == "POST" and urljoin(self.page.path, one.get("action") or "") == wanted:
                form = one
        if form is None:
            raise Unexpected(f"{self.page.path} has no form for {wanted}.")
        fields = [(name, value) for name, value in form.form_values() if name not in values]
        fields += [*values.items(), *(button or {}).items()]
        return self._follow("POST", wanted, urlencode(fields))

    def _follow(self, method: str, path: str, body: str | None) -> ReceivedPage:
        for _ in range(REDIRECTS):
            status, location, text = self._ask(method, path, body)
            if status not in (301, 302, 303):
                break
            path, method, body = urljoin(path, location), "GET", None
        self.page = ReceivedPage(path, status, text)
        if status != http.client.OK:
            raise Unexpected(f"{method} {path} answered with the status {status}.")
        return self.page

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str, str]:
        """Send one request; return the status, the address of a redirect, and the text. Raises OSError, HTTPException."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began, status = time.monotonic(), 0
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode(errors="replace")
            status = answer.status
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        finally:
            self._record(Request(method, urlsplit(path).path, status, time.monotonic() - began))
        for header in answer.headers.get_all("Set-Cookie") or []:
            for name, cookie in SimpleCookie(header).items():
                self._cookies[name] = cookie.value
        return status, answer.headers.get("Location", ""), text
