"""Rewrites questions and slots of quizzes of older versions into the form of Moodle 4.5.

Before 4.0 a question was a child of its category and a slot of a quiz named it. New records get ids that are not in use:
an entry and its version that of the question, a reference that of its slot, a top category one made of its context's id.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakKeyDictionary

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.json_text import parse_json
from archive.numbers import whole_or
from archive.older.rewriter import Change, Rewriting

QUESTIONS = "questions.xml"
TOP = 10**15
"""Added to a context's id to make the id of its top category; larger than any id of a site."""

ANY, ALL = 1, 2
RANDOM = "random"


@dataclass(slots=True)
class _Bank:
    """Facts of all questions of an archive that are needed before one can be rewritten.

    `contexts` has the context (id, level, instance) of each category, `topless` the contexts without a top category, and
    `drawn` the category of each random question and whether it draws from subcategories too.
    """

    contexts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    topless: dict[tuple[str, str, str], None] = field(default_factory=dict)
    drawn: dict[str, tuple[str, bool]] = field(default_factory=dict)


_banks: WeakKeyDictionary[Archive, _Bank] = WeakKeyDictionary()


def _bank_of(archive: Archive) -> _Bank:
    """Return the facts of an archive's questions. They are read once, however many quizzes it has."""
    if archive not in _banks:
        _banks[archive] = _read_bank(archive)
    return _banks[archive]


def _read_bank(archive: Archive) -> _Bank:
    bank = _Bank()
    if QUESTIONS not in archive:
        return bank
    random: list[tuple[str, bool]] = []
    topped = set()
    with archive.open_raw(QUESTIONS) as stream:
        for element in xml.records(stream, member=QUESTIONS, tags=("question", "question_category")):
            number = element.get("id")
            if number is None:
                continue
            if element.tag == "question":
                if element.findtext("qtype") == RANDOM:
                    random.append((number, element.findtext("questiontext") == "1"))
                continue
            names = ("contextid", "contextlevel", "contextinstanceid")
            context = (_text(element, names[0]), _text(element, names[1]), _text(element, names[2]))
            bank.contexts[number] = context
            bank.drawn |= {question: (number, below) for question, below in random}
            random.clear()
            if _text(element, "parent") == "0":
                if element.findtext("name") == "top":
                    topped.add(context)
                else:
                    bank.topless[context] = None
    bank.topless = {context: None for context in bank.topless if context not in topped}
    return bank


class Tops(Rewriting):
    """Adds a category called "top" to each context without one, as the parent of its topmost categories."""

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._bank = _bank_of(archive)

    def first(self, tag: str) -> str:
        if tag != "question_categories":
            return ""
        return "".join(_top(context) for context in self._bank.topless)

    def change(self, around: str, tag: str) -> Change | None:
        if (around, tag) != ("question_category", "parent"):
            return None
        context = self._bank.contexts.get(self.attributes[-1].get("id", ""))
        return partial(_under_top, context[0]) if context in self._bank.topless and context else None


def _under_top(context: str, parent: etree._Element) -> list[etree._Element]:
    if parent.text == "0":
        parent.text = str(TOP + whole_or(context))
    return [parent]


def _top(context: tuple[str, str, str]) -> str:
    """Return the top category of a context as XML, in the old layout; `Entries` rewrites it."""
    number, level, instance = context
    category = etree.Element("question_category", {"id": str(TOP + whole_or(number))})
    for name, text in (
        ("name", "top"),
        ("contextid", number),
        ("contextlevel", level),
        ("contextinstanceid", instance),
        ("info", ""),
        ("infoformat", "0"),
        ("stamp", f"top {number}"),
        ("parent", "0"),
        ("sortorder", "0"),
        ("questions", "\n"),
    ):
        _leaf(category, name, text)
    return etree.tostring(category, encoding="unicode")


