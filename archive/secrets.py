"""Recognises names of keys and passwords, which are never shown. Fields declared secret are hidden in addition."""

from __future__ import annotations

import re

SECRET = re.compile(
    r"(password|passwd|secret|enrolmentkey|resourcekey|consumerkey|quitpass|servicesalt|privatekey|viewerpass|moderatorpass)",
    re.IGNORECASE,
)

WITHHELD = "stored, but not shown"
"""Shown in place of a secret."""


def is_secret(name: str, *, of: str = "") -> bool:
    """True for the name of a secret. A field called `value` is judged by `of`, the name of its setting."""
    return SECRET.search(of if name == "value" and of else name) is not None


def shown(name: str, value: str | None) -> str | None:
    """Return the value of a setting as a page shows it: `WITHHELD` in place of a secret."""
    return WITHHELD if value and is_secret(name) else value
