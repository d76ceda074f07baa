"""Turns the text of a field into what is compared: ids become what they stand for, the rest stays.

    <userid>12</userid>                          "user:'anna'"      identities.token("user", "12")
    <grade>-3</grade>                            "scale:'Stars'"    minus the id of a scale
    see $@FORUMVIEWBYID*31@$                     see $@FORUMVIEWBYID*course_module:0@$
    <userid>99</userid>, nobody in the archive   None               set aside, no difference

Each function here is a `Canonise`. `rules` says which field gets which; `structured` has those for JSON and serialised PHP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from lxml import etree

from archive import links, references
from archive.comparison.identities import Identities
from archive.serialised import VALUE
from archive.xml import NULL

Canonise = Callable[[str, etree._Element, Identities], str | None]
"""Makes of a field's text, its element (for the neighbours) and the identities what is compared; None for nothing."""

UNKNOWN = "?"
"""Stands for an id of something that the archive does not hold."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a field is compared, see `rules`.

    value: by what `canonise` makes of it.
    reference: the same, and it does not count as a value; `item_type` is what it refers to, where that is one.
    local: by the record of the same member that it refers to, which is called as one of `elements`.
    aside: not at all.
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
THINGS_NAME = re.compile(r"_(?:stem|choice)order")
"""Ids in the steps of attempts, by question type: in names; lists of answers; lists of other things.

A test compares these with what the question types say (`tests/courses/test_bank_fields.py`).
"""
CRITERION_NAME = re.compile(r"^([a-z]+_)(\d+)$")
SETTING_NAME = re.compile(r"^(section|[a-z][a-z0-9_]*?)_(\d+)(_\w+)?$")

SHORTEST_WITH_LINK = 32
"""Bytes of the shortest value in which a backup looks for links. Source: format facts, README.md, "Values"."""

OUTER = frozenset({"course", "course_module", "course_section", "context"})
"""Item types of which an archive tells whether it holds the record; a link to any other leads inside an activity."""


def canonical_text(text: str, element: etree._Element, known: Identities) -> str:
    """Text with what they stand for in place of the ids in link tokens, and of addresses inside activities."""
    if len(text.encode()) < SHORTEST_WITH_LINK:
        return text
    if "$@" in text:
        text = TOKEN.sub(lambda found: _link(found[1], found[2], known), text)
        if VALUE.match(text):
            text = SERIALISED_LENGTH.sub('s:#:"', text)
    return _addresses().sub(_addressed, text) if "/mod/" in text else text


@lru_cache(maxsize=1)
def _addresses() -> re.Pattern[str]:
    """A pattern of the addresses, at any site, of what is inside activities; a group for each token."""
    inner = [link for link in references.links().values() if link.item_types[0] not in OUTER]
    patterns = (
        f"(?P<{link.token}>{link.pattern('')})"
        for link in sorted(inner, key=lambda one: -len(one.item_types))
    )
    return re.compile("https?://[^\\s\"'<>]{1,200}?(?:" + "|".join(patterns) + ")(?![0-9])")


def _addressed(found: re.Match[str]) -> str:
    """The token for an address: a restore leaves the address of the original site where its target did not come."""
    name = next(name for name, value in found.groupdict().items() if value is not None)
    return f"$@{name}*{UNKNOWN}@$"


class _Leads(NamedTuple):
    """Where a token leads: the item type of its id, and the address up to the id; "" where an archive does not tell."""

    item_type: str
    address: str


def _link(name: str, identifiers: str, known: Identities) -> str:
    """A token with its target in place of the ids, or the original address if the target is not in the archive."""
    first = identifiers.split("*", 1)[0]
    leads = _where(name)
    target = known.token(leads.item_type, first) if leads.item_type else None
    if target is None and leads.address and known.root:
        return f"{known.root}{leads.address}{first}"
    return f"$@{name}*{target or UNKNOWN}@$"


@lru_cache(maxsize=512)
def _where(name: str) -> _Leads:
    """Where a token leads, by its name."""
    link = links.find(name, references.links())
    if link is None or len(link.item_types) != 1 or link.item_types[0] not in OUTER:
        return _Leads("", "")
    item_type = link.item_types[0]
    return _Leads(item_type, "" if item_type == "context" else link.address.removesuffix("$1"))


def referring_to(item_type: str) -> Canonise:
    """Return the function for an id of this item type."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        if NUMBER.match(text):
            return known.token(item_type, text)
        return None if text in ("", NULL) else text

    return canonise


