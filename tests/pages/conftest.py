"""Fixtures for the tests of pages: a small course, clients of its people, and a browser."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client

from archive.folder import FolderStore
from archive.targz import TarStore
from archive.zip import ZipStore
from tests.pages.places import PASSWORD, Place, make_place

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(autouse=True)
def no_page_opens_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test in which an archive is opened while a request is answered: unpacking takes as long as it is large."""
    answering = threading.local()
    answer = BaseHandler.get_response

    def get_response(self: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        answering.now = True
        try:
            return answer(self, request)
        finally:
            answering.now = False

    def watched(true: Callable[..., None]) -> Callable[..., None]:
        def init(*arguments: Any, **options: Any) -> None:
            assert not getattr(answering, "now", False), "A page opens an archive; a job has to do that."
            true(*arguments, **options)

        return init

    monkeypatch.setattr(BaseHandler, "get_response", get_response)
    for store in (TarStore, ZipStore, FolderStore):
        monkeypatch.setattr(store, "__init__", watched(store.__init__))


@pytest.fixture
def place(db: None) -> Place:
    """A small course and its people."""
    return make_place()


@pytest.fixture
def as_person(place: Place) -> Callable[[str], Client]:
    """Return a function that gives a client in which a person of `place` is signed in: `as_person("teacher")`."""

    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(getattr(place, name))
        return client

    return sign_in


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the system; without it the tests that ask for it are skipped."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous calls run an event loop in this thread; Django is only told not to mind.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def window(browser: Browser, live_server: object) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens a browser page in which a person is signed in; script errors fail the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_window(username: str, *, javascript: bool = True, width: int = 1280) -> Page:
        context = browser.new_context(
            base_url=str(live_server),
            java_script_enabled=javascript,
            viewport={"width": width, "height": 900},
            accept_downloads=True,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None,
        )
        page.goto("/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Courses", exact=True).wait_for()
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert faults == []
