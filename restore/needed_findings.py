"""Findings about what of the course stays away since the chosen activities do not need it."""

from __future__ import annotations

from collections.abc import Iterator

from archive.findings import Finding
from archive.manifest import ActivityEntry
from courses.summaries import number_with_noun
from restore.context import RestoreContext
from restore.needed import CALENDAR, COMPLETION
from restore.owners import folder

NAMED = 3
"""Activities that a finding names; it counts the others."""

GRADEBOOK = "gradebook.xml"


def findings(context: RestoreContext) -> Iterator[Finding]:
    """Yield, in numbers, what comes of the people, groups, questions and so on, and which other members stay away."""
    needed = context.needed
    if not needed.limited:
        return
    counts = [
        f"{come:,} of {total:,} people"
        if item_type == "user"
        else f"{come:,} of {number_with_noun(item_type, total)}"
        for item_type, (come, total) in sorted(needed.counts().items())
        if come < total
    ]
    if counts:
        yield Finding(
            "info",
            "not-needed",
            f"Only what the chosen activities need comes along: {', '.join(counts)}.",
            hint="To bring all that belongs to the course, switch off “Only what the chosen activities need”.",
        )
    for path, words in {
        COMPLETION: "The conditions of completing the course",
        CALENDAR: "The events of the course",
    }.items():
        if path in context.archive and not needed.member_comes(path):
            yield Finding(
                "info",
                "not-needed",
                f"{words} stay away: the chosen activities do not need them.",
                path,
                "To bring all that belongs to the course, switch off “Only what the chosen activities need”.",
            )
    if GRADEBOOK in context.archive and not needed.member_comes(GRADEBOOK):
        yield _gradebook(context)


def to_left_out(entries: list[ActivityEntry], changed: int) -> Finding:
    """Return the finding that restored records refer to activities that are left out; `changed` references were cleared."""
    named = ", ".join(f"“{entry.title}”" for entry in entries[:NAMED])
    more = f" and {len(entries) - NAMED:,} more" if len(entries) > NAMED else ""
    cleared = (
        f" {changed:,} {'reference was' if changed == 1 else 'references were'} cleared." if changed else ""
    )
    return Finding(
        "info",
        "reference-lost",
        f"Restored records refer to activities that are left out: {named}{more}.{cleared}",
        ", ".join(f"course_module {entry.moduleid}" for entry in entries[:NAMED]),
        "Bring these activities along if that matters.",
        bring=folder(entries[0]) if len(entries) == 1 else "",
    )


def _gradebook(context: RestoreContext) -> Finding:
    """Return the finding that the gradebook stays away, with the activities for which it does."""
    left_out = context.needed.left_out_with_grades
    named = ", ".join(f"“{entry.title}”" for entry in left_out[:NAMED])
    more = f" and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
    return Finding(
        "info",
        "gradebook-left-out",
        "The gradebook's categories, totals and calculations stay away, since activities with grades are left out:"
        f" {named}{more}.",
        GRADEBOOK,
        "Bring these activities along to get it, or switch off “Only what the chosen activities need”.",
        bring=folder(left_out[0]) if len(left_out) == 1 else "",
    )
