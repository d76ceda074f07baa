"""Secrets: keys and passwords, which travel and are never shown."""

from __future__ import annotations

from typing import Any, ClassVar

from courses import encryption
from courses.fields.base import Parse, Reading, copy_text
from courses.fields.texts import LongText, Text


class Password(Text):
    """A password that is part of a text in the archive; pages and logs leave it out."""

    secret: ClassVar[bool] = True


class Key(LongText):
    """A key that the archive holds in clear, a text without a limit of its own; pages and logs leave it out."""

    secret: ClassVar[bool] = True


class Secret(LongText):
    """A key or password that is encrypted: only the site whose key did it can read it (`courses.encryption.reveal`).

    What came encrypted is stored as it came, so that it is whole again at the site where it began; what came in clear, as
    very old archives have it, and what is set here, is encrypted with this site's key before it is stored.
    """

    secret: ClassVar[bool] = True

    def parser(self, reading: Reading) -> Parse:
        return lambda text: copy_text(_hidden(text))

    def get_prep_value(self, value: Any) -> Any:
        return _hidden(value) if isinstance(value, str) else super().get_prep_value(value)

    def marks(self, column: str) -> str:
        """The element's own attribute says that the value is encrypted."""
        return f"(CASE WHEN {column} ~ '{encryption.ENCRYPTED}' THEN ' encrypted=\"true\"' ELSE '' END)"


def _hidden(text: str) -> str:
    return text if text == "" or encryption.is_encrypted(text) else encryption.encrypt(text)
