"""Read the values of a manifest's elements; what is missing or written otherwise gets a default, and a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

from lxml import etree

from archive import xml
from archive.errors import ArchiveError, DamagedArchive, InvalidValue
from archive.findings import Finding
from archive.limits import check_path
from archive.numbers import whole_or

# Ids fit 64 bits; moments are before the year 5138, so that every calendar knows them.
LONGEST_NUMBER = 18
LONGEST_DATE = 11
DECIMAL = re.compile(r"\s*([+-]?[0-9]+)(?:\.[0-9]*)?\s*\Z", re.ASCII)


class Listed(Protocol):
    """An entry of the manifest's contents: that of a section or an activity."""

    @property
    def title(self) -> str:
        """The title of the section or activity."""

    @property
    def directory(self) -> str:
        """The folder of its members."""


Entry = TypeVar("Entry", bound=Listed)


class ManifestValues:
    """The values of the manifest `member`; `findings` has one for each default that was taken."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.findings: list[Finding] = []

    def assume(self, name: str, value: str | int, parent: etree._Element) -> None:
        """Note that an element is missing or empty and that `value` was taken for it."""
        shown = "nothing" if value in ("", 0) else f"“{value}”"
        self.findings.append(
            Finding(
                "info",
                "manifest-default",
                f"<{parent.tag}> does not say its <{name}>; {shown} was taken for it.",
                xml.place(self.member, parent),
            )
        )

    def each_once(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Return the entries without those that say the same as an earlier one; each of these is a finding."""
        found: dict[Entry, None] = {}
        for entry in entries:
            if entry in found:
                self.findings.append(
                    Finding(
                        "warning",
                        "listed-twice",
                        f"“{entry.title}” is listed twice; it counts once.",
                        f"{self.member}, {entry.directory}",
                        "Nothing is lost: both entries say the same.",
                    )
                )
            found[entry] = None
        return tuple(found)

    def text(self, parent: etree._Element, name: str, default: str | None = None) -> str:
        """Return the text of an element. Without a `default`, raises DamagedArchive if it is missing."""
        element = parent.find(name)
        if element is not None:
            return element.text or ""
        if default is None:
            raise self._missing(name, parent)
        self.assume(name, default, parent)
        return default

    def number(self, parent: etree._Element, name: str, default: int | None = None) -> int:
        """Return the number of an element; a fraction is cut off (`2024100700.00`).

        Without a `default`, raises DamagedArchive if the element is missing, and InvalidValue if it is empty. Raises
        InvalidValue if it is no number, or too long.
        """
        element = parent.find(name)
        if element is None and default is None:
            raise self._missing(name, parent)
        text = "" if element is None else (element.text or "")
        decimal = DECIMAL.match(text)
        if element is None or not text.strip():
            if default is None:
                raise InvalidValue(
                    f"<{name}> should be a number, but it is empty.", where=self._place(element, parent)
                )
            self.assume(name, default, parent)
            return default
        if decimal is None:
            raise InvalidValue(
                f"<{name}> should be a number, but it is {text[:60]!r}.", where=self._place(element, parent)
            )
        longest = LONGEST_DATE if name.endswith("date") else LONGEST_NUMBER
        if len(decimal[1].lstrip("+-0")) > longest:
            raise InvalidValue(
                f"<{name}> has more than {longest} digits.", where=self._place(element, parent)
            )
        return whole_or(decimal[1].removeprefix("+"))

    def directory(self, element: etree._Element, default: str) -> str:
        """Return the folder that an entry names, in its plain form. Raises HostileArchive if it leads out of the archive."""
        try:
            plain = check_path(self.text(element, "directory", default))
        except ArchiveError as error:
            raise type(error)(error.message, where=xml.place(self.member, element)) from None
        if not plain:
            raise InvalidValue("The folder has no name.", where=xml.place(self.member, element))
        return plain

    def _place(self, element: etree._Element | None, parent: etree._Element) -> str:
        return xml.place(self.member, parent if element is None else element)

    def _missing(self, name: str, parent: etree._Element) -> DamagedArchive:
        return DamagedArchive(f"<{parent.tag}> has no <{name}>.", where=xml.place(self.member, parent))