class Entries(Rewriting):
    """Wraps each question in a version and an entry of its own."""

    tags = {("question_category", "questions"): "question_bank_entries"}

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._numbered = False

    def first(self, tag: str) -> str:
        self._numbered = self._numbered and tag != "question_category"
        return ""

    def before(self, around: str, tag: str) -> str:
        """Return an empty `<idnumber>` for a category of a version before 3.8, which has none."""
        self._numbered = self._numbered or (around, tag) == ("question_category", "idnumber")
        lacks = (around, tag) == ("question_category", "questions") and not self._numbered
        return f"<idnumber>{xml.NULL}</idnumber>" if lacks else ""

    def change(self, around: str, tag: str) -> Change | None:
        return (
            partial(_entry, self.attributes[-2].get("id", "0"))
            if (around, tag) == ("questions", "question")
            else None
        )


def _entry(category: str, question: etree._Element) -> list[etree._Element]:
    """Return the entry of a question; nothing for a random one, which only stood for what a slot draws (`Slots`).

    Moodle 4.5 removes the random questions of older archives too (`restore_quiz_activity_structure_step::after_execute`).
    """
    if question.findtext("qtype") == RANDOM:
        return []
    number = question.get("id", "0")
    hidden = _removed_text(question, "hidden") == "1"
    _removed_text(question, "version")  # a stamp; since 4.0 versions are numbered and records of their own
    entry = etree.Element("question_bank_entry", {"id": number})
    _leaf(entry, "questioncategoryid", category)
    _leaf(entry, "idnumber", _removed_text(question, "idnumber", xml.NULL))
    _leaf(entry, "ownerid", question.findtext("createdby") or xml.NULL)
    version = etree.SubElement(
        etree.SubElement(entry, "question_version"), "question_versions", {"id": number}
    )
    _leaf(version, "version", "1")
    _leaf(version, "status", "hidden" if hidden else "ready")
    etree.SubElement(version, "questions").append(question)
    return [entry]


class Slots(Rewriting):
    """Adds to each slot a reference to the entry of its question, or to the category of its random questions."""

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._bank = _bank_of(archive)
        self._order: dict[str, tuple[int, int]] = {}
        self._shuffled = "0"
        self._sections = False

    def change(self, around: str, tag: str) -> Change | None:
        changes: dict[tuple[str, str], Callable[[etree._Element], list[etree._Element]]] = {
            ("quiz", "questions"): self._note_order,
            ("quiz", "shufflequestions"): self._note_shuffling,
            ("question_instances", "question_instance"): self._slot,
        }
        if (around, tag) == ("quiz", "sections"):
            self._sections = True
        return changes.get((around, tag))

    def last(self, tag: str) -> str:
        """Return one section for the whole quiz if it has none, as before 3.0."""
        if tag != "quiz" or self._sections:
            return ""
        sections = etree.Element("sections")
        section = etree.SubElement(sections, "section", {"id": self.attributes[-1].get("id", "0")})
        _leaf(section, "firstslot", "1")
        _leaf(section, "heading", xml.NULL)
        _leaf(section, "shufflequestions", self._shuffled)
        return etree.tostring(sections, encoding="unicode")

    def _note_order(self, listed: etree._Element) -> list[etree._Element]:
        """Note slot and page of each question. Before 2.7 the quiz lists their ids in order, and 0 ends a page."""
        page = slot = 1
        for number in (listed.text or "").split(","):
            if number.strip() in ("0", ""):
                page += 1
            else:
                self._order[number.strip()] = (slot, page)
                slot += 1
        return []

    def _note_shuffling(self, shuffled: etree._Element) -> list[etree._Element]:
        self._shuffled = shuffled.text or "0"
        return []

    def _slot(self, slot: etree._Element) -> list[etree._Element]:
        if slot.find("question") is not None:
            self._rename_slot_fields(slot)
        question = _removed_text(slot, "questionid")
        if self._order and question not in self._order:
            return []  # left over from a question that was removed from the quiz
        category, below = (
            _removed_text(slot, "questioncategoryid"),
            _removed_text(slot, "includingsubcategories"),
        )
        tags = slot.find("tags")
        drawn = self._bank.drawn.get(question)
        if category not in ("", "0", xml.NULL):
            drawn = (category, below == "1")
        number = slot.get("id", "0")
        if tags is not None:
            slot.remove(tags)
        if drawn is None:
            reference = self._reference(slot, "question_reference", number)
            _leaf(reference, "questionbankentryid", question)
            _leaf(reference, "version", xml.NULL)
            return [slot]
        reference = self._reference(slot, "question_set_reference", number)
        _leaf(reference, "questionscontextid", self._bank.contexts.get(drawn[0], ("0",))[0])
        named = [] if tags is None else [(_text(tag, "tagid"), _text(tag, "tagname")) for tag in tags]
        _leaf(reference, "filtercondition", _filter_json(drawn[0], below=drawn[1], tags=named))
        return [slot]

    def _rename_slot_fields(self, slot: etree._Element) -> None:
        question, grade = _removed_text(slot, "question"), _removed_text(slot, "grade", "0")
        number, page = self._order.get(question, (len(self._order) + 1, 1))
        for name, text in (
            ("slot", str(number)),
            ("page", str(page)),
            ("questionid", question),
            ("maxmark", grade),
        ):
            _leaf(slot, name, text)

    def _reference(self, slot: etree._Element, tag: str, number: str) -> etree._Element:
        reference = etree.SubElement(slot, tag, {"id": number})
        _leaf(reference, "usingcontextid", self.attributes[0].get("contextid", "0"))
        _leaf(reference, "component", "mod_quiz")
        _leaf(reference, "questionarea", "slot")
        return reference


