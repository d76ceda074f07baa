"""Secrets: keys and passwords, which travel and are never shown."""

from __future__ import annotations

from typing import ClassVar

from courses.fields.texts import LongText, Text


class Password(Text):
    """A password that is part of a text in the archive; pages and logs leave it out."""

    secret: ClassVar[bool] = True


class Secret(LongText):
    """A key or password that is encrypted: only the site whose key did it can read it.

    It is stored as the archive has it, so that it comes back whole to the site where it began. Encrypted is what has the
    form of it: Base64 of 16 bytes to begin with, a SHA-256 digest and at least one block of AES; anything else is text
    that was not encrypted, as very old archives have it.
    """

    secret: ClassVar[bool] = True
    ENCRYPTED: ClassVar[str] = "^[A-Za-z0-9+/]{86,}={0,2}$"

    def marks(self, column: str) -> str:
        """The element's own attribute says that the value is encrypted."""
        return f"(CASE WHEN {column} ~ '{self.ENCRYPTED}' THEN ' encrypted=\"true\"' ELSE '' END)"
