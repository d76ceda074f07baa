"""The audit of the dependencies: it fails for a known vulnerability, and says so when nobody answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from tests.requirements import LOCKS

PROJECT = Path(__file__).parents[1]


class Advisories(BaseHTTPRequestHandler):
    """A database of vulnerabilities that knows one, of a package and a version."""

    known: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[dict[str, Any]]] = []
    answer: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        """Answer a batch of questions."""
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        type(self).asked[:] = queries
        names = [query["package"]["name"] for query in queries]
        results = [{"vulns": [{"id": self.known[name]}]} if name in self.known else {} for name in names]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer or json.dumps({"results": results}).encode())

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def source() -> Iterator[str]:
    """The address of a database that knows nothing yet."""
    Advisories.known, Advisories.answer = {}, b""
    server = HTTPServer(("127.0.0.1", 0), Advisories)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def audited(source: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with this database."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "bin" / "audit")],
        env={**os.environ, "COURSEKEEP_ADVISORIES": source},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_locked_package_is_asked_about_with_its_version(source: str) -> None:
    done = audited(source)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No vulnerability is known in the" in done.stdout
    asked = {query["package"]["name"]: query["version"] for query in Advisories.asked}
    lines = (PROJECT / LOCKS[-1]).read_text().splitlines()
    pins = dict(line.split()[0].split("==") for line in lines if "==" in line)
    assert {name.lower(): version for name, version in pins.items()} == asked


def test_a_known_vulnerability_fails_the_audit(source: str) -> None:
    Advisories.known = {"django": "GHSA-1234"}
    done = audited(source)
    assert done.returncode == 1
    assert "GHSA-1234" in done.stdout
    assert "run bin/lock" in done.stdout


@pytest.mark.parametrize("answer", [b"<html>Sign in to the network</html>", b'{"results": []}', b"{}", b"[]"])
def test_another_answer_is_none(source: str, answer: bytes) -> None:
    Advisories.answer = answer
    done = audited(source)
    assert (done.returncode, done.stderr) == (0, "")
    assert "were not audited" in done.stdout


def test_without_an_answer_that_is_said_and_nothing_fails() -> None:
    done = audited("http://127.0.0.1:9/")
    assert (done.returncode, done.stderr) == (0, "")
    assert "were not audited: the database of vulnerabilities does not answer" in done.stdout
