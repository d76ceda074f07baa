"""Texts: short, long, and HTML that people wrote, with links and pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from courses.fields.base import (
    NULL,
    ArchiveField,
    FieldError,
    Parse,
    Reading,
    Rendering,
    Words,
    copy_text,
)
from courses.fields.django_fields import CharField, TextField
from courses.links import Known, marked, relink, renumber

LONGEST_NAME = 1333
"""Characters that the names of courses, sections and activities may have since Moodle 5; 4.5 allows 254 or 255."""


class TextTooLong(FieldError):
    """A text has more characters than its column allows; `excess` is the number of characters above that."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"has {length} characters, and {limit} are allowed")
        self.excess = length - limit


class _Textual(ArchiveField):
    """The base of short and long texts: a backup replaces the site's links by tokens, a restore tokens by links."""

    links = True
    marked = True
    quoted = True
    words: ClassVar[Words] = "plain"

    def holds_links(self, text: str) -> bool:
        return marked(text) and text != NULL

    def relink(self, text: str, *, known: Known, root: str, original: str) -> str:
        """Return the text with links; if they do not fit `max_length`, with tokens that have this site's ids."""
        decoded = relink(text, known=known, root=root, original=original)
        limit = self.max_length
        if limit is None or len(decoded) <= limit:
            return decoded
        renumbered = renumber(text, known=known, original=original)
        return renumbered if len(renumbered) <= limit else text

    def sql_text(self, column: str, rendering: Rendering) -> str:
        escaped = f"replace(replace(replace({column}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
        if self.attribute:
            # A reader would take line ends and tabs in an attribute for spaces.
            lines = f"replace(replace({escaped}, E'\\r\\n', E'\\n'), E'\\r', E'\\n')"
            escaped = f"replace(replace({lines}, E'\\n', '&#10;'), E'\\t', '&#9;')"
            escaped = f"replace({escaped}, '\"', '&quot;')"
        return escaped


class Text(_Textual, CharField):
    """A text of at most `max_length` characters: `Text(255)`."""

    def __init__(self, max_length: int | None = None, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", "")
        options.setdefault("blank", True)
        super().__init__(*args, max_length=max_length, **options)

    def parser(self, reading: Reading) -> Parse:
        return self.fitting

    @cached_property
    def fitting(self) -> Callable[[str], str]:
        """The function that returns the COPY text of a text. It raises TextTooLong for more than `max_length` characters."""
        limit = self.max_length
        if limit is None:
            return copy_text

        def fitting(text: str) -> str:
            if len(text) > limit:
                raise TextTooLong(len(text), limit)
            return copy_text(text)

        return fitting

    def holds_links(self, text: str) -> bool:
        """Whether the text has tokens. Personal names are never rewritten, even if they look like a link token."""
        return self.personal is None and super().holds_links(text)


class Code(Text):
    """A short text that programs chose, not people: the name of a component, an area or a state."""

    kept: ClassVar[bool] = True
    words: ClassVar[Words] = ""


class UserName(Text):
    """The name with which a person signs in; a restore may give it another one, if the name is somebody else's."""

    def parser(self, reading: Reading) -> Parse:
        fitting, username_of = self.fitting, reading.username_of
        return lambda text: fitting(username_of(text))


class LongText(_Textual, TextField):
    """A text of any length."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", "")
        options.setdefault("blank", True)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        return copy_text


class RichText(LongText):
    """HTML that people wrote, with links into the site; its pictures are in the file areas of the record."""
