"""Pages: the data of an activity's page and of a course's pages, from presentations and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from courses import activities
from courses.archived import ArchivedModel
from courses.models import Activity, Course, OpaqueElement, OpaqueMember, Section
from viewer.availability import condition_phrases
from viewer.lookups import Phrase
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Address, Panel, Value
from viewer.presentation import Presentation, course_presentations, presentations
from viewer.records import (
    RecordGroup,
    fields_of,
    opaque_sizes,
    record_groups,
    record_table,
    value_of,
    with_counts,
)

FIRST_ROWS = 10
GROUP_MODES = {0: "no groups", 1: "separate groups", 2: "visible groups"}
TRACKING = {1: "marked by hand", 2: "when conditions are met"}


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """Opaque content that is preserved word for word: its path and its size in characters."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """The data of an activity's page; `panels` come from its presentation, `others` are all remaining records."""

    activity: Activity
    texts: tuple[Value, ...]
    panels: tuple[Panel, ...]
    others: tuple[Panel, ...]
    settings: tuple[Value, ...]
    unset: tuple[str, ...]
    course_settings: tuple[Value, ...]
    records: tuple[tuple[RecordGroup, int], ...]
    opaque: tuple[OpaquePart, ...]

    @property
    def described(self) -> bool:
        """Whether a model describes the activity's type."""
        return self.activity.modulename in activities.types()


def activity_page(page: PageContext) -> ActivityPage:
    """Return the data of the page of the page context's activity."""
    activity, content = page.activity, page.content
    assert activity is not None
    presentation = presentations().get(activity.modulename) if content else None
    texts, settings = _own(page, content, presentation)
    records = tuple(with_counts(record_groups(activity, content)))
    panels = tuple(presentation.present(page)) if presentation else ()
    return ActivityPage(
        activity=activity,
        texts=texts,
        panels=tuple(panel for panel in panels if panel.total is None or panel.total),
        others=tuple(_others(page, records, presentation.covers if presentation else ())),
        settings=tuple(value for value in settings if value.value not in (None, "", 0, "0")),
        unset=tuple(value.label for value in settings if value.value in (None, "", 0, "0")),
        course_settings=_course_settings(page, activity),
        records=tuple((one, number) for one, number in records if number),
        opaque=tuple(_opaque_parts(activity, content)),
    )


def _own(
    page: PageContext, content: ArchivedModel | None, presentation: Presentation | None
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return the texts of the activity's own record, and its settings, without those that its presentation shows."""
    shown = presentation.own if presentation else frozenset()
    texts: list[Value] = []
    settings: list[Value] = []
    for one in fields_of(type(content)) if content else ():
        if one.name == "name" or one.name in shown:
            continue
        value = value_of(page, content, one)
        if value.written:
            if value.value:
                texts.append(value)
        else:
            settings.append(value)
    return tuple(texts), tuple(settings)


def _others(
    page: PageContext, records: tuple[tuple[RecordGroup, int], ...], covered: tuple[type[ArchivedModel], ...]
) -> Iterator[Panel]:
    """Yield panels for the records that the presentation does not show: a table of the first rows, and a link to all."""
    for one, number in records:
        if not number or one.model in covered:
            continue
        address = record_address(page, one)
        seen = one.seen(people=page.people)
        rows = list(seen[:FIRST_ROWS])
        if one.userdata and not rows:
            yield Panel(one.title, number, userdata=True, closed=True, folded=True)
        elif rows:
            yield Panel(
                one.title,
                number,
                table=table if (table := record_table(page, one.model, rows)).columns else None,
                userdata=one.userdata,
                folded=True,
                address=address,
            )


def record_address(page: PageContext, one: RecordGroup) -> Address:
    """Return the address of the list of all records of a model."""
    if page.activity:
        return ("records", page.activity.pk, one.name)
    return ("course-records", page.course.pk, one.name)


def _course_settings(page: PageContext, activity: Activity) -> tuple[Value, ...]:
    """Return the activity's settings in the course: visibility, groups, completion and access conditions."""
    return facts(
        fact("ID number", activity.idnumber),
        fact("Added", activity.added or "", "moment"),
        fact("Groups", GROUP_MODES.get(activity.groupmode) if activity.groupmode else ""),
        fact("Grouping", page.named("grouping", activity.groupingid)),
        fact("Completion", TRACKING.get(activity.completion, "")),
        fact("Seen", "has to be looked at" if activity.completionview else ""),
        fact("Passed", "has to be passed" if activity.completionpassgrade else ""),
        fact("Expected", activity.completionexpected or "", "moment"),
        fact("On the course page", "" if activity.visibleoncoursepage else "not shown, but reachable"),
        fact("Language", activity.lang),
        *(fact("Only when", condition) for condition in condition_phrases(page, activity.availability)),
    )


def _opaque_parts(activity: Activity, content: ArchivedModel | None) -> Iterator[OpaquePart]:
    sizes: dict[str, int] = {}
    rows = (
        OpaqueMember.objects.filter(activity=activity)
        .values_list("path", "content")
        .order_by("path", "position")
    )
    for path, xml in rows:
        sizes[path] = sizes.get(path, 0) + len(xml)
    for path, size in sizes.items():
        yield OpaquePart(path, size)
    for size in opaque_sizes(type(content), [content]).values() if content else ():
        yield OpaquePart(f"Elements of {activity.modulename}.xml that are not described", size)


def opaque_parts(course: Course) -> Iterator[OpaquePart]:
    """Yield the opaque members of a course, and the number of opaque elements in its records."""
    sizes: dict[str, int] = {}
    rows = (
        OpaqueMember.objects.filter(course=course, activity=None)
        .values_list("path", "content")
        .order_by("path", "position")
    )
    for path, content in rows:
        sizes[path] = sizes.get(path, 0) + len(content)
    for item_type, number in (
        OpaqueElement.objects.filter(course=course)
        .values_list("item_type")
        .annotate(Count("pk"))
        .order_by("item_type")
    ):
        where = (
            f"at the top of {item_type.partition(':')[2]}"
            if ":" in item_type
            else f"in records of the kind {item_type}"
        )
        sizes[f"{number} unknown elements {where}"] = 0
    for path, size in sizes.items():
        yield OpaquePart(path, size)


@dataclass(frozen=True, slots=True)
class SectionAbout:
    """The texts of a section, and its access conditions."""

    texts: tuple[Value, ...]
    limits: tuple[Phrase, ...]


def sections(page: PageContext) -> dict[int, SectionAbout]:
    """Return the texts and access conditions of the course's sections, by section id; sections without any are left out."""
    return {
        row.pk: SectionAbout(
            texts=(page.rich("", row, "summary", contextid=page.course.contextid),),
            limits=tuple(condition_phrases(page, row.availabilityjson)),
        )
        for row in Section.objects.filter(course=page.course)
        if row.summary or row.availabilityjson
    }


def tabs(course: Course) -> list[tuple[str, str]]:
    """Return (name, title) of each page of a course that has content; one query for all."""
    found = course_presentations()
    asked = {
        name: Exists(presentation.holds().filter(course=OuterRef("pk")))
        for name, presentation in found.items()
        if presentation.holds
    }
    row = Course.objects.filter(pk=course.pk).values_list(*asked.values()).get()
    holds = dict(zip(asked, row, strict=True))
    return [(name, presentation.title) for name, presentation in found.items() if holds.get(name, True)]
