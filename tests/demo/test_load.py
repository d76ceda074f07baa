"""The load, a short run: people go through the wizards of a real site, and what fails is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from demo.load.browser import Browser, Request, Unexpected
from demo.load.figures import figures, is_error, page_of, percentile
from tests.conftest import PROJECT

OURS = ("COURSEKEEP_", "DATABASE_URL", "REDIS_URL", "SITE_", "DJANGO_", "PYTEST_")
FORM = """<form method="post" action="/sent/"><input name="one" value="1"><input type="checkbox" name="two"><button>Go</button>
</form>"""


@pytest.mark.worker
@pytest.mark.slow
def test_two_people_and_two_jobs_meet_no_error() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [
        sys.executable,
        "-m",
        "demo.load",
        "--people",
        "2",
        "--jobs",
        "2",
        "--minutes",
        "0.3",
        "--json",
    ]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    assert (said["problems"], said["errors"], done.returncode) == ([], 0, 0), done.stderr
    assert said["done"]["sign-in"] == 2
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
