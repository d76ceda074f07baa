"""The load, a short run: people go through the wizards of a real site, and what fails is found."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest

from demo.load.__main__ import has_failed, lines
from demo.load.browser import Browser, Request, Unexpected
from demo.load.figures import figures, is_error, page_of, percentile
from demo.load.people import Person
from tests.clean_environment import said_by
from tests.conftest import PROJECT

FORM = """<form method="post" action="/sent/"><input name="one" value="1"><input type="checkbox" name="two"><button>Go</button>
</form>"""


@pytest.mark.worker
@pytest.mark.slow
def test_two_people_and_two_jobs_meet_no_error() -> None:
    said, done = said_by("demo.load", "--people", "2", "--jobs", "2", "--minutes", "0.2")
    assert (said["problems"], said["errors"], done.returncode) == ([], 0, 0), done.stderr
    assert said["done"]["sign-in"] == 2
    assert said["done"]["backup"] >= 2
    assert (said["fsync"], said["open_jobs"]["most"] >= 2) == (False, True)
    assert said["pages"]["POST login"]["requests"] == 2
    assert sum(page["requests"] for page in said["pages"].values()) == said["requests"]


@pytest.mark.parametrize(
    "arguments", [["--people", "0"], ["--people", "100000"], ["--jobs", "-1"], ["--minutes", "0"]]
)
def test_numbers_out_of_bounds_are_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "demo.load", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def figures_of(**changed: Any) -> dict[str, Any]:
    """The figures of two requests without a failure, but for some."""
    requests = [Request("GET", "/jobs/", 200, 0.1), Request("GET", "/jobs/", 200, 2.0)]
    found = {
        "people": 1,
        "jobs": 1,
        "seconds": 10.0,
        "fsync": False,
        "done": {},
        "ended_jobs": {},
        "problems": [],
    }
    queue = {"least": 0, "median": 1, "most": 3}
    return {**found, "open_jobs": queue, **figures(requests, seconds=10.0), **changed}


@pytest.mark.parametrize(
    ("changed", "most", "failed"),
    [
        ({}, None, False),
        ({}, 2.0, False),
        ({}, 1.9, True),
        ({"errors": 1}, None, True),
        ({"problems": ["A person, lists: /bin/ came."]}, None, True),
    ],
)
def test_a_slow_site_has_failed_if_it_is_said_how_slow_it_may_be(
    changed: dict[str, Any], most: float | None, failed: bool
) -> None:
    assert has_failed(figures_of(**changed), most) is failed


def test_the_figures_say_how_long_the_queue_was_and_whether_the_disk_was_waited_for() -> None:
    text = "\n".join(lines(figures_of()))
    assert "Jobs that waited or ran: 0 to 3, median 1" in text
    assert "did not wait for the disk (fsync off)" in text


class Pages(BaseHTTPRequestHandler):
    """A site of four pages: a form, what was sent, a redirect that sets a cookie, and one that fails."""

    seen: list[str] = []

    def do_GET(self) -> None:
        type(self).seen.append(f"{self.command} {self.path} {self.headers.get('Cookie', '')}".strip())
        status = {"/fails/": 500, "/moved/": 302}.get(self.path, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/")
            self.send_header("Set-Cookie", "who=me; Path=/; HttpOnly")
        body = FORM.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).seen.append(f"POST {self.path} {sent}")
        self.send_response(302)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Pages.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_browser_keeps_cookies_and_sends_forms_as_they_are(port: int) -> None:
    requests: list[Request] = []
    browser = Browser(port, requests.append)
    assert browser.get("/moved/").path == "/"
    browser.send({"go": "1"}, action="/sent/", three="3")
    assert Pages.seen == ["GET /moved/", "GET / who=me", "POST /sent/ one=1&three=3&go=1", "GET / who=me"]
    assert [(one.method, one.path, one.status) for one in requests] == [
        ("GET", "/moved/", 302),
        ("GET", "/", 200),
        ("POST", "/sent/", 302),
        ("GET", "/", 200),
    ]


def test_a_browser_does_not_take_a_failure_for_a_page(port: int) -> None:
    requests: list[Request] = []
    browser = Browser(port, requests.append)
    with pytest.raises(Unexpected, match="/fails/ answered with the status 500"):
        browser.get("/fails/")
    assert [is_error(one) for one in requests] == [True]
    browser.get("/")
    with pytest.raises(Unexpected, match="no form for /elsewhere/"):
        browser.send(action="/elsewhere/")


def test_a_server_that_is_gone_is_an_error() -> None:
    requests: list[Request] = []
    with pytest.raises(OSError, match="refused"):
        Browser(9, requests.append).get("/")
    assert [one.status for one in requests] == [0]
    assert is_error(requests[0])


@pytest.mark.parametrize("deed", [Person.browse, Person.back_up, Person.restore])
def test_what_a_person_cannot_do_is_noted(port: int, deed: Callable[[Person], bool]) -> None:
    person = Person("ada", port, Random(1), lambda _: None, ended())
    # The site has neither courses nor archives.
    assert not person._try("deed", lambda: deed(person))
    assert (person.done, len(person.errors)) == (Counter(), 1)
    assert "has no link to" in person.errors[0]


def test_an_error_of_any_kind_is_noted_and_does_not_end_a_person(port: int) -> None:
    person = Person("ada", port, Random(1), lambda _: None, ended())
    # A page without text is no document, and has no forms.
    assert not person._try("deed", lambda: bool(person.browser.send()))
    assert len(person.errors) == 1
    assert person._try("deed", lambda: True)
    assert person.done == {"deed": 1}


def ended() -> threading.Event:
    """The time of a person that is over, so that nobody looks at a page for long."""
    event = threading.Event()
    event.set()
    return event


def test_figures_count_requests_by_page() -> None:
    requests = [Request("GET", "/jobs/", 200, 0.1)] * 19 + [Request("GET", "/jobs/", 503, 2.0)]
    requests.append(Request("POST", "/accounts/login/", 302, 0.5))
    found = figures(requests, seconds=10.0)
    assert (found["requests"], found["requests_per_second"], found["errors"]) == (21, 2.1, 1)
    assert found["pages"] == {
        "GET jobs": {"requests": 20, "median": 0.1, "p95": 0.1, "errors": {"503": 1}},
        "POST login": {"requests": 1, "median": 0.5, "p95": 0.5, "errors": {}},
    }


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([3.0], 0.95)) == (50.0, 95.0, 3.0)
    with pytest.raises(ValueError, match="no percentile"):
        percentile([], 0.5)


def test_pages_are_named_by_their_addresses() -> None:
    assert (page_of("/restore/7/review/"), page_of("/nowhere/at/all/")) == (
        "restore-review",
        "/nowhere/at/all/",
    )
