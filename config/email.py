"""Makes Django's e-mail settings from `COURSEKEEP_EMAIL_URL`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PORTS = {"smtp": 25, "smtps": 465}
TIMEOUT = 15
"""Seconds in which the mail server has to take an e-mail, however many parts its answers come in (`notices/mail_server.py`)."""


def email_from_url(url: str) -> dict[str, Any]:
    """Return Django's settings for the mail server at `smtp://user:password@host:587?tls=1`; without a URL none is used.

    `smtps://` is TLS from the beginning, `tls=1` is STARTTLS. Raises ImproperlyConfigured for any other URL.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        parts = urlsplit(url)
        port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        known = parts.scheme in PORTS and parts.hostname and options.keys() <= {"tls"}
    except ValueError:
        known = False
    if not known or options.get("tls", "0") not in ("0", "1"):
        raise ImproperlyConfigured(
            "COURSEKEEP_EMAIL_URL is not the address of a mail server. "
            "Write it as smtp://user:password@host:587?tls=1, or smtps://user:password@host."
        )
    return {
        "EMAIL_BACKEND": "notices.mail_server.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and options.get("tls") == "1",
        "EMAIL_TIMEOUT": TIMEOUT,
    }
