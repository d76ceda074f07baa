"""BigBlueButton room: participants, log and recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive.numbers import natural, whole_or
from courses.activities.bigbluebuttonbn import BigBlueButtonBnLog, BigBlueButtonBnRecording
from viewer.json_texts import read_json
from viewer.lookups import Phrase
from viewer.page_context import PageContext, table, when
from viewer.panels import Panel, Table, Value
from viewer.presentation import Presentation

RECORDINGS = {0: "Waiting", 1: "Reset", 2: "Processed", 3: "Announced", 4: "Deleted"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the participants with their roles, the log, and the recordings."""
    people = _participants(page)
    if people:
        yield Panel("Participants", table=table("Who | As", people))
    recordings = BigBlueButtonBnRecording._base_manager.filter(room=page.content).order_by(
        "timecreated", "pk"
    )
    yield page.listed("Recordings", recordings, lambda rows: _recordings(page, rows), userdata=True)
    log = BigBlueButtonBnLog._base_manager.filter(room=page.content).order_by("timecreated", "pk")
    yield page.listed("What happened", log, lambda rows: _log(page, rows), size=50, userdata=True)


def _participants(page: PageContext) -> list[tuple[Any, str]]:
    """Return (who, role) for each participant rule; the `selectiontype` of a rule is all, role or user."""
    try:
        rules = read_json(page.content.participants or "[]")
    except ValueError:
        return []
    found = []
    for rule in (one for one in rules if isinstance(one, dict)) if isinstance(rules, list) else ():
        selection_type, number = rule.get("selectiontype"), str(rule.get("selectionid", ""))
        who: Any = "Everybody" if selection_type == "all" else f"{selection_type} {number}"
        if selection_type in ("role", "user") and natural(number) is not None:
            if selection_type == "user" and not page.people:
                who = "A person"
            else:
                who = Phrase(
                    "Role: " if selection_type == "role" else "",
                    page.named(selection_type, whole_or(number), instead=number),
                )
        found.append((who, str(rule.get("role", ""))))
    return found


def _recordings(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Recording | Group | State | Made | Imported",
        (
            (
                row.recordingid,
                page.group(row.groupid),
                RECORDINGS.get(row.status, row.status),
                when(row.timecreated),
                Value("Imported", row.importeddata or "", "code"),
            )
            for row in rows
        ),
    )


def _log(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "When | Who | What | Details",
        (
            (
                when(row.timecreated),
                page.person(row.userid),
                row.log,
                Value("Details", row.meta or "", "code"),
            )
            for row in rows
        ),
    )


PRESENTATION = Presentation(
    present, covers=(BigBlueButtonBnLog, BigBlueButtonBnRecording), own=frozenset({"participants"})
)
