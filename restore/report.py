"""The report of a restore, in numbers: one function makes it for a restore that is done and for one that is rehearsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from archive.errors import CoursekeepError
from courses import structure
from courses.summaries import number_with_noun
from restore import people
from restore.context import RestoreContext
from restore.owners import folder
from restore.replaced_activities import CourseActivities

NAMED = 20
"""So many of what does not come is named; the others are counted."""

DAY = 24 * 60 * 60
PEOPLE = {"map": "matched", "create": "created", "out": "left_out", "conflict": "in_conflict"}
"""The names in the report for what becomes of a person."""


def report(context: RestoreContext) -> dict[str, Any]:
    """Return the result of a restore, as the job stores it. What a backup's result counts too, it counts in the same way.

    Call it at the end of the transaction, when all rows were sent. `new` has the numbers of new records by kind, the largest
    first, None if the server does not count them; `removed` those of the course that the restore removed, `difference` by how
    many the course has more or fewer. `merged` counts records of the course into which those of the archive were merged,
    `changed` those that got values of the archive; `replaced` compares the activities of a replaced course before and
    after. `contents_here` counts contents that the pool had already; dates are epoch seconds.
    """
    assert context.course is not None
    new, removed = context.row_counts.added(context.loaders), context.row_counts.removed
    already_here = sum(loader.already_here for loader in context.loaders) + context.acceptance.files_here
    return {
        "course_id": context.course.pk,
        "kind": context.manifest.archive_type,
        "target": context.target.kind,
        "old_archive": context.old_archive,
        "records": sum(loader.records for loader in context.loaders) + already_here,
        "files": context.files,
        "contents": context.contents,
        "contents_here": context.contents_here,
        "already_here": already_here,
        "people": context.people,
        "people_created": len(context.users),
        "people_left_out": len(context.people_out),
        "activities": len(context.activities),
        "sections": len(context.sections),
        "removed": _by_kind(removed),
        "difference": None if new is None else _by_kind(new, removed),
        "merged": _by_kind(context.merged),
        "changed": _by_kind(context.changed),
        "replaced": None
        if context.replaced is None
        else context.replaced.compared_with(CourseActivities.of(context.course)),
        "matching": context.matches.as_json(),
        "new": None if new is None else _by_kind(new),
        **_course(context),
        **before(context),
    }


def before(context: RestoreContext) -> dict[str, Any]:
    """Return the part of the report that needs no restore: what becomes of the people, and what does not come."""
    return {"people_by": _people(context), "stays_away": _stays_away(context)}


def _course(context: RestoreContext) -> dict[str, Any]:
    """Return the names and dates of the course, and those that the archive says."""
    course, manifest = context.course, context.manifest
    assert course is not None
    start, moved = manifest.original_course_startdate, context.selection.start_date
    return {
        "fullname": course.fullname,
        "shortname": course.shortname,
        "startdate": course.startdate,
        "enddate": course.enddate,
        "archive": {
            "fullname": manifest.original_course_fullname,
            "shortname": manifest.original_course_shortname,
            "startdate": start,
            "enddate": manifest.original_course_enddate,
        },
        "days_moved": (moved - start) // DAY if moved is not None and start else 0,
    }


def _people(context: RestoreContext) -> dict[str, int]:
    """Return what becomes of the people in the archive, as numbers; none if people do not come."""
    if not context.selection.people:
        return {}
    found = context.people_by
    if not found:
        try:
            found = Counter(match.action for match, _ in people.matches_of(context))
        except CoursekeepError:
            return {}
    return {name: found[action] for action, name in PEOPLE.items()}


def _stays_away(context: RestoreContext) -> dict[str, Any]:
    """Return what the archive has and the restore leaves out: activities and sections by name, and options."""
    manifest, chosen = context.manifest, context.selection
    activities = [one.title for one in manifest.activities if not chosen.includes(folder(one))]
    sections = [one.title for one in manifest.sections if not chosen.includes(f"section_{one.sectionid}")]
    options = [
        setting.option.label
        for setting in chosen.settings.of("")
        if setting.value is False and manifest.setting(setting.name) == "1"
    ]
    return {
        "activities": len(activities),
        "activity_titles": activities[:NAMED],
        "sections": len(sections),
        "section_titles": sections[:NAMED],
        "options": options,
    }


def _by_kind(added: Counter[str], removed: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
    """Return numbers of records by kind, the largest first, from numbers of rows by table.

    With `removed` they are the differences, as words too: “12 forum posts more”, “1 file fewer”.
    """
    numbers: Counter[str] = Counter()
    for model in structure.archived_models():
        table = model._meta.db_table
        # Several models may have one item type, as the submissions and the example submissions of a workshop.
        numbers[structure.item_type_of(model)] += added[table] - (removed or {}).get(table, 0)
    rows = [(kind, number) for kind, number in numbers.items() if number]
    return [
        {"kind": kind, "number": number, "text": _words(kind, number, compared=removed is not None)}
        for kind, number in sorted(rows, key=lambda row: (-abs(row[1]), row[0]))
    ]


def _words(kind: str, number: int, *, compared: bool) -> str:
    """Return a number with its noun; of a difference, whether it is more or fewer."""
    text = number_with_noun(kind, abs(number))
    return f"{text} {'more' if number > 0 else 'fewer'}" if compared else text