class Filters(Rewriting):
    """Rewrites the conditions of random questions, which name a category and tags, as filters; see `_filter_json` for tags."""

    def change(self, around: str, tag: str) -> Change | None:
        return _filtered if (around, tag) == ("question_set_reference", "filtercondition") else None


def _filtered(condition: etree._Element) -> list[etree._Element]:
    try:
        conditions = parse_json(condition.text or "")
    except ValueError:
        return [condition]
    if isinstance(conditions, dict) and "filter" not in conditions and "questioncategoryid" in conditions:
        told = (str(tag).partition(",") for tag in conditions.get("tags") or [])
        tags = [(number, name) for number, _, name in told]
        below = str(conditions.get("includingsubcategories")).lower() in ("1", "true")
        condition.text = _filter_json(str(conditions["questioncategoryid"]), below=below, tags=tags)
    return [condition]


def _filter_json(category: str, *, below: bool, tags: list[tuple[str, str]]) -> str:
    """Return the conditions of a random question as JSON: one category, and all of these tags, pairs of id and name.

    With tags they keep the form of before 4.3, `"tags":["1,foo"]`: Moodle 4.5 finds or makes the tags of these names when it
    restores it (`question_reference_manager::convert_legacy_set_reference_filter_condition`), and does not map the ids of
    tags in a filter.
    """
    drawn: int | str = whole_or(category) if xml.is_id(category) else category
    if tags and all(name for _, name in tags):
        told = [f"{number},{name}" for number, name in tags]
        legacy = {"questioncategoryid": drawn, "includingsubcategories": below, "tags": told}
        return json.dumps(legacy, separators=(",", ":"))
    filters: dict[str, object] = {
        "category": {"jointype": ANY, "values": [drawn], "filteroptions": {"includesubcategories": below}}
    }
    numbers = [whole_or(number) for number, _ in tags if xml.is_id(number)]
    if numbers:
        filters["qtagids"] = {"jointype": ALL, "values": numbers}
    return json.dumps({"filter": filters}, separators=(",", ":"))


def _leaf(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(name) or ""


def _removed_text(element: etree._Element, name: str, missing: str = "") -> str:
    """Remove a child of an element and return its text; `missing` if there is none."""
    child = element.find(name)
    if child is None:
        return missing
    element.remove(child)
    return child.text or ""
