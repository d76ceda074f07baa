"""Fixtures of the tests of notices: a site that sends e-mail, and a receiver of web hooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from notices.hooks import create_hook
from notices.models import WebHook

SECRET = "sixteen letters!"


@dataclass
class HookServer:
    """A web server of this test. `status` is its answer, `got` the headers and bodies that it got."""

    port: int = 0
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of a web hook here."""
        return f"http://127.0.0.1:{self.port}/hook?a=1"


@pytest.fixture
def by_mail(settings: Any) -> None:
    """The site has a mail server."""
    settings.EMAIL_IS_SET = True


@pytest.fixture
def hook_server() -> Iterator[HookServer]:
    """A web server that takes web hooks."""
    found = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({"path": self.path, **dict(self.headers)}, body))
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def hook(db: None, hook_server: HookServer) -> WebHook:
    """A web hook that leads to the server of this test."""
    return create_hook("Chat", hook_server.url, SECRET, by=None)
