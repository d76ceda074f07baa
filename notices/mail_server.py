"""Django's back end for e-mails by SMTP, with one deadline for all that is said to the mail server about an e-mail."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from notices.deadline import Deadline, within

SECONDS = 15
"""The time for an e-mail where EMAIL_TIMEOUT says none."""


class _Watched(smtplib.SMTP):
    """A session with a mail server, over a connection that ends at a deadline."""

    deadline: Deadline | None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        if self.deadline is None:
            raise TypeError("A session is made by `EmailBackend.open`.")
        return self.deadline.connect(host, port)


class _Plain(_Watched):
    """A session that begins in clear."""

    def __init__(self, *arguments: Any, deadline: Deadline | None, **options: Any) -> None:
        self.deadline = deadline
        super().__init__(*arguments, **options)


class _OverTls(smtplib.SMTP_SSL, _Watched):
    """A session that is encrypted from the beginning. smtplib asks `_Watched` for the connection below."""

    def __init__(self, *arguments: Any, deadline: Deadline | None, **options: Any) -> None:
        self.deadline = deadline
        super().__init__(*arguments, **options)


class EmailBackend(smtp.EmailBackend):
    """Django's back end; EMAIL_TIMEOUT is the time for connecting, all answers and the end together.

    That holds for a session of `send_messages`, and for one from `open` to `close`.
    """

    _deadline: Deadline | None = None

    @property
    def connection_class(self) -> Any:
        """Return what makes a session, as Django asks for it."""
        return partial(_OverTls if self.use_ssl else _Plain, deadline=self._deadline)

    @property
    def _seconds(self) -> float:
        return self.timeout or SECONDS

    def open(self) -> bool | None:
        """Begin a session; return whether that was needed, None if it failed and may. Raises OSError."""
        if self._deadline is None:
            self._deadline = Deadline(self._seconds)
        try:
            return super().open()
        finally:
            if self.connection is None:
                self._watch_no_longer()

    def close(self) -> None:
        """End a session."""
        try:
            super().close()
        finally:
            self._watch_no_longer()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send e-mails in one session; return how many were sent. Raises OSError, of which TimeoutError is one."""
        if self.connection is not None:
            return super().send_messages(email_messages) or 0
        with within(self._seconds, str(self.host)) as self._deadline:
            try:
                return super().send_messages(email_messages) or 0
            finally:
                self._deadline = None

    def _watch_no_longer(self) -> None:
        if self._deadline is not None:
            self._deadline.close()
            self._deadline = None
