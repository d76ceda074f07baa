"""Presets: defaults and locks of options by the mode of an operation, and by the target of a restore.

A mode is one use of the engines: a general backup or restore, an import, a copy, a scheduled backup, a backup for this site
only, the recycle bin. Each preset has defaults of its own, values that the mode itself fixes, and the administrator's rows in
`selection/models.py`; one page (`selection/views.py`) shows all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from selection.option import Mode, Operation, Option, TargetKind, Value
from selection.table import CONFIGURE, options_for

PresetName = Literal["general", "merge", "replace", "import", "copy", "automated", "samesite", "bin"]
PRESET_NAMES: tuple[PresetName, ...] = get_args(PresetName)

NAMING = frozenset(
    {"moodle/course:changefullname", "moodle/course:changeshortname", "moodle/course:changeidnumber"}
)
"""The capabilities to rename a course; who makes a copy names it."""

HERE = "The contents of files are on this site already."


class Fixed(NamedTuple):
    """A value that a mode itself fixes, and the reason as a sentence."""

    value: Value
    reason: str


AS_HERE = Fixed("as_is", "It is for this site only.")


class PresetOption(NamedTuple):
    """An option that a preset has a default for, in one operation."""

    operation: Operation
    option: Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Defaults and locks of a mode, or of the targets `merge` and `replace`.

    `defaults` differ from those of the table, `fixed` values cannot be changed by anybody; both are by the option's name.
    A preset that `inherits` has the site's general defaults and locks where it has none of its own. `waived` are capabilities
    that options take in other modes and not in this one: who may import or copy at all may choose these options too.
    """

    name: PresetName
    title: str
    help: str
    operations: tuple[Operation, ...]
    defaults: Mapping[str, Value] = field(default_factory=dict)
    fixed: Mapping[str, Fixed] = field(default_factory=dict)
    inherits: bool = False
    waived: frozenset[str] = frozenset()

    @property
    def is_mode(self) -> bool:
        """Whether the preset is a mode, not a target."""
        return self.name not in ("merge", "replace")


PRESETS: dict[PresetName, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="general",
            title="Backups and restores",
            help="What a person asks for on the pages or on the command line.",
            operations=("backup", "restore"),
        ),
        Preset(
            name="merge",
            title="Merge into a course",
            help="A restore that adds to a course.",
            operations=("restore",),
            inherits=True,
        ),
        Preset(
            name="replace",
            title="Replace a course",
            help="A restore that replaces the content of a course.",
            operations=("restore",),
            inherits=True,
        ),
        Preset(
            name="import",
            title="Import",
            help="Parts of another course of this site, without people.",
            operations=("backup", "restore"),
            defaults={"permissions": False},
            fixed={
                "users": Fixed(False, "An import brings no people."),
                "enrolments": Fixed("never", "An import brings no people."),
                "badges": Fixed(False, "Badges come with people only, and an import brings none."),
                "files": Fixed(False, HERE),
                "moodle": AS_HERE,
            },
            waived=frozenset(CONFIGURE.values()),
        ),
        Preset(
            name="copy",
            title="Copy",
            help="A new course with the content of another one of this site.",
            operations=("backup", "restore"),
            defaults={"users": False},
            fixed={"files": Fixed(False, HERE), "moodle": AS_HERE},
            waived=NAMING | frozenset(CONFIGURE.values()),
        ),
        Preset(
            name="automated",
            title="Schedules",
            help="Backups that a schedule asks for.",
            operations=("backup",),
            inherits=True,
        ),
        Preset(
            name="samesite",
            title="Backup for this site",
            help="A backup without the contents of files, for this site only.",
            operations=("backup",),
            fixed={"files": Fixed(False, HERE), "moodle": AS_HERE},
            inherits=True,
        ),
        Preset(
            name="bin",
            title="Recycle bin",
            help="What is stored before a course or an activity is deleted.",
            operations=("backup", "restore"),
            defaults={"logs": True, "grade_histories": True, "enrolments": "always"},
            fixed={
                "moodle": AS_HERE,
                "anonymize": Fixed(False, "The recycle bin brings back what was deleted, as it was."),
                "files": Fixed(True, "Contents of deleted files are kept in the recycle bin only."),
                "damaged_activities": Fixed(
                    "stop", "What comes back leaves the recycle bin, so all of it has to come."
                ),
            },
        ),
    )
}


def presets_for(operation: Operation, mode: Mode, target: TargetKind = "new") -> tuple[Preset, ...]:
    """Return the presets of an operation, the strongest last. The targets' presets count in the general mode only."""
    found = [PRESETS[mode]]
    if operation == "restore" and mode == "general" and target != "new":
        found.append(PRESETS[target])
    return (PRESETS["general"], *found) if found[0].inherits else tuple(found)


def preset_options(preset: Preset) -> Iterator[PresetOption]:
    """Yield the root options that have a default in a preset, in the table's order, those of backups first.

    In a mode with both operations that no archive stands between, what the backup leaves out cannot be restored, so its
    options are not set a second time for the restore.
    """
    for operation in preset.operations:
        for option in options_for(operation):
            if option.level == "root" and _has_default(preset, operation, option):
                yield PresetOption(operation, option)


def _has_default(preset: Preset, operation: Operation, option: Option) -> bool:
    """Whether the site can set a default for the option in a preset."""
    if not preset.is_mode:
        return option.subject == "course" and preset.name in option.targets and option.has_site_default
    if not option.has_site_default or option.subject == "course":
        return False
    between = preset.name in ("import", "copy", "bin")
    if between and operation == "restore" and option.backup is not None:
        return False
    return not (between and option.subject == "file")
