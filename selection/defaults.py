"""The administrator's defaults and locks for options."""

from __future__ import annotations

from selection.models import OptionDefault
from selection.option import Mode, Operation, TargetKind
from selection.presets import presets_for
from selection.settings import SiteDefault


def site_defaults(
    operation: Operation, *, mode: Mode = "general", target: TargetKind = "new"
) -> dict[str, SiteDefault]:
    """Return the administrator's defaults and locks for an operation in a mode, by option name."""
    names: list[str] = [preset.name for preset in presets_for(operation, mode, target)]
    rows = OptionDefault.objects.filter(operation=operation, preset__in=names)
    ordered = sorted(rows, key=lambda row: names.index(row.preset))
    return {row.name: SiteDefault(row.value, row.locked) for row in ordered}
