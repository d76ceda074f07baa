"""Makes the canonical value of a field, which is compared: ids become tokens of their records, other text stays.

    <userid>12</userid>                          "user:'anna'"      identities.token("user", "12")
    <grade>-3</grade>                            "scale:'Stars'"    minus the id of a scale
    see $@FORUMVIEWBYID*31@$                     see $@FORUMVIEWBYID*course_module:0@$
    <userid>99</userid>, not in the archive      None               not compared

Each function here is a `Canonise`. `rules` says which field gets which; `structured` has those for JSON and serialised PHP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from lxml import etree

from archive import links, references
from archive.comparison.identities import Identities
from archive.numbers import natural
from archive.serialised import VALUE
from archive.xml import NULL

Canonise = Callable[[str, etree._Element, Identities], str | None]
"""Returns the canonical value of a field, given its text, its element (for neighbours) and the tokens; None to not compare."""

UNKNOWN = "?"
"""Stands for an id of a record that the archive does not hold."""

AROUND = "(the record around it)"
"""Stands for the id of the record around a value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a field is compared, see `rules`.

    value: by its canonical value, which `canonise` returns.
    reference: the same, and it does not count as a value; `item_type` is set if it refers to one item type.
    local: by the record of the same member that it refers to; its element is one of `elements`.
    aside: not compared.
    """

    comparison: Literal["value", "reference", "local", "aside"]
    canonise: Canonise | None = None
    item_type: str = ""
    elements: tuple[str, ...] = ()


TOKEN = re.compile(r"\$@([A-Z][A-Z0-9]*)\*([0-9*]+)@\$")
NUMBER = re.compile(r"-?\d+\Z")
GRADE_ITEM = re.compile(r"##gi(\d+)##")
SERIALISED_LENGTH = re.compile(r'\bs:\d+:"')
STEP_NAME = re.compile(r"(_(?:stem|stemformat|choice|right)_|response_)\d+")
ANSWERS_NAME = re.compile(r"_(?:(?:sub\d+_)?order|(?:current|correct)response|right_\d+)")
OTHERS_NAME = re.compile(r"_(?:stem|choice)order")
"""Variables of attempt steps with ids: in the name; as a list of answers; as a list of other records.

A test compares these patterns with the question types (`tests/courses/test_bank_fields.py`).
"""
CRITERION_NAME = re.compile(r"^([a-z]+_)(\d+)$")
SETTING_NAME = re.compile(r"^(section|[a-z][a-z0-9_]*?)_(\d+)(_\w+)?$")

SHORTEST_WITH_LINK = 32
"""Bytes of the shortest value in which a backup looks for links. Source: format facts, README.md, "Values"."""

OUTER = frozenset({"course", "course_module", "course_section", "context"})
"""Item types of links to a course, section, activity or context. Links to others lead inside activities."""


def canonical_text(text: str, element: etree._Element, known: Identities) -> str:
    """Return text with tokens in place of the ids in links and of addresses inside activities."""
    if len(text.encode()) < SHORTEST_WITH_LINK:
        return text
    if "$@" in text:
        text = TOKEN.sub(lambda found: _link(found[1], found[2], known), text)
        if VALUE.match(text):
            text = SERIALISED_LENGTH.sub('s:#:"', text)
    return _addresses().sub(_addressed, text) if "/mod/" in text else text


@lru_cache(maxsize=1)
def _addresses() -> re.Pattern[str]:
    """Return a pattern of addresses inside activities, at any site; it has a group for each link token."""
    inner = [link for link in references.links().values() if link.item_types[0] not in OUTER]
    patterns = (
        f"(?P<{link.token}>{link.pattern('')})"
        for link in sorted(inner, key=lambda one: -len(one.item_types))
    )
    return re.compile("https?://[^\\s\"'<>]{1,200}?(?:" + "|".join(patterns) + ")(?![0-9])")


def _addressed(found: re.Match[str]) -> str:
    """Return the token for an address. A restore leaves the original address if its target was not restored."""
    name = next(name for name, value in found.groupdict().items() if value is not None)
    return f"$@{name}*{UNKNOWN}@$"


class _LinkTarget(NamedTuple):
    """The target of a link token: the item type of its id, and the address up to the id; "" if unknown."""

    item_type: str
    address: str


def _link(name: str, identifiers: str, known: Identities) -> str:
    """Return a link token with its target in place of the ids, or the original address if the archive lacks the target."""
    first = identifiers.split("*", 1)[0]
    link_target = _link_target(name)
    target = known.token(link_target.item_type, first) if link_target.item_type else None
    if target is None and link_target.address and known.root:
        return f"{known.root}{link_target.address}{first}"
    return f"$@{name}*{target or UNKNOWN}@$"


@lru_cache(maxsize=512)
def _link_target(name: str) -> _LinkTarget:
    """Return the target of the link token of this name."""
    link = links.find(name, references.links())
    if link is None or len(link.item_types) != 1 or link.item_types[0] not in OUTER:
        return _LinkTarget("", "")
    item_type = link.item_types[0]
    return _LinkTarget(item_type, "" if item_type == "context" else link.address.removesuffix("$1"))


def referring_to(item_type: str) -> Canonise:
    """Return the function for an id of this item type."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        if NUMBER.match(text):
            return known.token(item_type, text)
        return None if text in ("", NULL) else text

    return canonise


