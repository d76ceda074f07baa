"""The stage “Where it goes”: the targets that a person can choose, and the one that a sent form chooses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from archive.numbers import natural
from courses.capabilities import categories_where, courses_where
from courses.models import Course
from courses.paging import AFTER, BEFORE, BY_NAME, Counted, KeyPage, counted, key_page
from courses.services import course_named
from restore.places import PlaceGroup, place_facts, place_value, places, proposed_place
from restore.views.wizard import Wizard
from selection.option import TargetKind
from vault.catalogue import category_choices

CREATE = "moodle/course:create"
PAGE = 10
"""Courses on a page of the search."""

NO_CATEGORY = "There is no category in which you may create courses."
NO_COURSE = "There is no course into which you may restore."
WHOLE_ONLY = "Only the archive of a whole course can replace the content of a course."
KEPT = ("where", "category", "course", "search", AFTER, BEFORE)
"""The fields that stay when the courses are searched or another page of them is shown."""


def categories_for(user: Any, archive_type: str) -> list[tuple[int, str]]:
    """Return the categories in which a person may make a new course of an archive, as (id, path)."""
    allowed = [
        set(categories_where(user, capability).values_list("pk", flat=True))
        for capability in (CREATE, f"moodle/restore:restore{archive_type}")
    ]
    return [(pk, path) for pk, path in category_choices() if all(pk in pks for pks in allowed)]


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """One kind of target: `lock` is the reason why it cannot be chosen, "" if it can."""

    kind: TargetKind
    title: str
    text: str
    lock: str


class Destination:
    """The form of the stage for one wizard. `sent` are the fields of the form, or of the address when it is opened."""

    def __init__(self, wizard: Wizard, sent: QueryDict) -> None:
        self.wizard = wizard
        self.sent = sent
        self.archive_type = wizard.manifest.archive_type
        self.right = f"moodle/restore:restore{self.archive_type}"

    @cached_property
    def categories(self) -> list[tuple[int, str]]:
        """The categories in which the person may make a new course of the archive, as (id, path)."""
        return categories_for(self.wizard.request.user, self.archive_type)

    @cached_property
    def courses(self) -> QuerySet[Course]:
        """The courses into which the person may restore the archive, by name."""
        found = courses_where(self.wizard.request.user, self.right)
        return found.select_related("category").order_by(*BY_NAME)

    @cached_property
    def choices(self) -> list[TargetChoice]:
        """The kinds of target with what they do, and the reason for each that cannot be chosen."""
        what = "course" if self.archive_type == "course" else self.archive_type
        nowhere = "" if self.courses.exists() else NO_COURSE
        whole = "" if self.archive_type == "course" else WHOLE_ONLY
        added = "What is in the archive is added." if what == "course" else f"The {what} is added."
        return [
            TargetChoice(
                "new",
                "As a new course",
                "Existing courses are not changed.",
                "" if self.categories else NO_CATEGORY,
            ),
            TargetChoice(
                "merge", "Into a course", f"{added} Everything that is in the course stays.", nowhere
            ),
            TargetChoice(
                "replace",
                "Replace the content of a course",
                "Everything in the course is removed, and the content of the archive takes its place. "
                "If anything goes wrong, the course stays as it is.",
                whole or nowhere,
            ),
        ]

    @property
    def possible(self) -> list[TargetKind]:
        """The kinds of target that can be chosen."""
        return [choice.kind for choice in self.choices if not choice.lock]

    @cached_property
    def kind(self) -> TargetKind | None:
        """The kind that is chosen: the one that was sent, or saved, or proposed; None if there is none to choose."""
        facts = self.wizard.draft.facts
        saved = "new" if "category" in facts else ("replace" if facts.get("replace") else "merge")
        # A course that is chosen without a word on where says where.
        named = "merge" if self.sent.get("course") else ""
        wanted = [self.sent.get("where") or named or (saved if facts else ""), *self._proposed_kinds()]
        return next((kind for one in wanted for kind in self.possible if kind == one), None)

    def _proposed_kinds(self) -> list[TargetKind]:
        """Return the kinds in the order in which they are proposed: a part of a course goes into the course it came from."""
        if self.archive_type != "course" and self.wizard.archive.course_id is not None:
            return ["merge", "new"]
        return ["new", "merge", "replace"]

    @cached_property
    def course(self) -> Course | None:
        """The course that is chosen: the one that was sent, or saved, or proposed; None if the person has to choose."""
        named = [self.sent.get("course"), self.wizard.draft.facts.get("course")]
        for number in (natural(str(one)) for one in named if one):
            if number is not None and (found := self.courses.filter(pk=number).first()) is not None:
                return found
        if (came := self.wizard.archive.course_id) and (found := self.courses.filter(pk=came).first()):
            return found
        first = list(self.courses[:2])
        same_name = self.courses.filter(shortname=self.wizard.manifest.original_course_shortname)
        return first[0] if len(first) == 1 else same_name.first()

    @property
    def search(self) -> str:
        """The text that the courses are searched for."""
        return self.sent.get("search", "").strip()[:200]

    @cached_property
    def page(self) -> KeyPage[Course]:
        """The courses that the search finds, one page of them."""
        return key_page(self.found(), self.sent, size=PAGE, order=BY_NAME)

    @cached_property
    def number(self) -> Counted:
        """The number of courses that the search finds."""
        return counted(self.found())

    def found(self) -> QuerySet[Course]:
        """Return the courses in which each word of the search is part of a name, the id number or the category's path."""
        found = self.courses
        for word in self.search.split():
            inside = [pk for pk, path in category_choices() if word.casefold() in path.casefold()]
            names = course_named(word)
            found = found.filter(names | Q(category__in=inside))
        return found

    @property
    def places(self) -> list[PlaceGroup]:
        """The places in the chosen course where a section or an activity can go, by section."""
        return places(self.course, self.archive_type) if self.course is not None else []

    @property
    def browses(self) -> bool:
        """Whether the form was sent to search the courses or to see another page of them, not to go on."""
        if {"find", AFTER, BEFORE} & set(self.sent):
            return True
        # Enter in the search field presses the first button of the form, which has no name.
        return "go" not in self.sent and self.search != self.sent.get("searched", self.search).strip()

    @property
    def query(self) -> str:
        """The query of the address that shows the search with the choices so far."""
        query = QueryDict(mutable=True)
        for name in KEPT:
            if value := self.sent.get(name, ""):
                query[name] = value
        if self.search != self.sent.get("searched", self.search).strip():
            for name in (AFTER, BEFORE):
                query.pop(name, None)
        return query.urlencode()

    def facts(self) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Return the facts of the target that the form chooses, and the errors, each as (field, sentence)."""
        asked = self.sent.get("where", "merge" if self.sent.get("course") else "")
        choice = next((one for one in self.choices if one.kind == asked), None)
        if choice is None:
            return {}, [(f"where-{self.kind or 'new'}", "Choose where it goes.")]
        if choice.lock:
            return {}, [(f"where-{choice.kind}", f"“{choice.title}” cannot be chosen. {choice.lock}")]
        if choice.kind == "new":
            return self._new_course()
        return self._course(replace=choice.kind == "replace")

    def _new_course(self) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        number = natural(self.sent.get("category", ""))
        if number not in {pk for pk, _path in self.categories}:
            return {}, [("category", "Choose the category that the new course goes into.")]
        return {"category": number}, []

    def _course(self, *, replace: bool) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        number = natural(self.sent.get("course", ""))
        course = self.courses.filter(pk=number).first() if number is not None else None
        if course is None:
            return {}, [("search", f"Choose the course that the {self.archive_type} goes into.")]
        facts: dict[str, Any] = {"course": course.pk}
        if replace:
            facts["replace"] = True
        # The places on the form are those of another course if the person has chosen one since.
        if self.sent.get("places_of") == str(course.pk):
            place = place_facts(self.sent.get("place", ""), course, self.archive_type)
            if place is None:
                return {}, [("place", "Choose a place that the course has.")]
            facts |= place
        return facts, []

    @property
    def asks_for_a_place(self) -> bool:
        """Whether the sent form chose a course whose places it did not show."""
        chosen = self.sent.get("course", "")
        shown = self.sent.get("places_of")
        into = self.archive_type != "course" and self.sent.get("where") != "new"
        return into and shown is not None and chosen not in ("", shown)

    def context(self) -> dict[str, object]:
        """Return the template variables of the stage."""
        facts = self.wizard.draft.facts
        category = natural(self.sent.get("category", "")) or facts.get("category")
        page = self.page
        return {
            "archive_type": self.archive_type,
            "choices": self.choices,
            "kind": self.kind,
            "categories": self.categories,
            "category": category or self._proposed_category(),
            "paths": dict(category_choices()),
            "course": self.course,
            "course_apart": self.course is not None and self.course not in page.rows,
            "page": page,
            "number": self.number,
            "search": self.search,
            "places": self.places,
            "place": place_value(facts) if self.course and facts.get("course") == self.course.pk else "",
            "proposed_place": proposed_place(self.archive_type),
        }

    def _proposed_category(self) -> int | None:
        """Return the category that is proposed for a new course: that of the course it came from, else the first."""
        came = self.wizard.archive.course
        pks = [pk for pk, _path in self.categories]
        if came is not None and came.category_id in pks:
            return came.category_id
        return pks[0] if pks else None
