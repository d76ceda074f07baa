"""Replace the details of people in the texts of an anonymous archive: names, addresses and numbers inside what people wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from archive.details import Hit, KnownDetails, Pseudonyms, replaced
from archive.numbers import whole_or
from archive.serialised import rewrite_strings
from backup.render import Query
from courses.models import File
from courses.structure import Element, elements_of

BETWEEN = "\x00"
"""Separates the rows that are searched together; XML cannot contain it."""

_ACTOR = re.compile(r'("account"\s*:\s*\{[^{}]*?"name"\s*:\s*")([0-9]{1,18})(?=")')
"""The id of a person as xAPI has it: the name of an actor's account."""

_FILE_LINK = re.compile(r"@@PLUGINFILE@@/[^\"'\s&<>]*")
"""A link to a file; the name in it has to be replaced as that of the file is."""


@dataclass(frozen=True)
class HiddenWords:
    """Replaces the details in texts by pseudonyms. `pseudonyms` returns those of a person."""

    known: KnownDetails
    pseudonyms: Callable[[int], Pseudonyms]
    _of_queries: dict[int, _Leaves | None] = field(default_factory=dict)

    def text(self, text: str, *, own: bool = True) -> str:
        """Return a text without details; `own` as in `KnownDetails.find`. Works on text as it stands in XML, too."""
        search = self.known.search_for(text, own=own)
        changed = text if search is None else replaced(text, search(text), self.pseudonyms)
        return self._rest(changed, own=own)

    def course_text(self, text: str) -> str:
        """Return a text of the course itself, such as a title, without details."""
        return self.text(text, own=False)

    def _rest(self, text: str, *, own: bool) -> str:
        """Return a text without the ids of xAPI actors, and with the names of files in links replaced as the files' are."""
        if '"account"' in text:
            text = _ACTOR.sub(lambda found: f"{found[1]}{self.pseudonyms(whole_or(found[2])).number}", text)
        if not own and "@@PLUGINFILE@@" in text:
            text = _FILE_LINK.sub(lambda found: self.text(found[0]), text)
        return text

    def rows(self, query: Query, rows: Sequence[str]) -> Sequence[str]:
        """Return the rows of a query, which are XML, without details in the leaves that hold people's words."""
        key = id(query.element)
        if key not in self._of_queries:
            self._of_queries[key] = _leaves_of(query)
        leaves = self._of_queries[key]
        if leaves is None or not rows:
            return rows
        together = BETWEEN.join(rows)
        search = self.known.search_for(together, own=leaves.own)
        linked = '"account"' in together or (not leaves.own and "@@PLUGINFILE@@" in together)
        if search is not None or linked:
            together = leaves.plain.sub(
                lambda found: found[1] + self._leaf(found[2], search, leaves.own), together
            )
        if leaves.serialised is not None:
            together = leaves.serialised.sub(
                lambda found: (
                    found[1] + rewrite_strings(found[2], lambda text: self.text(text, own=leaves.own))
                ),
                together,
            )
        return together.split(BETWEEN)

    def _leaf(self, text: str, search: Callable[[str], list[Hit]] | None, own: bool) -> str:
        """Return the text of a leaf without details."""
        hits = search(text) if search is not None else []
        return self._rest(replaced(text, hits, self.pseudonyms) if hits else text, own=own)


@dataclass(frozen=True)
class _Leaves:
    """Expressions of the leaves with words in the rows of a query: group 1 is the start tag, group 2 the text."""

    own: bool
    plain: re.Pattern[str]
    serialised: re.Pattern[str] | None


def _leaves_of(query: Query) -> _Leaves | None:
    """Return the leaves of a query that hold words; None if it has none."""
    elements = list(_in_rows(query))
    tags: dict[str, set[str]] = {"plain": set(), "serialised": set()}
    for element in elements:
        for leaf in element.leaves:
            if leaf.words and leaf.personal is None:
                tags[leaf.words].add(leaf.tag)
    if not any(tags.values()):
        return None
    own = any(element.model.archive_meta.userdata or element.model is File for element in elements)
    serialised = _expression(tags["serialised"]) if tags["serialised"] else None
    return _Leaves(own, _expression(tags["plain"]), serialised)


def _in_rows(query: Query) -> Iterator[Element]:
    """Yield the elements that are rendered in the rows of a query: its own and the inline ones."""
    yield query.element
    first = query.element.body[: len(query.element.body) - len(query.body)]
    for element in elements_of(first):
        yield from element.walk()


def _expression(tags: Iterable[str]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, sorted(tags))) or "(?!)"
    return re.compile(rf"(<(?:{names})(?: [^<>]*)?>)([^<]+)(?=</)")
