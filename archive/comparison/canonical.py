"""What a value says when ids are set aside.

A value is compared as it stands, except where it is or holds an id. There the id is replaced by what it
stands for; where that is not in the archive, it is set aside. Which field is treated how is said in `rules`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lxml import etree

from archive.comparison.identities import Identities
from archive.serialised import VALUE
from archive.xml import NULL
from courses import links

Canonise = Callable[[str, etree._Element, Identities], str | None]

UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a field is compared.

    value: by what `canonise` makes of it. reference: the same, but it is no value of its own; None sets it
    aside, and `target` is the kind of thing that it refers to, where that is one kind. local: it refers to a
    record called `target` in the same member. aside: not at all.
    """

    comparison: Literal["value", "reference", "local", "aside"]
    canonise: Canonise | None = None
    target: str = ""


TOKEN = re.compile(r"\$@([A-Z][A-Z0-9]*)\*([0-9*]+)@\$")
COURSE_TOKENS = frozenset(
    ["COURSEVIEWBYID", "GRADEINDEXBYID", "GRADEREPORTINDEXBYID", "BADGESVIEWBYID", "USERINDEXVIEWBYID"]
)
NUMBER = re.compile(r"-?\d+\Z")
GRADE_ITEM = re.compile(r"##gi(\d+)##")
SERIALISED_LENGTH = re.compile(r'\bs:\d+:"')
SERIALISED_ID = re.compile(r'("(?:[a-z]+id|glossary|quiz|assign|forum)";)(?:i:\d+|s:#:"\d+")')
SERIALISED_IDS = re.compile(r'("[a-z]+id";a:\d+:)\{[^{}]*\}')
STEP_NAME = re.compile(r"(_(?:stem|stemformat|choice|right)_|response_)\d+")
ANSWERS_NAME = re.compile(r"_(?:(?:sub\d+_)?order|(?:current|correct)response|right_\d+)")
THINGS_NAME = re.compile(r"_(?:stem|choice)order")
"""Ids in the steps of attempts, as the types of question say: in names; lists of answers; lists of what differs by type."""
ANY_NUMBER = re.compile(r"\d+")
EXTERNAL_PERSON = re.compile(r'("ext_user_id": ?"?)\d+')
CRITERION_NAME = re.compile(r"^([a-z]+_)(\d+)$")
SETTING_NAME = re.compile(r"^(section|[a-z][a-z0-9_]*?)_(\d+)(_\w+)?$")


def canonical_text(text: str, element: etree._Element, known: Identities) -> str:
    """Text with the ids in its link tokens replaced by what they stand for. What is shorter than a link is none."""
    if len(text.encode()) < SHORTEST_WITH_LINK:
        return text
    if "$@" in text:
        text = TOKEN.sub(lambda found: _link(found[1], found[2], known), text)
        if VALUE.match(text):
            text = SERIALISED_LENGTH.sub('s:#:"', text)
    return _addresses().sub(_addressed, text) if "/mod/" in text else text


@lru_cache(maxsize=1)
def _addresses() -> re.Pattern[str]:
    """The addresses, at any site, of what lies inside activities: nothing here tells whether it came along."""
    inner = [link for link in links.links().values() if link.item_types[0] not in OUTER]
    patterns = (
        f"(?P<{link.token}>{link.pattern('')})"
        for link in sorted(inner, key=lambda one: -len(one.item_types))
    )
    return re.compile("https?://[^\\s\"'<>]{1,200}?(?:" + "|".join(patterns) + ")(?![0-9])")


def _addressed(found: re.Match[str]) -> str:
    name = next(name for name, value in found.groupdict().items() if value is not None)
    return f"$@{name}*{UNKNOWN}@$"


SHORTEST_WITH_LINK = 32
"""Moodle looks for links in values of 32 bytes and more."""

OUTER = frozenset({"course", "course_module", "course_section", "context"})


