"""Mail servers that fail, as back ends of Django."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend


class Refusing(BaseEmailBackend):
    """A mail server that takes no message."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """Raise the error of a server that refuses the sender."""
        raise smtplib.SMTPSenderRefused(550, b"no", "coursekeep@localhost")
