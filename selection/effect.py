"""Effect of options: whether an option can change anything in an operation, by archive type and target."""

from __future__ import annotations

from collections.abc import Mapping

from archive.manifest import ArchiveType
from selection.option import Operation, Option, TargetKind
from selection.table import ROOT

ARCHIVE_NOUN: Mapping[ArchiveType, str] = {
    "course": "a course",
    "section": "a section",
    "activity": "an activity",
}
TARGET_NOUN: Mapping[TargetKind, str] = {
    "new": "a new course",
    "merge": "a course that is added to",
    "replace": "a course whose content is replaced",
}


def idle_reason(
    option: Option, operation: Operation, *, archive_type: ArchiveType, target: TargetKind = "new"
) -> str:
    """Return where the option has no effect ("on the archive of a section", "on a new course"); "" if it has one.

    An option that needs one without an effect has none itself.
    """
    if archive_type not in option.archive_types:
        return f"on the archive of {ARCHIVE_NOUN[archive_type]}"
    if operation == "backup":
        return ""
    if target not in option.targets:
        return f"on {TARGET_NOUN[target]}"
    use = option.use(operation)
    needs = use.needs_in_existing if use is not None and target != "new" else ()
    reasons = (idle_reason(ROOT[need], operation, archive_type=archive_type, target=target) for need in needs)
    return next(filter(None, reasons), "")
