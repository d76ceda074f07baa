"""Stages: the steps of a wizard that its pages list, with the current one marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PEOPLE = "People and roles"
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
    PEOPLE,
    "Check and restore",
    "Perform restore",
    "Complete",
)
BACKUP_STAGES_OF_ONE = BACKUP_STAGES[2:]
RESTORE_STAGES_OF_ONE = (*RESTORE_STAGES[:2], *RESTORE_STAGES[4:])
"""Those of one activity, whose options are on the page of the check. The last two of all are the page of the job."""


def titles(operation: str, archive_type: str) -> tuple[str, ...]:
    """Return the titles of a wizard's stages in order; () for an operation without a wizard."""
    of_one = archive_type == "activity"
    if operation == "backup":
        return BACKUP_STAGES_OF_ONE if of_one else BACKUP_STAGES
    if operation == "restore":
        return RESTORE_STAGES_OF_ONE if of_one else RESTORE_STAGES
    return ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a wizard. `address` leads back to it when it is done."""

    title: str
    state: Literal["done", "now", "todo"]
    address: str = ""


def stages(names: Sequence[str], now: int, addresses: Sequence[str] = ()) -> list[Stage]:
    """Return the stages of a wizard with these titles; `now` is the position of the current one, from 0."""
    return [
        Stage(
            title,
            "done" if number < now else "now" if number == now else "todo",
            addresses[number] if number < now and number < len(addresses) else "",
        )
        for number, title in enumerate(names)
    ]


def go_on(found: Sequence[Stage], *, people: bool = False) -> str:
    """Return the text of the button that leads on from the current stage; it names the next one.

    The stage of people and roles is passed over unless `people` come along.
    """
    ahead = [one.title for one in found if one.state == "todo" and (people or one.title != PEOPLE)]
    return f"Continue to “{ahead[0]}”" if ahead else "Continue"
