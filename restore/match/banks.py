"""Find the question categories and questions of an archive that the target has already.

A category is the same if its context is and its stamp; the top of a context is. A question is the same if all its versions in
the archive say what versions of one question in that category say: text, answers, files, hints (Moodle's rule, MDL-83541). The
course may have more versions. Stamps of questions, dates and people do not count.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from archive.numbers import whole_or
from courses.models.questions import Question, QuestionBankEntry, QuestionCategory, QuestionVersion
from restore.match.candidates import Candidates
from restore.match.compared import ComparedSide, Row
from restore.match.rows import RecordComparison
from restore.match.values import ComparedReference, Value
from selection.selection import COURSE_OWNER

OF_COURSES, OF_ACTIVITY = 40, 70
"""Context levels, as in Moodle: of a category of courses, of an activity."""

TOP = "top"
"""The name of the category of questions that each context has."""

VERSION, QUESTION = QuestionVersion._meta.db_table, Question._meta.db_table
ENTRY = QuestionBankEntry._meta.db_table


@dataclass
class Questions:
    """The questions of one side: what each says together with the questions that it is part of or made of."""

    side: ComparedSide
    by_id: dict[str, Row] = field(default_factory=dict)
    parts: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    _digests: dict[int, bytes] = field(default_factory=dict)

    def add(self, categories: Iterable[Row]) -> None:
        """Add all questions of these categories."""
        for category in categories:
            for entry in category.inside.get(ENTRY, ()):
                for _, question in versions_of(entry):
                    self.by_id[question.number] = question
                    if whole := _parent(question):
                        self.parts[whole].append(question)

    def digest(self, question: Row) -> bytes:
        """Return a hash of what a question says, with its whole and its parts."""
        whole = self.by_id.get(_parent(question))
        parts = sorted(self._own(part) for part in self.parts.get(question.number, ()))
        own = (self._own(question), self._own(whole) if whole else b"", *parts)
        return hashlib.sha1(b"|".join(own), usedforsecurity=False).digest()

    def _own(self, question: Row) -> bytes:
        if id(question) not in self._digests:
            self._digests[id(question)] = self.side.digest(question)
        return self._digests[id(question)]


def versions_of(entry: Row) -> Iterator[tuple[Row, Row]]:
    """Yield the versions of an entry of the bank, each with its question."""
    for version in entry.inside.get(VERSION, ()):
        for question in version.inside.get(QUESTION, ()):
            yield version, question


def _parent(question: Row) -> str:
    """Return the id of the question that a question is part of; empty if it is of none."""
    parent = question.value("parent")
    return str(parent.number) if isinstance(parent, ComparedReference) else ""


class SameQuestions:
    """The questions of a category here that can be those of the archive, by the digests of their versions; each is taken once.

    A question can be one if it has a version for each of the archive's versions, and maybe more. Those for one set of
    versions are looked for once, however many questions of the archive have these.
    """

    def __init__(self, there: Mapping[bytes, Mapping[int, Row]]) -> None:
        self.taken: set[int] = set()
        self._there = there
        self._found: dict[frozenset[bytes], tuple[Candidates, Candidates]] = {}

    def take(self, digests: frozenset[bytes], idnumber: Value) -> Row | None:
        """Take the first question with these versions, rather one with this ID number; None if there is none left."""
        if digests not in self._found:
            self._found[digests] = self._look_for(digests)
        by_number, all_of_them = self._found[digests]
        return by_number.take(idnumber) or all_of_them.take(None)

    def _look_for(self, digests: frozenset[bytes]) -> tuple[Candidates, Candidates]:
        """Return the questions that have all these versions: by their ID number, and all under None."""
        by_number, all_of_them = Candidates(self.taken), Candidates(self.taken)
        buckets = sorted((self._there.get(digest, {}) for digest in digests), key=len)
        for key, entry in buckets[0].items():
            if all(key in bucket for bucket in buckets[1:]):
                by_number.add(entry.value("idnumber"), entry)
                all_of_them.add(None, entry)
        return by_number, all_of_them


@dataclass
class BankComparison(RecordComparison):
    """The comparison of `questions.xml` with the question banks of the target course.

    `ready` are the versions here that are hidden, and ready in the archive.
    """

    ready: list[int] = field(default_factory=list)

    @cached_property
    def _questions(self) -> tuple[Questions, Questions]:
        """The questions of the archive and those here."""
        return Questions(self.archive), Questions(self.here)

    def prepare(self, archived: list[Row], stored: list[Row]) -> None:
        """Give the old contexts of categories that stay outside the new activities the contexts that they have here."""
        for questions, rows in zip(self._questions, (archived, stored), strict=True):
            questions.add(rows)
        course = self.context.course
        assert course is not None
        banks: defaultdict[int, set[str]] = defaultdict(set)
        for row in archived:
            contextid, level = row.value("contextid"), row.value("contextlevel")
            if not isinstance(contextid, ComparedReference):
                continue
            if level == str(OF_COURSES):
                self._give_context(contextid.number, course.category.contextid)
            elif level == str(OF_ACTIVITY) and not self._is_restored(contextid.number):
                banks[contextid.number].add(str(row.value("stamp")))
        here: defaultdict[str, set[int]] = defaultdict(set)
        for row in stored:
            if (
                isinstance(contextid := row.value("contextid"), ComparedReference)
                and row.value("name") != TOP
            ):
                here[str(row.value("stamp"))].add(contextid.number)
        for old, stamps in banks.items():
            found = set().union(*(here[stamp] for stamp in stamps if stamp in here))
            if len(found) > 1 and course.contextid in found:
                found = {course.contextid}
            if len(found) == 1:
                self._give_context(old, found.pop())

    def _give_context(self, old: int, new: int) -> None:
        if self.context.ids.given("context", old) is None:
            self.context.ids.give("context", {old: new})

    def _is_restored(self, contextid: int) -> bool:
        """Whether a context of the archive is that of an activity that is restored, or of the course."""
        owner = self.context.owners.get(contextid)
        return owner is not None and (owner == COURSE_OWNER or self.context.selection.includes(owner))

    def pair(self, archived: list[Row], stored: list[Row]) -> Iterator[int]:
        """Match categories, questions in a category, or what a question has; yield 0 as `RecordComparison.pair` does."""
        model = archived[0].element.model
        if model is QuestionCategory:
            self.prepare(archived, stored)
            yield from self._pair_categories(archived, stored)
        elif model is QuestionBankEntry:
            yield from self._pair_entries(archived, stored)
        else:
            yield from super().pair(archived, stored)

    def _pair_categories(self, archived: list[Row], stored: list[Row]) -> Iterator[int]:
        there = Candidates(set())
        for row in stored:
            there.add(_place(self.here, row), row)
        names = {self._named(self.here, row) for row in stored}
        for row in archived:
            if other := there.take(_place(self.archive, row)):
                yield from self.settle(row, other)
                continue
            named = self._named(self.archive, row)
            if named in names:
                self.context.matches.differs(row.element, named[1] or "")
            else:
                self.context.matches.new(row.element)
            self._count_new(row)

    @staticmethod
    def _named(side: ComparedSide, row: Row) -> tuple[str | None, str | None]:
        return side.resolve(row.value("contextid")), side.resolve(row.value("name"))

    def _pair_entries(self, archived: list[Row], stored: list[Row]) -> Iterator[int]:
        """Match the questions of a category that the target has too."""
        ours, theirs = self._questions
        there: defaultdict[bytes, dict[int, Row]] = defaultdict(dict)
        for entry in stored:
            for digest in _digests(theirs, entry):
                there[digest][id(entry)] = entry
            if self.pauses.due():
                yield 0
        candidates = SameQuestions(there)
        unmatched: list[Row] = []
        for entry in archived:
            if other := candidates.take(_digests(ours, entry), entry.value("idnumber")):
                yield from self._settle_entry(entry, other)
            else:
                unmatched.append(entry)
            if self.pauses.due():
                yield 0
        names = {_name(entry) for entry in stored if id(entry) not in candidates.taken}
        for entry in unmatched:
            if _name(entry) in names:
                self.context.matches.differs(entry.element, _name(entry))
            else:
                self.context.matches.new(entry.element)
            self._count_new(entry)

    def _settle_entry(self, entry: Row, other: Row) -> Iterator[int]:
        """Note that a question is one of this site, and match its versions and what they have."""
        ours, theirs = self._questions
        self.context.matches.matched(entry.element)
        self.note(entry, other)
        there: defaultdict[bytes, deque[tuple[Row, Row]]] = defaultdict(deque)
        for pair in versions_of(other):
            there[theirs.digest(pair[1])].append(pair)
        for version, question in versions_of(entry):
            found = there[ours.digest(question)]
            here = found.popleft() if len(found) > 1 else found[0]
            self.note(version, here[0])
            self.note(question, here[1])
            yield from self.settle_inside(question, here[1])
            if version.value("status") == "ready" and here[0].value("status") == "hidden":
                self.ready.append(whole_or(here[0].number))
            if self.pauses.due():
                yield 0

    def finish(self) -> None:
        """Make versions here ready that were hidden and that the archive has as ready ones."""
        if self.ready:
            QuestionVersion.objects.filter(pk__in=self.ready).update(status="ready")

    def _count_new(self, row: Row) -> None:
        if row.element.model is not QuestionCategory:
            return
        for entry in row.inside.get(ENTRY, ()):
            self.context.matches.new(entry.element)


def _place(side: ComparedSide, row: Row) -> tuple[str | None, str | None]:
    """Return what makes a category the same: its context and its stamp, or that it is the top."""
    top = row.value("name") == TOP and row.value("parent") in {"0", None}
    return side.resolve(row.value("contextid")), None if top else side.resolve(row.value("stamp"))


def _digests(questions: Questions, entry: Row) -> frozenset[bytes]:
    """Return the digests of the versions of a question; one that stands for none if it has none."""
    return frozenset(questions.digest(question) for _, question in versions_of(entry)) or frozenset({b""})


def _name(entry: Row) -> str:
    """Return the name of the last version of a question."""
    names = [str(question.value("name") or "") for _, question in versions_of(entry)]
    return names[-1] if names else ""
