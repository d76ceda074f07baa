"""What is never shown, by its name: keys and passwords, besides the fields that say themselves that they are secret."""

from __future__ import annotations

import re

SECRET = re.compile(
    r"(password|passwd|secret|enrolmentkey|resourcekey|consumerkey|quitpass|servicesalt|privatekey|viewerpass|moderatorpass)",
    re.IGNORECASE,
)

WITHHELD = "kept, and not shown"
"""What stands where a secret would be."""


def is_secret(name: str, *, of: str = "") -> bool:
    """Whether a value is secret by its name; a `value` is what the name `of` the setting says."""
    return SECRET.search(of if name == "value" and of else name) is not None


def shown(name: str, value: str | None) -> str | None:
    """A setting's value as a page shows it."""
    return WITHHELD if value and is_secret(name) else value
