"""The times at which students may review something of a quiz, in words."""

from __future__ import annotations

from viewer.words import number

REVIEW = {0x10000: "during", 0x01000: "right after", 0x00100: "later, while open", 0x00010: "after closing"}
"""The times at which something may be reviewed: one bit each."""


def reviewed(value: int) -> str:
    """Return the times at which something may be reviewed, in words; "" for 0."""
    return ", ".join(word for bit, word in REVIEW.items() if value & bit) or (number(value) if value else "")
