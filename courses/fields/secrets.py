"""Secrets: keys and passwords, which travel in archives and are never shown."""

from __future__ import annotations

from typing import Any, ClassVar

from courses import encryption
from courses.fields.base import Parse, Reading, Words, copy_text
from courses.fields.texts import LongText, Text


class Password(Text):
    """A password that the archive holds in clear; pages and logs leave it out."""

    words: ClassVar[Words] = ""
    secret: ClassVar[bool] = True


class Key(LongText):
    """A key of any length that the archive holds in clear; pages and logs leave it out."""

    words: ClassVar[Words] = ""
    secret: ClassVar[bool] = True


class Secret(LongText):
    """A key or password that is encrypted with a site's key: only that site can read it (`courses.encryption.reveal`).

    An encrypted value is stored unchanged, so that the site of its origin can read it again. A value in clear, from a very
    old archive or set on this site, is encrypted with this site's key before it is stored.
    """

    words: ClassVar[Words] = ""
    secret: ClassVar[bool] = True

    def parser(self, reading: Reading) -> Parse:
        return lambda text: copy_text(_encrypted(text))

    def get_prep_value(self, value: Any) -> Any:
        return _encrypted(value) if isinstance(value, str) else super().get_prep_value(value)

    def marks(self, column: str) -> str:
        """Return an SQL expression of the attribute `encrypted`, if the value is encrypted."""
        return f"(CASE WHEN {column} ~ '{encryption.ENCRYPTED}' THEN ' encrypted=\"true\"' ELSE '' END)"


def _encrypted(text: str) -> str:
    return text if text == "" or encryption.is_encrypted(text) else encryption.encrypt(text)