def _link(name: str, identifiers: str, known: Identities) -> str:
    """A link by what it leads to; one that leads out of the archive is the address that a restore makes of it."""
    first = identifiers.split("*", 1)[0]
    item_type, address = _meant(name)
    target = known.token(item_type, first) if item_type else None
    if target is None and address and known.root:
        return f"{known.root}{address}{first}"
    return f"$@{name}*{target or UNKNOWN}@$"


def _meant(name: str) -> tuple[str, str]:
    """The kind of thing that a token leads to and the address up to the id; "" where it is not told here."""
    if name in COURSE_TOKENS:
        return "course", links.links()[name].address.removesuffix("$1")
    if name == "COURSESECTIONBYID":
        return "section", "/course/section.php?id="
    if name.startswith("PLUGINFILEBYCONTEXT"):
        return "context", ""
    if name.endswith("VIEWBYID"):
        return "module", f"/mod/{name.removesuffix('VIEWBYID').lower()}/view.php?id="
    return (
        ("course", f"/mod/{name.removesuffix('INDEX').lower()}/index.php?id=")
        if name.endswith("INDEX")
        else ("", "")
    )


def referring_to(item_type: str) -> Canonise:
    def canonise(text: str, element: etree._Element, known: Identities) -> str | None:
        if NUMBER.match(text):
            return known.token(item_type, text)
        return None if text in ("", NULL) else text

    return canonise


def identifier(text: str, element: etree._Element, known: Identities) -> str | None:
    return None if text in ("", NULL) or NUMBER.match(text) else text


def grade_or_scale(text: str, element: etree._Element, known: Identities) -> str:
    """In grade fields a negative number is a scale."""
    if text.startswith("-") and NUMBER.match(text):
        return known.token("scale", text[1:]) or UNKNOWN
    return text


def modules(text: str, element: etree._Element, known: Identities) -> str | None:
    found = (known.token("module", part) for part in text.split(","))
    return ",".join(token for token in found if token) or None


def question_list(text: str, element: etree._Element, known: Identities) -> str | None:
    return ",".join(known.token("question", part) or UNKNOWN for part in text.split(","))


def category_path(text: str, element: etree._Element, known: Identities) -> str | None:
    return "/".join(known.token("grade_category", part) or "" for part in text.split("/"))


def item_instance(text: str, element: etree._Element, known: Identities) -> str | None:
    if _sibling(element, "itemtype") in ("course", "category"):
        return known.token("grade_category", text)
    return None


def picture(text: str, element: etree._Element, known: Identities) -> str | None:
    """The id of a picture's file: that there is one is what counts."""
    return "0" if text in ("", "0", NULL) else "1"


def calculation(text: str, element: etree._Element, known: Identities) -> str:
    return GRADE_ITEM.sub(lambda found: f"##gi {known.token('grade_item', found[1]) or UNKNOWN}##", text)


def step_name(text: str, element: etree._Element, known: Identities) -> str:
    found = STEP_NAME.fullmatch(text)
    return f"{found[1]}#" if found else text


def step_value(text: str, element: etree._Element, known: Identities) -> str:
    name = _sibling(element, "name")
    if ANSWERS_NAME.fullmatch(name):
        return ",".join(known.token("answer", part) or UNKNOWN for part in text.split(","))
    if THINGS_NAME.fullmatch(name):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def chosen_answers(text: str, element: etree._Element, known: Identities) -> str:
    """What somebody answered in a lesson: a text, or on a page with several right answers the ids of those chosen, of
    which there are so many."""
    page = next(element.iterancestors("page"), None)
    if page is not None and (page.findtext("qtype"), page.findtext("qoption")) == ("3", "1"):
        return ",".join(UNKNOWN for _ in text.split(","))
    return canonical_text(text, element, known)


def criterion_name(text: str, element: etree._Element, known: Identities) -> str:
    return CRITERION_NAME.sub(r"\1#", text)


def criterion_value(text: str, element: etree._Element, known: Identities) -> str:
    return "#" if text and _sibling(element, "name").endswith(f"_{text}") else text


