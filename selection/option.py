"""An option: one choice in a backup or a restore, with what it says to people, needs and defaults to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Operation = Literal["backup", "restore"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
Scope = Literal["course", "section", "activity"]
Level = Literal["root", "section", "activity"]
Kind = Literal["switch", "choice", "text", "moment"]
Subject = Literal["people", "content", "course", "file"]
Value = bool | str

COURSE: tuple[Scope, ...] = ("course",)
ANY: tuple[Scope, ...] = ("course", "section", "activity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How an option takes part in one operation.

    `needs` names the root options that must be on; `needs_in_existing` those that must be on as well when the
    target is a course that exists. `right` is the capability that choosing takes; a person without it gets
    `without`: "off", or "default" (what the site has set stays, locked). `free` options can be changed even
    by people who may not configure anything.
    """

    default: Value
    needs: tuple[str, ...] = ()
    needs_in_existing: tuple[str, ...] = ()
    right: str = ""
    without: Literal["off", "default"] = "off"
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice. `name` is Moodle's; for a section or an activity it is what follows the owner (`included`).

    `scopes` says in which types of archive the option governs anything; elsewhere it keeps its value, since
    the manifest lists it, but nobody is asked. `travels` is false for what the manifest does not hold.
    `aliases` are other ways to write a choice, `length` is the most characters of a text, `existing_only`
    options are for restoring into a course that exists.
    """

    name: str
    label: str
    help: str
    subject: Subject = "content"
    level: Level = "root"
    kind: Kind = "switch"
    backup: Use | None = None
    restore: Use | None = None
    choices: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    length: int = 0
    scopes: tuple[Scope, ...] = ANY
    existing_only: bool = False
    travels: bool = True

    def use(self, operation: Operation) -> Use | None:
        """How the option takes part in the operation, or None."""
        return self.backup if operation == "backup" else self.restore
