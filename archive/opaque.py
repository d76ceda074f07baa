"""Members that nothing describes: their XML is kept, with the references that follow the format's naming mapped.

The same walk serves a restore (ids of another site become ours), an anonymised backup (people become pseudonyms) and a backup
without people (records of people are left out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from lxml import etree

from archive import xml
from archive.serialised import rewrite_strings

PERSON = "user"
REFERENCES: dict[str, str] = {
    **dict.fromkeys(
        (
            "userid",
            "usermodified",
            "usercreated",
            "createdby",
            "modifiedby",
            "modifierid",
            "raterid",
            "reviewerid",
            "authorid",
            "grader",
            "graderid",
            "issuerid",
            "recipientid",
            "allocatedmarker",
            "gradeoverby",
            "gradinggradeoverby",
            "relateduserid",
            "realuserid",
            "ownerid",
        ),
        PERSON,
    ),
    **dict.fromkeys(("groupid",), "group"),
    **dict.fromkeys(("groupingid",), "grouping"),
    **dict.fromkeys(("course", "courseid"), "course"),
    **dict.fromkeys(("moduleid", "cmid", "coursemoduleid"), "course_module"),
    **dict.fromkeys(("sectionid",), "course_section"),
    **dict.fromkeys(("roleid", "role", "issuerrole"), "role"),
    **dict.fromkeys(("contextid", "usingcontextid", "questionscontextid", "parentcontextid"), "context"),
    **dict.fromkeys(("enrolid",), "enrol"),
    **dict.fromkeys(("gradeitemid",), "grade_item"),
    **dict.fromkeys(("scaleid", "rawscaleid"), "scale"),
    **dict.fromkeys(("outcomeid",), "outcome"),
    **dict.fromkeys(("badgeid",), "badge"),
}
"""The names of elements and attributes that are references, and the kind that they refer to."""

OF_CORE: dict[tuple[str, str], str] = {
    ("question_attempt", "questionid"): "question",
    ("question_reference", "questionbankentryid"): "question_bank_entry",
}
"""References by the element around and their name, where Moodle writes the element and a plugin's own may have the name."""

BY_MODULE = {"iteminstance": "itemmodule", "instance": "modulename"}
"""References to the instance of an activity, whose type the sibling names."""

USERDATA = ("userid", "authorid", "reviewerid", "recipientid")
"""A record with one of these is somebody's work; without people's data it is left out."""

SERIALISED = "configdata"
"""A block's configuration: Base64 of a serialised PHP object."""

NOT_USERDATA = frozenset({"event", "file", "content", "scale", "outcome"})
"""Records that name a person and are the course's own all the same, as Moodle has it."""

Mapped = Callable[[str, int], int | None]
Texts = Callable[[str], str]


def unchanged(text: str) -> str:
    """The text as it is."""
    return text


class _Rewriter:
    """A parser target that writes what it reads, with other numbers."""

    def __init__(self, *, mapped: Mapped, texts: Texts, serialised: Texts, people: bool) -> None:
        self.mapped = mapped
        self.texts = texts
        self.serialised = serialised
        self.people = people
        self.out: list[str] = []
        self._open: list[tuple[str, int, dict[str, str]]] = []
        self._userdata: list[bool] = []
        self._text: list[str] = []
        self._leaf = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._flush(leaf=False)
        parts = [f"<{tag}"]
        self._open.append((tag, len(self.out), {}))
        self._userdata.append(False)
        for name, value in attributes.items():
            parts.append(f' {name}="{xml.escape_attribute(self._attribute(tag, name, value, attributes))}"')
        self.out.append("".join(parts) + ">")
        self._leaf = True

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        value = self._flush(leaf=self._leaf)
        _, position, _ = self._open.pop()
        userdata = self._userdata.pop()
        if self._leaf and self._open:
            self._open[-1][2][tag] = value
            if tag in USERDATA and value not in ("", "0", xml.NULL):
                self._userdata[-1] = self._open[-1][0] not in NOT_USERDATA
        self._leaf = False
        if userdata and not self.people:
            del self.out[position:]
        else:
            self.out.append(f"</{tag}>")

    def comment(self, text: str) -> None:
        """Comments are left out."""

    def close(self) -> None:
        """Nothing is left to do."""

    def take(self, *, everything: bool) -> str:
        """What was written so far; as long as records may still be left out, only at the end."""
        if not everything and not self.people:
            return ""
        written, self.out = "".join(self.out), []
        return written

    def _flush(self, *, leaf: bool) -> str:
        value = "".join(self._text)
        self._text = []
        if leaf:
            self.out.append(self._leaf_text(value))
        elif value:
            self.out.append(xml.escape(value))
        return value

    def _leaf_text(self, value: str) -> str:
        tag, _, _ = self._open[-1]
        around, _, siblings = self._open[-2] if len(self._open) > 1 else ("", 0, {})
        item_type = (
            REFERENCES.get(tag) or OF_CORE.get((around, tag)) or siblings.get(BY_MODULE.get(tag, ""), "")
        )
        if tag == "moduleinstance" and siblings.get("module", xml.NULL) != xml.NULL:
            item_type = "course_module"
        if item_type and xml.is_id(value) and value != "0":
            return self._number(item_type, value)
        if tag == SERIALISED and value not in ("", xml.NULL):
            return rewrite_strings(value, self.serialised)
        escaped = xml.escape(value)
        return self.texts(escaped) if len(escaped) >= 8 else escaped

    def _attribute(self, tag: str, name: str, value: str, attributes: dict[str, str]) -> str:
        item_type = REFERENCES.get(name, "")
        if tag == "activity" and name == "id":
            item_type = attributes.get("modulename", "")
        return self._number(item_type, value) if item_type and xml.is_id(value) and value != "0" else value

    def _number(self, item_type: str, value: str) -> str:
        new = self.mapped(item_type, int(value))
        return "0" if new is None else str(new)


def rewrite(
    stream: IO[bytes],
    *,
    member: str,
    mapped: Mapped,
    texts: Texts = unchanged,
    serialised: Texts = unchanged,
    people: bool = True,
) -> Iterator[bytes]:
    """The member's XML in pieces, each reference mapped by `mapped(kind, old)` and each escaped text passed through `texts`.

    `serialised` gets each text inside a block's configuration, unescaped.

    What has no new id becomes 0, so that it never points at something else. Without `people`, records of people's work
    are left out. Raises DamagedArchive for malformed XML, HostileArchive for a document type.
    """
    target = _Rewriter(mapped=mapped, texts=texts, serialised=serialised, people=people)
    yield xml.DECLARATION.encode()
    for _ in xml.tell(target, stream, member=member):
        if piece := target.take(everything=False):
            yield piece.encode()
    yield target.take(everything=True).encode()


def rewrite_element(
    element: etree._Element,
    *,
    mapped: Mapped,
    texts: Texts = unchanged,
    serialised: Texts = unchanged,
    people: bool = True,
) -> str:
    """One element's XML, changed as `rewrite` does it; without declaration and without what follows it. "" when it was
    somebody's work and people do not come."""
    target = _Rewriter(mapped=mapped, texts=texts, serialised=serialised, people=people)
    _walk(element, target)
    return target.take(everything=True)


def _walk(element: etree._Element, target: _Rewriter) -> None:
    target.start(str(element.tag), {str(k): str(v) for k, v in element.attrib.items()})
    if element.text:
        target.data(element.text)
    for child in element:
        _walk(child, target)
        if child.tail:
            target.data(child.tail)
    target.end(str(element.tag))