def setting_name(text: str, element: etree._Element, known: Identities) -> str:
    """`forum_7_userinfo`: the number is the id of a course module, or of a section."""
    found = SETTING_NAME.match(text)
    if found is None or not (
        _sibling(element, "section") or _sibling(element, "activity") or found[3] is None
    ):
        return text
    token = known.token("section" if found[1] == "section" else "module", found[2])
    return f"{found[1]} {token or UNKNOWN}{found[3] or ''}"


def setting_value(text: str, element: etree._Element, known: Identities) -> str | None:
    return "" if _sibling(element, "name") == "filename" else text


def availability(text: str, element: etree._Element, known: Identities) -> str:
    return _json(text, lambda value: _condition(value, known))


def _condition(value: Any, known: Identities) -> Any:
    if isinstance(value, list):
        return [_condition(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    item_type = str(value.get("type", ""))
    item_type = {"completion": "module", "grade": "grade_item"}.get(item_type, item_type)
    told = {key: _condition(each, known) for key, each in value.items()}
    for key in told.keys() & {"cm", "id"}:
        number = value[key]
        told[key] = (
            (known.token(item_type, str(number)) or UNKNOWN)
            if isinstance(number, int) and number > 0
            else number
        )
    return told


def participants(text: str, element: etree._Element, known: Identities) -> str:
    """Who takes part in a meeting: people and roles by their ids, in JSON."""

    def tell(entries: Any) -> Any:
        if not isinstance(entries, list):
            return entries
        return [
            {
                **entry,
                "selectionid": known.token(str(entry.get("selectiontype")), str(entry["selectionid"]))
                or UNKNOWN,
            }
            if isinstance(entry, dict) and NUMBER.match(str(entry.get("selectionid")))
            else entry
            for entry in entries
        ]

    return _json(text, tell)


def question_filter(text: str, element: etree._Element, known: Identities) -> str:
    def tell(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: tell(each, key if name == "values" else name) for name, each in value.items()}
        if isinstance(value, list):
            return [tell(each, key) for each in value]
        if key == "category" and NUMBER.match(str(value)):
            return known.token("question_category", str(value)) or UNKNOWN
        if key == "cat":
            return known.token("question_category", str(value).split(",")[0]) or UNKNOWN
        return UNKNOWN if key.endswith(("id", "ids")) and NUMBER.match(str(value)) else value

    return _json(text, tell)


def _json(text: str, tell: Callable[[Any], Any]) -> str:
    """JSON told anew with its keys in order; what is no JSON stays as it is."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.dumps(tell(json.loads(text)), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def block_settings(text: str, element: etree._Element, known: Identities) -> str:
    """A block's settings, base64 of a serialised object: lengths change when links are encoded anew."""
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
    plain = SERIALISED_LENGTH.sub('s:#:"', canonical_text(plain, element, known))
    return SERIALISED_IDS.sub(rf"\1{UNKNOWN}", SERIALISED_ID.sub(rf"\1{UNKNOWN}", plain))


def logged_details(text: str, element: etree._Element, known: Identities) -> str:
    """What an event said besides, base64 of JSON or of a serialised array: the ids in it are those of a site."""
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
    return ANY_NUMBER.sub(UNKNOWN, plain)


def logged_address(text: str, element: etree._Element, known: Identities) -> str:
    """The page that a log names: its ids are those of a site."""
    return ANY_NUMBER.sub(UNKNOWN, text)


def meeting_details(text: str, element: etree._Element, known: Identities) -> str:
    """What a log of meetings says besides, JSON: the id of a person in it is one of a site."""
    return EXTERNAL_PERSON.sub(rf"\1{UNKNOWN}", text)


def method_group(text: str, element: etree._Element, known: Identities) -> str:
    """The group into which a way into a course puts people, where it is such a way."""
    if _sibling(element, "enrol") not in ("cohort", "meta") or not text.isdigit():
        return text
    return known.token("group", text) or UNKNOWN


def _sibling(element: etree._Element, name: str) -> str:
    parent = element.getparent()
    return (parent.findtext(name) or "") if parent is not None else ""
