"""The sections of a restore: load them, merge them with those of the target course, put activities and sections in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Q

from archive import xml
from archive.manifest import SectionEntry
from archive.numbers import natural, whole_or
from courses import structure
from courses.fields import NULL, plain_number
from courses.models import Activity, Course, Section
from jobs.plan import StepEvent
from restore.arrivals import arriving
from restore.context import RestoreContext
from restore.members import course_of, load_member

OVERWRITTEN = frozenset(
    {"name", "summary", "summaryformat", "visible", "availabilityjson", "timemodified", ""}
)
"""Columns of a section that the archive's replace with the option `overwrite_conf`."""


def match_sections(context: RestoreContext) -> None:
    """Give the id map the sections of the target with which sections of the archive are merged.

    Those of the same number, or the one that the target names. A section that an activity owns, in the archive or in the
    course, is never merged. Sections whose text the course keeps are noted: the files of the archive's text do not come then.
    """
    course = context.target.course
    if course is None or context.target.position is not None:
        return
    own = Section.objects.filter(course=course, **_unowned())
    by_number = {section.number: section for section in own.order_by("-pk")}
    chosen = own.filter(pk=context.target.section or 0).first()
    matched: dict[int, int | None] = {}
    used: set[int] = set()
    for entry in context.sections:
        number, owned = _number_of(context, entry)
        section = None if owned else chosen or by_number.get(number)
        if section is None or section.pk in used:
            continue
        used.add(section.pk)
        matched[entry.sectionid] = section.pk
        if "summary" not in _taken(context, section):
            context.acceptance.kept_texts.add(("course", "section", entry.sectionid))
    context.ids.give("course_section", matched)


def _unowned() -> dict[str, Any]:
    """Return the condition for sections that no activity owns."""
    return {"component__isnull": True}


def _number_of(context: RestoreContext, entry: SectionEntry) -> tuple[int, bool]:
    """Return the number of a section in the archive, -1 if it has none, and whether an activity owns it."""
    path = f"{entry.directory}/section.xml"
    if path not in context.archive:
        return -1, False
    number, owned = -1, bool(entry.modname)
    with context.archive.open(path) as stream:
        for record in xml.records(stream, member=path, tags=("section",)):
            text = natural(plain_number(record.findtext("number") or ""))
            number = -1 if text is None else text
            owned = owned or (record.findtext("component") or NULL) != NULL
    return number, owned


def _taken(context: RestoreContext, section: Section) -> frozenset[str]:
    """Return the columns of a section of the course that get the archive's values: those without text, unless all do."""
    if context.selection.overwrites_settings:
        return OVERWRITTEN | {"sequence"}
    taken = {"sequence"}
    if not section.name:
        taken.add("name")
    if not section.summary:
        taken |= {"summary", "summaryformat"}
    return frozenset(taken)


def load_sections(context: RestoreContext) -> Iterator[StepEvent]:
    """Load the sections, and merge those that the target has; an activity without one goes into a section of the target."""
    course = course_of(context)
    there = {section.pk: section for section in Section.objects.filter(course=course)}
    with arriving(context, Section, taken=lambda _, pk: _taken(context, there[pk])):
        for entry in context.sections:
            path = f"{entry.directory}/section.xml"
            yield from load_member(context, path, (structure.element(Section),))
        context.loaders.flush()
        if there:
            _join_sequences()
    context.loaders.flush()
    if there:
        fresh = [context.ids.known("course_section", entry.sectionid) for entry in context.sections]
        _number(context, course, there, [pk for pk in fresh if pk is not None and pk not in there])
    yield from _place_activities(context, course)


def _join_sequences() -> None:
    """Put the activities of a merged section behind those that the section has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE arriving_courses_section w SET sequence ="
            " concat_ws(',', nullif(t.sequence, ''), nullif(w.sequence, ''))"
            " FROM courses_section t WHERE t.id = w.id"
        )


def _number(context: RestoreContext, course: Course, there: dict[int, Section], fresh: list[int]) -> None:
    """Number the new sections behind those of the course, or from the target's position on; owned ones come last."""
    sections = {section.pk: section for section in Section.objects.filter(course=course)}
    new = [sections[pk] for pk in fresh if pk in sections]
    if not new:
        return
    plain = [section for section in there.values() if section.component is None]
    position = context.target.position
    at = len(plain) if position is None else min(max(position, 1), len(plain))
    order = plain[:at] + [section for section in new if section.component is None] + plain[at:]
    order += [section for section in there.values() if section.component is not None]
    order += [section for section in new if section.component is not None]
    for number, section in enumerate(order):
        if section.number != number:
            Section.objects.filter(pk=section.pk).update(number=number)


def _place_activities(context: RestoreContext, course: Course) -> Iterator[StepEvent]:
    """Map the sections of activities that come without them to a section of the course."""
    alone = context.manifest.archive_type == "activity" or context.target.beside is not None
    ours = {one.sectionid for one in (context.sections if alone else context.manifest.sections)}
    if ours and not alone:
        return
    for entry in context.activities:
        if entry.sectionid in ours:
            continue
        ours.add(entry.sectionid)
        module = f"{entry.directory}/module.xml"
        section = _section_for(context, course, module)
        context.ids.give("course_section", {entry.sectionid: section.pk})
    yield 0


def _section_for(context: RestoreContext, course: Course, module: str) -> Section:
    """Return the section for an activity: the target's, else that of the activity's number, else the first; made if none is."""
    sections = Section.objects.filter(course=course)
    target = context.target
    around = Activity.objects.filter(course=course, pk=target.beside or 0).values("section")
    chosen = sections.filter(Q(pk=target.section or 0) | Q(pk__in=around)).first()
    if chosen is not None:
        return chosen
    plain = sections.filter(**_unowned()).order_by("number", "pk")
    found = plain.filter(number=_section_number(context, module)).first() or plain.first()
    return found or Section.objects.create(course=course, number=0, sequence="", summary="")


def _section_number(context: RestoreContext, module: str) -> int:
    """Return the number of the section that an activity had, -1 if `module.xml` does not say it."""
    if module not in context.archive:
        return -1
    with context.archive.open(module) as stream:
        for record in xml.records(stream, member=module, tags=("module",)):
            number = natural(plain_number(record.findtext("sectionnumber") or ""))
            return -1 if number is None else number
    return -1


def order_activities(context: RestoreContext, course: Course) -> None:
    """Remove activities that were not restored from the sequences of the sections, and append those that are in none.

    An activity of an activity's archive goes to the position that the target names.
    """
    there: dict[int, list[int]] = {}
    for activity, within in (
        Activity.objects.filter(course=course).order_by("id").values_list("id", "section_id")
    ):
        there.setdefault(within, []).append(activity)
    placed = _placed(context)
    for section in Section.objects.filter(course=course):
        inside = dict.fromkeys(there.get(section.pk, ()))
        ordered = [whole_or(number) for number in (section.sequence or "").split(",") if number]
        wanted = dict.fromkeys(number for number in ordered if number in inside) | inside
        present = [number for number in wanted if number != placed]
        if placed in inside:
            present.insert((context.target.position or 1) - 1, placed)
        sequence = ",".join(str(number) for number in present)
        if sequence != (section.sequence or ""):
            Section.objects.filter(pk=section.pk).update(sequence=sequence)


def _placed(context: RestoreContext) -> int:
    """Return the id of the activity that goes to the target's position; 0 without a position."""
    if (
        context.target.position is None
        or context.manifest.archive_type != "activity"
        or not context.activities
    ):
        return 0
    return context.ids.known("course_module", context.activities[0].moduleid) or 0
