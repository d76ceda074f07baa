"""The deadline of a connection: an address that does not answer leaves time for the next one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.mail import EmailMessage

from notices.deadline import within
from notices.mail_server import EmailBackend
from tests.notices.test_delivery import GREETING, HELLO, TAKEN, dripping

FAMILY = (socket.AF_INET, socket.SOCK_STREAM, 6, "")


@contextmanager
def silent(port: int, address: str = "127.0.0.2") -> Iterator[None]:
    """An address that takes no connection and refuses none: its backlog is full."""
    waiting = []
    with socket.create_server((address, port), backlog=0):
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect((address, port))
            waiting.append(one)
        yield
        for one in waiting:
            one.close()


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: Any) -> None:
    """Let each name of a host have these addresses."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(addresses))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_the_second_address_of_a_host_is_tried_in_time_if_the_first_does_not_answer(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    resolve(monkeypatch, (*FAMILY, ("127.0.0.2", port)), (*FAMILY, ("127.0.0.1", port)))
    with silent(port), within(1.0, "host") as deadline:
        connection = deadline.connect("host", port)
        assert connection.getpeername() == ("127.0.0.1", port)
        connection.sendall(b"x")
        assert deadline.left > 0
        connection.close()


def test_an_address_of_a_family_that_the_machine_has_not_is_passed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    # No machine has sockets of this family.
    resolve(monkeypatch, (12345, *FAMILY[1:], ("::1", port)), (*FAMILY, ("127.0.0.1", port)))
    with within(5.0, "host") as deadline:
        deadline.connect("host", port).close()


def test_the_time_limit_of_the_connection_is_what_is_left_and_not_the_share_of_its_address(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    resolve(monkeypatch, (*FAMILY, ("127.0.0.1", port)), (*FAMILY, ("127.0.0.2", port)))
    with within(100.0, "host") as deadline:
        connection = deadline.connect("host", port)
        assert (connection.gettimeout() or 0) > 50
        connection.close()


def test_a_session_that_is_opened_by_hand_has_a_deadline(listener: socket.socket) -> None:
    """As `with get_connection()` opens it."""
    backend = EmailBackend(host="127.0.0.1", port=listener.getsockname()[1], timeout=0.2)
    with pytest.raises(OSError, match=r"timed out|closed"):
        backend.open()
    assert backend.connection is None


def test_emails_are_sent_by_a_connection_that_is_used_as_a_context_manager(settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 20
    answers = [GREETING, HELLO, TAKEN, TAKEN, b"354 go\r\n", TAKEN, b"221 bye\r\n"]
    with dripping(answers) as port, EmailBackend(host="127.0.0.1", port=port) as backend:
        assert backend.send_messages([EmailMessage("Hello", "Text", to=["ada@example.org"])]) == 1
        assert backend.connection is not None
    assert backend.connection is None
