"""The administrator's defaults and locks, which backups and restores settle their options by."""

from __future__ import annotations

from selection.models import OptionDefault
from selection.option import Operation
from selection.settings import SiteDefault


def site_defaults(operation: Operation) -> dict[str, SiteDefault]:
    """The administrator's defaults and locks for an operation, by the option's name."""
    rows = OptionDefault.objects.filter(operation=operation)
    return {row.name: SiteDefault(row.value, row.locked) for row in rows}
