"""Stages: the steps of a wizard that its pages list, with the current one marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

BACKUP_STAGES = (
    "What to back up",
    "Sections and activities",
    "Check and back up",
    "Perform backup",
    "Complete",
)
RESTORE_STAGES = (
    "What is inside",
    "Where it goes",
    "What to restore",
    "Sections and activities",
    "Check and restore",
    "Perform restore",
    "Complete",
)
"""The last two stages of both wizards are the page of the job."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a wizard. `address` leads back to it when it is done."""

    title: str
    state: Literal["done", "now", "todo"]
    address: str = ""


def stages(titles: Sequence[str], now: int, addresses: Sequence[str] = ()) -> list[Stage]:
    """Return the stages of a wizard; `now` is the position of the current one, from 0."""
    return [
        Stage(
            title,
            "done" if number < now else "now" if number == now else "todo",
            addresses[number] if number < now and number < len(addresses) else "",
        )
        for number, title in enumerate(titles)
    ]
