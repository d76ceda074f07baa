"""Words: names for columns, states and codes of the format, and numbers, times and sizes as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst

from viewer import presentation
from viewer.labels import LABELS

INTERNAL = re.compile(
    r"(trust|messagetrust|mailnow|mailed|pathnamehash|tokens?|stamp|sha1hash|md5hash|contextid|uniqueid|legacyfileslast)\Z"
)
"""Names of columns that say nothing to a reader: values that only programs read."""


def label(name: str) -> str:
    """Return a column's name for people."""
    return LABELS.get(name) or presentation.labels().get(name) or str(capfirst(name.replace("_", " ")))


MOST_PLACES = 20
"""Most digits after the decimal point that are shown, whatever an archive asks for."""


def number(value: Any, places: int | None = None) -> str:
    """Return a number without trailing zeros: 10, 7.5, 33.33; "" for None."""
    if value is None:
        return ""
    found = Decimal(str(value))
    text = f"{found:f}" if places is None else f"{found:.{max(0, min(places, MOST_PLACES))}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


EARLIEST, LATEST_SHOWN = -62135510400, 253402214400
"""The first and the last day of Python's calendar in epoch seconds, each a day short, for any time zone."""


def moment_at(seconds: float) -> datetime | None:
    """Return the datetime (UTC) of epoch seconds; None outside of Python's calendar."""
    return datetime.fromtimestamp(float(seconds), UTC) if EARLIEST < seconds < LATEST_SHOWN else None


def duration_text(value: Any) -> str:
    """Return a length of time in seconds as text: 45 s, 12 min, 2 h 5 min, 30 days."""
    whole = int(value or 0)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes >= 2 * 24 * 60:
        days, rest = divmod(minutes, 24 * 60)
        return f"{days} days" + (f" {rest // 60} h" if rest >= 60 else "")
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size_text(value: int | None) -> str:
    """Return a number of bytes as text: 512 B, 1.4 kB, 23 MB (units of 1000, as file managers and disks have them)."""
    if value is None:
        return ""
    amount, units = float(value), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    figure = f"{amount:.1f}" if amount < 9.95 and units[0] != "B" else f"{amount:.0f}"
    return f"{figure} {units[0]}"


def points(value: Any) -> str:
    """Return a number of points as text: 1 point, 2.5 points."""
    shown = number(value)
    return f"{shown} point{'' if shown == '1' else 's'}"


def many(amount: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 1 post, 1,234 posts."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


DASH = "\N{EN DASH}"

COMPLETION = {0: "Not completed", 1: "Completed", 2: "Completed, passed", 3: "Completed, failed"}
AGGREGATION = {
    0: "Mean of grades",
    2: "Median of grades",
    4: "Lowest grade",
    6: "Highest grade",
    8: "Mode of grades",
    10: "Weighted mean of grades",
    11: "Simple weighted mean",
    12: "Mean with extra credit",
    13: "Natural",
}
ATTEMPT_STATES = {
    "inprogress": "In progress",
    "overdue": "Overdue",
    "finished": "Finished",
    "abandoned": "Never submitted",
    "submitted": "Submitted",
    "notstarted": "Not started",
}
STEP_STATES = {
    "todo": "Not answered yet",
    "invalid": "Invalid answer",
    "complete": "Answer saved",
    "needsgrading": "Needs grading",
    "finished": "Finished",
    "gaveup": "Not answered",
    "gradedwrong": "Incorrect",
    "gradedpartial": "Partly correct",
    "gradedright": "Correct",
    "mangrwrong": "Graded by hand: incorrect",
    "mangrpartial": "Graded by hand: partly correct",
    "mangrright": "Graded by hand: correct",
    "manfinished": "Commented on",
    "mangaveup": "Not answered, commented on",
}
