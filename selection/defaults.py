"""The administrator's defaults and locks for options."""

from __future__ import annotations

from selection.models import OptionDefault
from selection.option import Operation
from selection.settings import SiteDefault


def site_defaults(operation: Operation) -> dict[str, SiteDefault]:
    """Return the administrator's defaults and locks for an operation, by option name."""
    rows = OptionDefault.objects.filter(operation=operation)
    return {row.name: SiteDefault(row.value, row.locked) for row in rows}
