"""Changes to web hooks: make, switch on and off, remove. Each leaves an entry in the audit trail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from archive.errors import UsageError
from audit.trail import record
from courses.encryption import encrypt
from courses.models import User
from notices.models import WebHook

SHORTEST = 16
"""Characters that a secret has at least."""


def faults(name: str, url: str, secret: str) -> list[tuple[str, str]]:
    """Return (field, sentence) for each value that a web hook cannot have."""
    found = []
    if not 1 <= len(name) <= 100:
        found.append(("name", "Give the web hook a name of at most 100 characters."))
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
        good = good and url.isascii() and url.isprintable() and " " not in url and len(url) <= 1000
        good = good and not (parts.username or parts.password)
    except ValueError:
        good = False
    if not good:
        found.append(
            (
                "url",
                "Enter the full address, such as https://example.org/hook, without a name and a password in it.",
            )
        )
    if not (SHORTEST <= len(secret) <= 200 and secret.isprintable()):
        found.append(
            (
                "secret",
                f"Enter a secret of {SHORTEST} to 200 characters; the receiver checks the signature with it.",
            )
        )
    return found


@transaction.atomic
def create_hook(name: str, url: str, secret: str, *, by: User | None) -> WebHook:
    """Make a web hook. Raises UsageError for values that it cannot have."""
    if found := faults(name, url, secret):
        raise UsageError(found[0][1])
    hook = WebHook.objects.create(name=name, url=url, secret=encrypt(secret))
    _record("hook-created", hook, by=by)
    return hook


@transaction.atomic
def switch_hook(hook: WebHook, enabled: bool, *, by: User | None) -> None:
    """Switch a web hook on or off."""
    if WebHook.objects.filter(pk=hook.pk, enabled=not enabled).update(enabled=enabled):
        _record("hook-changed", hook, by=by, enabled=enabled)
    hook.enabled = enabled


@transaction.atomic
def remove_hook(hook: WebHook, *, by: User | None) -> None:
    """Remove a web hook, and what waits to be sent to it."""
    _record("hook-removed", hook, by=by)
    hook.delete()


def _record(action: str, hook: WebHook, *, by: User | None, **details: Any) -> None:
    host = urlsplit(hook.url).hostname
    record(action, by=by, subject="hook", subject_id=hook.pk, title=hook.name, host=host, **details)
