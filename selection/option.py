"""Option: one choice in a backup or a restore, with its texts, its default and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from archive.manifest import ArchiveType

Operation = Literal["backup", "restore"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
Level = Literal["root", "section", "activity"]
Kind = Literal["switch", "choice", "text", "moment"]
Subject = Literal["people", "content", "course", "file"]
Value = bool | str
Mode = Literal["general", "import", "copy", "automated", "samesite", "bin"]
MODES: tuple[Mode, ...] = get_args(Mode)
TargetKind = Literal["new", "merge", "replace"]
TARGET_KINDS: tuple[TargetKind, ...] = get_args(TargetKind)
"""Kinds of target of a restore: a new course, a course that is added to, a course whose content is replaced."""

COURSE: tuple[ArchiveType, ...] = ("course",)
ANY: tuple[ArchiveType, ...] = ("course", "section", "activity")
INTO_COURSE: tuple[TargetKind, ...] = ("merge", "replace")
OWN = "0"
"""The value of a name or date of a course: the course in the target keeps its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How an option takes part in one operation.

    `needs` are the root options that must be on; `needs_in_existing` must be on as well when the target is an existing course,
    `needs_if_archived` when the archive of a restore has them at all. `right` is the capability that is required to choose a
    value; a person without it gets `without`: "off", or "default" (the site's default, locked). `free` options can be changed
    even by people without the capability to configure backups or restores. `off` is the value of an option that is locked off,
    and `off_in_existing` that when the target is a course that exists; by default a switch is False and others have `default`.
    """

    default: Value
    off: Value | None = None
    off_in_existing: Value | None = None
    needs: tuple[str, ...] = ()
    needs_in_existing: tuple[str, ...] = ()
    needs_if_archived: tuple[str, ...] = ()
    right: str = ""
    without: Literal["off", "default"] = "off"
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice. `name` is Moodle's; for a section or an activity it is the part after the owner (`included`).

    `archive_types` are the archive types in which the option has an effect; in others it has a value, since the
    manifest lists it, but no form shows it. `travels` is false for options that the manifest does not list.
    `targets` are the kinds of target in which an option of restores has an effect; it is off and refused in others. `aliases`
    are (other spelling, choice) pairs, `length` is the most characters of a text. `modulename` is the activity type that has an
    option of level "activity"; "" for options of all types. An option of one type needs its activity to be included, and if its
    subject is people, the activity's userdata.
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
    archive_types: tuple[ArchiveType, ...] = ANY
    targets: tuple[TargetKind, ...] = TARGET_KINDS
    travels: bool = True
    modulename: str = ""

    def use(self, operation: Operation) -> Use | None:
        """Return how the option takes part in the operation, or None."""
        return self.backup if operation == "backup" else self.restore

    def off_value(self, operation: Operation, target: TargetKind = "new") -> Value:
        """Return the value of the option when it is locked off. The operation must have the option."""
        use = self.use(operation)
        assert use is not None
        found = use.off_in_existing if target != "new" and use.off_in_existing is not None else use.off
        if found is not None:
            return found
        return False if self.kind == "switch" else use.default

    @property
    def has_site_default(self) -> bool:
        """Whether a default for the site makes sense: the value is one of some, not that of one course or archive."""
        return self.kind == "switch" or bool(self.choices)


def mode_named(name: str) -> Mode:
    """Return the mode with this name. Raises ValueError if there is none."""
    for mode in MODES:
        if mode == name:
            return mode
    raise ValueError(f"There is no mode {name!r}.")
