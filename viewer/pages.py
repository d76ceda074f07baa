"""Pages: the page of an activity, and the pages of a course, put together from forms and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from courses import activities
from courses.archived import Part
from courses.models import Activity, Course, KeptElement, KeptMember, Section
from viewer.availability import conditions
from viewer.lookups import Phrase
from viewer.page_context import Desk, fact, facts
from viewer.panels import Address, Panel, Value
from viewer.presentation import Form, course_forms, forms
from viewer.records import Gathered, counted, fields_of, gathered, kept_sizes, record_table, value_of

FEW = 10
KINDS = {0: "no groups", 1: "separate groups", 2: "visible groups"}
TRACKING = {1: "marked by hand", 2: "when conditions are met"}


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part that is kept word for word, as it is not described: its path and its bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """All that the page of an activity shows; `panels` are its form, `others` the records that the form does not show."""

    activity: Activity
    texts: tuple[Value, ...]
    panels: tuple[Panel, ...]
    others: tuple[Panel, ...]
    settings: tuple[Value, ...]
    unset: tuple[str, ...]
    place: tuple[Value, ...]
    kinds: tuple[tuple[Gathered, int], ...]
    kept: tuple[KeptPart, ...]

    @property
    def described(self) -> bool:
        """Whether the type is known in detail."""
        return self.activity.modulename in activities.types()


def activity_page(desk: Desk) -> ActivityPage:
    """The page of the activity that the desk is about."""
    activity, content = desk.activity, desk.content
    assert activity is not None
    form = forms().get(activity.modulename) if content else None
    texts, settings = _own(desk, content, form)
    kinds = tuple(counted(gathered(activity, content)))
    panels = tuple(form.present(desk)) if form else ()
    return ActivityPage(
        activity=activity,
        texts=texts,
        panels=tuple(panel for panel in panels if panel.total is None or panel.total),
        others=tuple(_others(desk, kinds, form.covers if form else ())),
        settings=tuple(value for value in settings if value.value not in (None, "", 0, "0")),
        unset=tuple(value.label for value in settings if value.value in (None, "", 0, "0")),
        place=_place(desk, activity),
        kinds=tuple((one, number) for one, number in kinds if number),
        kept=tuple(_kept(activity, content)),
    )


def _own(desk: Desk, content: Part | None, form: Form | None) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """The texts of the activity's own record, and its settings; without those that its form shows."""
    shown = form.own if form else frozenset()
    texts: list[Value] = []
    settings: list[Value] = []
    for one in fields_of(type(content)) if content else ():
        if one.name == "name" or one.name in shown:
            continue
        value = value_of(desk, content, one)
        if value.written:
            if value.value:
                texts.append(value)
        else:
            settings.append(value)
    return tuple(texts), tuple(settings)


def _others(
    desk: Desk, kinds: tuple[tuple[Gathered, int], ...], covered: tuple[type[Part], ...]
) -> Iterator[Panel]:
    """The records that no form shows: a table of some, and where all of them are."""
    for one, number in kinds:
        if not number or one.model in covered:
            continue
        address = record_address(desk, one)
        seen = one.seen(people=desk.people)
        rows = list(seen[:FEW])
        if one.work and not rows:
            yield Panel(one.title, number, work=True, closed=True, folded=True)
        elif rows:
            yield Panel(
                one.title,
                number,
                table=table if (table := record_table(desk, one.model, rows)).columns else None,
                work=one.work,
                folded=True,
                address=address,
            )


def record_address(desk: Desk, one: Gathered) -> Address:
    """Where all records of a kind are listed."""
    if desk.activity:
        return ("records", desk.activity.pk, one.name)
    return ("course-records", desk.course.pk, one.name)


def _place(desk: Desk, activity: Activity) -> tuple[Value, ...]:
    """What the course says of the activity: who sees it when, and what completes it."""
    return facts(
        fact("ID number", activity.idnumber),
        fact("Added", activity.added or "", "moment"),
        fact("Groups", KINDS.get(activity.groupmode) if activity.groupmode else ""),
        fact("Grouping", desk.named("grouping", activity.groupingid)),
        fact("Completion", TRACKING.get(activity.completion, "")),
        fact("Seen", "has to be looked at" if activity.completionview else ""),
        fact("Passed", "has to be passed" if activity.completionpassgrade else ""),
        fact("Expected", activity.completionexpected or "", "moment"),
        fact("On the course page", "" if activity.visibleoncoursepage else "not shown, but reachable"),
        fact("Language", activity.lang),
        *(fact("Only when", condition) for condition in conditions(desk, activity.availability)),
    )


def _kept(activity: Activity, content: Part | None) -> Iterator[KeptPart]:
    sizes: dict[str, int] = {}
    rows = (
        KeptMember.objects.filter(activity=activity)
        .values_list("path", "content")
        .order_by("path", "position")
    )
    for path, xml in rows:
        sizes[path] = sizes.get(path, 0) + len(xml)
    for path, size in sizes.items():
        yield KeptPart(path, size)
    for size in kept_sizes(type(content), [content]).values() if content else ():
        yield KeptPart(f"Elements of {activity.modulename}.xml that are not described", size)


def kept_of(course: Course) -> Iterator[KeptPart]:
    """What is kept word for word of a course itself, and how many elements of its records."""
    sizes: dict[str, int] = {}
    rows = (
        KeptMember.objects.filter(course=course, activity=None)
        .values_list("path", "content")
        .order_by("path", "position")
    )
    for path, content in rows:
        sizes[path] = sizes.get(path, 0) + len(content)
    for kind, number in (
        KeptElement.objects.filter(course=course).values_list("kind").annotate(Count("pk")).order_by("kind")
    ):
        where = f"at the top of {kind.partition(':')[2]}" if ":" in kind else f"in records of the kind {kind}"
        sizes[f"{number} unknown elements {where}"] = 0
    for path, size in sizes.items():
        yield KeptPart(path, size)


@dataclass(frozen=True, slots=True)
class SectionAbout:
    """What a section says of itself, and when it can be reached."""

    texts: tuple[Value, ...]
    limits: tuple[Phrase, ...]


def sections(desk: Desk) -> dict[int, SectionAbout]:
    """What the sections of a course say of themselves, by their numbers in the database."""
    return {
        row.pk: SectionAbout(
            texts=(desk.rich("", row, "summary", contextid=desk.course.contextid),),
            limits=tuple(conditions(desk, row.availabilityjson)),
        )
        for row in Section.objects.filter(course=desk.course)
        if row.summary or row.availabilityjson
    }


def tabs(course: Course) -> list[tuple[str, str]]:
    """The name and title of each page of a course that has something on it; one query for all."""
    found = course_forms()
    asked = {
        name: Exists(form.holds().filter(course=OuterRef("pk"))) for name, form in found.items() if form.holds
    }
    row = Course.objects.filter(pk=course.pk).values_list(*asked.values()).get()
    holds = dict(zip(asked, row, strict=True))
    return [(name, form.title) for name, form in found.items() if holds.get(name, True)]
