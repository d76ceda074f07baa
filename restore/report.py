"""The report of a restore, in numbers: one function makes it for a restore that is done and for one that is rehearsed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connection

from archive.errors import CoursekeepError
from courses import structure
from courses.summaries import number_with_noun
from restore import people
from restore.context import RestoreContext
from restore.owners import folder

NAMED = 20
"""So many of what does not come is named; the others are counted."""

DAY = 24 * 60 * 60
PEOPLE = {"map": "matched", "create": "created", "out": "left_out", "conflict": "in_conflict"}
"""The names in the report for what becomes of a person."""


COUNT = """
SELECT %s, count(*) FROM TABLE t
JOIN unnest(%s::bigint[], %s::bigint[]) AS r (first, next) ON t.id >= r.first AND t.id < r.next
"""
"""SQL: the number of rows of a table whose ids are in ranges, beside a name."""

UNTOUCHED = """
SELECT t.name FROM unnest(%s::text[], %s::bigint[]) AS t (name, written)
WHERE pg_stat_get_xact_tuples_inserted(to_regclass(quote_ident(t.name))) = t.written
AND pg_stat_get_xact_tuples_deleted(to_regclass(quote_ident(t.name))) = 0
"""
"""SQL: the tables to which this transaction has added a number of rows and from which it has removed none."""


def report(context: RestoreContext) -> dict[str, Any]:
    """Return the result of a restore, as the job stores it. What a backup's result counts too, it counts in the same way.

    Call it at the end of the transaction, when all rows were sent. `new` has the numbers of new records by kind, the largest
    first; `contents_here` counts contents that the pool had already; dates are epoch seconds.
    """
    assert context.course is not None
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
        "sections_merged": _merged_sections(context),
        "removed": context.removed,
        "matching": context.matches.as_json(),
        "new": _new_records(context),
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


def _merged_sections(context: RestoreContext) -> int:
    """Return the number of sections that the target had already."""
    given = (context.ids.given("course_section", entry.sectionid) for entry in context.sections)
    return sum(new is not None for new in given)


def _new_records(context: RestoreContext) -> list[dict[str, Any]]:
    """Return the numbers of the records that are new on this site, by kind."""
    written = sum((loader.written for loader in context.loaders), Counter[str]())
    untouched = _untouched(written)
    rows: list[tuple[str, int]] = []
    parts: list[str] = []
    values: list[Any] = []
    for model in structure.archived_models():
        table, item_type = model._meta.db_table, structure.item_type_of(model)
        ranges = context.ids.reserved(item_type)
        if not ranges or not written[table]:
            continue
        if table in untouched:
            rows.append((item_type, written[table]))
        else:
            parts.append(COUNT.replace("TABLE", connection.ops.quote_name(table)))
            values += [item_type, [first for first, _ in ranges], [first + size for first, size in ranges]]
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), values)
            rows += [(kind, number) for kind, number in cursor.fetchall() if number]
    return [
        {"kind": kind, "number": number, "text": number_with_noun(kind, number)}
        for kind, number in sorted(rows, key=lambda row: (-row[1], row[0]))
    ]


def _untouched(written: Counter[str]) -> set[str]:
    """Return the tables that have all rows that were written to them and got no others. Their rows need not be counted."""
    with connection.cursor() as cursor:
        cursor.execute(UNTOUCHED, [list(written), list(written.values())])
        return {name for (name,) in cursor.fetchall()}