def record_around(elements: Collection[str]) -> Canonise:
    """Return the function for a value that is a reference if it is the id of a record around it, one of these elements."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        around = (outer for outer in element.iterancestors(*elements) if outer.get("id") == text)
        return AROUND if next(around, None) is not None else canonical_text(text, element, known)

    return canonise


def identifier(text: str, element: etree._Element, known: Identities) -> str | None:
    """Return None for any number; a text that is no number stays."""
    return None if text in ("", NULL) or NUMBER.match(text) else text


def grade_or_scale(text: str, element: etree._Element, known: Identities) -> str:
    """Return the scale for a negative number, which is minus its id; any other text stays."""
    if text.startswith("-") and NUMBER.match(text):
        return known.token("scale", text[1:]) or UNKNOWN
    return text


def list_of(item_type: str) -> Canonise:
    """Return the function for ids with commas between them; ids of records that the archive lacks are left out."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        found = (known.token(item_type, part) for part in text.split(","))
        return ",".join(token for token in found if token) or None

    return canonise


def question_list(text: str, element: etree._Element, known: Identities) -> str | None:
    """Return the questions inside a question, by position: "?" for one that is not in the archive."""
    return ",".join(known.token("question", part) or UNKNOWN for part in text.split(","))


def path_of(item_type: str) -> Canonise:
    """Return the function for the ids of ancestors with slashes around them: `/4/5/`."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        return "/".join(known.token(item_type, part) or "" for part in text.split("/"))

    return canonise


def item_instance(text: str, element: etree._Element, known: Identities) -> str | None:
    """Return the grade category for the grade item of a category; None for other items, which their module identifies."""
    if sibling(element, "itemtype") in ("course", "category"):
        return known.token("grade_category", text)
    return None


def has_picture(text: str, element: etree._Element, known: Identities) -> str | None:
    """Return "1" for the id of a picture's file, "0" for none."""
    return "0" if text in ("", "0", NULL) else "1"


def calculation(text: str, element: etree._Element, known: Identities) -> str:
    """Return a formula with the grade items in place of their ids (`##gi12##`)."""
    return GRADE_ITEM.sub(lambda found: f"##gi {known.token('grade_item', found[1]) or UNKNOWN}##", text)


def step_name(text: str, element: etree._Element, known: Identities) -> str:
    """Return the name of a variable of an attempt step without the id at its end: `_stem_#`."""
    found = STEP_NAME.fullmatch(text)
    return f"{found[1]}#" if found else text


def step_value(text: str, element: etree._Element, known: Identities) -> str:
    """Return the value of a variable of an attempt step, with tokens in place of the ids if it is a list of ids."""
    name = sibling(element, "name")
    if ANSWERS_NAME.fullmatch(name):
        return ",".join(known.token("question_answer", part) or UNKNOWN for part in text.split(","))
    if OTHERS_NAME.fullmatch(name):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def chosen_answers(text: str, element: etree._Element, known: Identities) -> str:
    """Return an answer in a lesson; on a page with several right answers, a "?" for the id of each chosen answer."""
    page = next(element.iterancestors("page"), None)
    if page is not None and (page.findtext("qtype"), page.findtext("qoption")) == ("3", "1"):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def criterion_name(text: str, element: etree._Element, known: Identities) -> str:
    """Return the name of a badge criterion's parameter without its id: `bydate_#`."""
    return CRITERION_NAME.sub(r"\1#", text)


def criterion_value(text: str, element: etree._Element, known: Identities) -> str:
    """Return the value of a badge criterion's parameter; "#" if it is the id at the end of the parameter's name."""
    return "#" if text and sibling(element, "name").endswith(f"_{text}") else text


def setting_name(text: str, element: etree._Element, known: Identities) -> str:
    """Return the name of a setting (`forum_7_userinfo`, `section_3_included`) with the token of the activity or section."""
    found = SETTING_NAME.match(text)
    if found is None or not (sibling(element, "section") or sibling(element, "activity") or found[3] is None):
        return text
    token = known.token("course_section" if found[1] == "section" else "course_module", found[2])
    return f"{found[1]} {token or UNKNOWN}{found[3] or ''}"


def setting_value(text: str, element: etree._Element, known: Identities) -> str | None:
    """Return the value of a setting; "" for the archive's file name, which differs each time."""
    return "" if sibling(element, "name") == "filename" else text


def method_group(text: str, element: etree._Element, known: Identities) -> str:
    """Return `customint2` of an enrolment method: for cohort and meta enrolment the group that it assigns, else the number."""
    if sibling(element, "enrol") not in ("cohort", "meta") or natural(text) is None:
        return text
    return known.token("group", text) or UNKNOWN


def sibling(element: etree._Element, name: str) -> str:
    """Return the text of another element of the same record; "" if there is none."""
    parent = element.getparent()
    return (parent.findtext(name) or "") if parent is not None else ""
