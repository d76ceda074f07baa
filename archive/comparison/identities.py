"""Tokens for the ids of one archive: a user id becomes a username, a course module id the activity's number.

    user 12 -> "user:'anna'"        course_module 31 -> "course_module:0"

A record has the same token in two archives, whatever its id is there. Everything is read in streams; only the tokens stay in
memory.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.id_set import IdSet
from archive.manifest import ActivityEntry, Manifest, SectionEntry
from archive.numbers import natural

TOKEN_IDS = re.compile(r"(\$@[A-Z][A-Z0-9]*)(?:\*[0-9]+)+(?=@\$)")
Reader = Callable[["Identities", Archive, str], None]


ITEM_TYPES: dict[str, str] = {
    "user": "people",
    "group": "groups",
    "grouping": "groupings",
    "role": "roles",
    "scale": "scales",
    "outcome": "outcomes",
    "badge": "badges",
    "course": "courses",
    "course_module": "activities",
    "course_section": "sections",
    "grade_item": "grade items",
    "grade_category": "grade categories",
    "question_category": "question categories",
    "question_bank_entry": "questions",
    "question": "questions",
    "question_answer": "answers of questions",
    "file": "files",
    "context": "contexts",
}
"""Item types whose ids become tokens, with the name of their records for people, in the plural."""


class Identities:
    """The tokens of one archive by item type and id. Item types are those of `ITEM_TYPES`, and `instance <type>`.

    `root` is the address of the site where the archive was made.
    """

    def __init__(self, *, root: str = "") -> None:
        self.root = root
        self._tokens: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def token(self, item_type: str, identifier: str) -> str | None:
        """Return the token of a record; None if the archive does not hold it."""
        return self._tokens[item_type].get(identifier)

    def add(self, item_type: str, identifier: str | None, token: str) -> None:
        """Note the token of an id; an empty id is ignored."""
        if identifier:
            self._tokens[item_type][identifier] = f"{item_type}:{token}"


class Presence(Identities):
    """Whether an archive holds a record, in a few bytes for each: its tokens only name the item type."""

    def __init__(self) -> None:
        super().__init__()
        self._present: dict[str, IdSet] = {}

    def token(self, item_type: str, identifier: str) -> str | None:
        number = natural(identifier)
        return item_type if number is not None and number in self._present.get(item_type, ()) else None

    def add(self, item_type: str, identifier: str | None, token: str) -> None:
        self._present.setdefault(item_type, IdSet()).add(identifier or "")


def read_identities(
    archive: Archive,
    manifest: Manifest,
    *,
    activities: Sequence[ActivityEntry | None],
    sections: Sequence[SectionEntry | None],
    known: Identities | None = None,
) -> Identities:
    """Return the tokens of an archive, or `known` with them. Those of activities and sections are positions in these lists
    (see `pairing`)."""
    known = Identities(root=manifest.original_wwwroot) if known is None else known
    known.add("course", str(manifest.original_course_id), "")
    known.add("context", str(manifest.original_course_contextid), "course")
    known.add("context", str(manifest.original_system_contextid), "system")
    for number, section in enumerate(sections):
        if section is not None:
            known.add("course_section", str(section.sectionid), str(number))
    for number, activity in enumerate(activities):
        if activity is not None:
            known.add("course_module", str(activity.moduleid), str(number))
            _read_activity(known, archive, activity, number)
    _read_blocks(known, archive)
    for path, reader in READERS.items():
        if path in archive:
            reader(known, archive, path)
    for activity in activities:
        if activity is not None and (path := f"{activity.directory}/grades.xml") in archive:
            _read_grade_items(known, archive, path)
    if "files.xml" in archive:
        _read_files(known, archive, "files.xml")
    return known


def _read_activity(known: Identities, archive: Archive, activity: ActivityEntry, number: int) -> None:
    path = f"{activity.directory}/{activity.modulename}.xml"
    if path in archive and (root := _root(archive, path)) is not None:
        known.add("context", root.get("contextid"), f"module {number}")
        known.add(f"instance {activity.modulename}", root.get("id"), str(number))


def _read_blocks(known: Identities, archive: Archive) -> None:
    for path in archive.members:
        if path.endswith("/block.xml") and (root := _root(archive, path)) is not None:
            known.add("context", root.get("contextid"), "block")


def _root(archive: Archive, path: str) -> etree._Element | None:
    with archive.open(path) as stream:
        return next((element for _, element in xml.events(stream, member=path, events=("start",))), None)


def _named(item_type: str, tag: str, *names: str) -> Reader:
    """Return a reader for records that are identified by the values of these fields."""

    def read(known: Identities, archive: Archive, path: str) -> None:
        with archive.open(path) as stream:
            for element in xml.records(stream, member=path, tags=(tag,)):
                if element.get("id"):
                    known.add(item_type, element.get("id"), _fields(element, *names))

    return read


def _read_users(known: Identities, archive: Archive, path: str) -> None:
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=("user",)):
            username = _fields(element, "username")
            known.add("user", element.get("id"), username)
            known.add("context", element.get("contextid"), f"user {username}")


def _read_groups(known: Identities, archive: Archive, path: str) -> None:
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=("group", "grouping")):
            if element.get("id"):
                known.add(str(element.tag), element.get("id"), _fields(element, "name", "idnumber"))


def _read_gradebook(known: Identities, archive: Archive, path: str) -> None:
    _named("grade_category", "grade_category", "fullname", "depth")(known, archive, path)
    _read_grade_items(known, archive, path)


def _read_grade_items(known: Identities, archive: Archive, path: str) -> None:
    # A top category is called "?", and its item has no name: type and number tell them apart.
    names = ("itemtype", "itemmodule", "itemname", "itemnumber", "idnumber", "sortorder")
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=("grade_item",)):
            module = known.token(
                f"instance {element.findtext('itemmodule')}", element.findtext("iteminstance") or ""
            )
            known.add("grade_item", element.get("id"), f"{_fields(element, *names)} {module}")


def _read_questions(known: Identities, archive: Archive, path: str) -> None:
    """Add the tokens of questions. Inner elements end first: answer, question, entry, category."""
    answers: list[tuple[str | None, str]] = []
    questions: list[str] = []
    tags = ("answer", "question", "question_bank_entry", "question_category")
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=tags):
            identifier = element.get("id")
            if element.tag == "answer" and identifier:
                answers.append((identifier, _fields(element, "answertext", "fraction")))
            elif element.tag == "question" and identifier:
                question = _fields(element, "qtype", "name", "stamp")
                known.add("question", identifier, question)
                for answer, text in answers:
                    known.add("question_answer", answer, f"{question} {text}")
                answers.clear()
                questions.append(question)
            elif element.tag == "question_bank_entry":
                known.add(
                    "question_bank_entry", identifier, f"{_fields(element, 'idnumber')} {questions[:1]}"
                )
                questions.clear()
            elif element.tag == "question_category":
                known.add(
                    "question_category", identifier, _fields(element, "contextlevel", "name", "idnumber")
                )


def _read_files(known: Identities, archive: Archive, path: str) -> None:
    names = ("component", "filearea", "filepath", "filename", "contenthash")
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=("file",)):
            context = known.token("context", element.findtext("contextid") or "")
            known.add("file", element.get("id"), f"{context} {_fields(element, *names)}")


def _fields(element: etree._Element, *names: str) -> str:
    """Return the values of these fields as text, without the ids of link tokens."""
    return TOKEN_IDS.sub(r"\1", " ".join(repr(element.findtext(name)) for name in names))


READERS: dict[str, Reader] = {
    "users.xml": _read_users,
    "roles.xml": _named("role", "role", "shortname"),
    "groups.xml": _read_groups,
    "scales.xml": _named("scale", "scale", "name", "scale"),
    "outcomes.xml": _named("outcome", "outcome", "shortname", "fullname"),
    "badges.xml": _named("badge", "badge", "name"),
    "gradebook.xml": _read_gradebook,
    "questions.xml": _read_questions,
}
