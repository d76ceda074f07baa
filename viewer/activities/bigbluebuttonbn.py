"""A BigBlueButton room: what happened in it, and its recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from courses.activities.bigbluebuttonbn import BigBlueButtonBnLog, BigBlueButtonBnRecording
from viewer.lookups import Phrase
from viewer.page_context import Desk, table, when
from viewer.panels import Panel, Table, Value
from viewer.presentation import Form

RECORDINGS = {0: "Waiting", 1: "Reset", 2: "Processed", 3: "Announced", 4: "Deleted"}


def present(desk: Desk) -> Iterator[Panel]:
    """Who takes part as what, the log, and the recordings."""
    people = _participants(desk)
    if people:
        yield Panel("Participants", table=table("Who | As", people))
    recordings = BigBlueButtonBnRecording._base_manager.filter(room=desk.content).order_by(
        "timecreated", "pk"
    )
    yield desk.listed("Recordings", recordings, lambda rows: _recordings(desk, rows), work=True)
    log = BigBlueButtonBnLog._base_manager.filter(room=desk.content).order_by("timecreated", "pk")
    yield desk.listed("What happened", log, lambda rows: _log(desk, rows), size=50, work=True)


def _participants(desk: Desk) -> list[tuple[Any, str]]:
    """Rules such as "all are viewers": `selectiontype` is all, role or user."""
    try:
        rules = json.loads(desk.content.participants or "[]")
    except ValueError:
        return []
    found = []
    for rule in rules if isinstance(rules, list) else ():
        kind, number = rule.get("selectiontype"), str(rule.get("selectionid", ""))
        who: Any = "Everybody" if kind == "all" else f"{kind} {number}"
        if kind in ("role", "user") and number.isdecimal():
            if kind == "user" and not desk.people:
                who = "A person"
            else:
                who = Phrase(
                    "Role: " if kind == "role" else "", desk.named(kind, int(number), instead=number)
                )
        found.append((who, str(rule.get("role", ""))))
    return found


def _recordings(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Recording | Group | State | Made | Imported",
        (
            (
                row.recordingid,
                desk.group(row.groupid),
                RECORDINGS.get(row.status, row.status),
                when(row.timecreated),
                Value("Imported", row.importeddata or "", "code"),
            )
            for row in rows
        ),
    )


def _log(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "When | Who | What | Details",
        (
            (
                when(row.timecreated),
                desk.person(row.userid),
                row.log,
                Value("Details", row.meta or "", "code"),
            )
            for row in rows
        ),
    )


FORM = Form(present, covers=(BigBlueButtonBnLog, BigBlueButtonBnRecording), own=frozenset({"participants"}))