def identifier(text: str, element: etree._Element, known: Identities) -> str | None:
    """None for any number; a text that is no number stays."""
    return None if text in ("", NULL) or NUMBER.match(text) else text


def grade_or_scale(text: str, element: etree._Element, known: Identities) -> str:
    """The scale for a negative number, which is minus its id; any other text stays."""
    if text.startswith("-") and NUMBER.match(text):
        return known.token("scale", text[1:]) or UNKNOWN
    return text


def list_of(item_type: str) -> Canonise:
    """Return the function for ids with commas between them; ids of what is not in the archive are left out."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        found = (known.token(item_type, part) for part in text.split(","))
        return ",".join(token for token in found if token) or None

    return canonise


def question_list(text: str, element: etree._Element, known: Identities) -> str | None:
    """The questions inside a question, by position: "?" for one that is not in the archive."""
    return ",".join(known.token("question", part) or UNKNOWN for part in text.split(","))


def path_of(item_type: str) -> Canonise:
    """Return the function for the ids of ancestors with slashes around them: `/4/5/`."""

    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        return "/".join(known.token(item_type, part) or "" for part in text.split("/"))

    return canonise


def item_instance(text: str, element: etree._Element, known: Identities) -> str | None:
    """The grade category for the item of a category; None for items of activities, which the module tells."""
    if sibling(element, "itemtype") in ("course", "category"):
        return known.token("grade_category", text)
    return None


def picture(text: str, element: etree._Element, known: Identities) -> str | None:
    """ "1" for the id of a picture's file, "0" for none."""
    return "0" if text in ("", "0", NULL) else "1"


def calculation(text: str, element: etree._Element, known: Identities) -> str:
    """A formula with the grade items in place of their ids: `##gi12##`."""
    return GRADE_ITEM.sub(lambda found: f"##gi {known.token('grade_item', found[1]) or UNKNOWN}##", text)


def step_name(text: str, element: etree._Element, known: Identities) -> str:
    """The name of a variable of an attempt's step without the id at its end: `_stem_#`."""
    found = STEP_NAME.fullmatch(text)
    return f"{found[1]}#" if found else text


def step_value(text: str, element: etree._Element, known: Identities) -> str:
    """The value of a variable of an attempt's step; for the variables that are lists of ids, what these stand for."""
    name = sibling(element, "name")
    if ANSWERS_NAME.fullmatch(name):
        return ",".join(known.token("question_answer", part) or UNKNOWN for part in text.split(","))
    if THINGS_NAME.fullmatch(name):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def chosen_answers(text: str, element: etree._Element, known: Identities) -> str:
    """An answer in a lesson: a text; on a page with several right answers a "?" for each id of a chosen one."""
    page = next(element.iterancestors("page"), None)
    if page is not None and (page.findtext("qtype"), page.findtext("qoption")) == ("3", "1"):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def criterion_name(text: str, element: etree._Element, known: Identities) -> str:
    """The name of a badge criterion's parameter without its id: `bydate_#`."""
    return CRITERION_NAME.sub(r"\1#", text)


def criterion_value(text: str, element: etree._Element, known: Identities) -> str:
    """The value of a badge criterion's parameter; "#" where it is the id that ends the name."""
    return "#" if text and sibling(element, "name").endswith(f"_{text}") else text


def setting_name(text: str, element: etree._Element, known: Identities) -> str:
    """The name of a setting with the activity or section in place of its id: `forum_7_userinfo`, `section_3_included`."""
    found = SETTING_NAME.match(text)
    if found is None or not (sibling(element, "section") or sibling(element, "activity") or found[3] is None):
        return text
    token = known.token("course_section" if found[1] == "section" else "course_module", found[2])
    return f"{found[1]} {token or UNKNOWN}{found[3] or ''}"


def setting_value(text: str, element: etree._Element, known: Identities) -> str | None:
    """The value of a setting; "" for the archive's file name, which is another one each time."""
    return "" if sibling(element, "name") == "filename" else text


def method_group(text: str, element: etree._Element, known: Identities) -> str:
    """`customint2` of an enrolment method: for cohort and meta enrolment the group that it assigns, else a number."""
    if sibling(element, "enrol") not in ("cohort", "meta") or not text.isdigit():
        return text
    return known.token("group", text) or UNKNOWN


def sibling(element: etree._Element, name: str) -> str:
    """Return the text of another element of the same record; "" if there is none."""
    parent = element.getparent()
    return (parent.findtext(name) or "") if parent is not None else ""
