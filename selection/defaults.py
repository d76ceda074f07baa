"""Defaults and locks of options that the administrator has set, and the kinds of content that the site has none of."""

from __future__ import annotations

from courses.models.competencies import ActivityCompetency, CourseCompetency
from selection.models import OptionDefault
from selection.option import Mode, Operation, TargetKind
from selection.presets import presets_for
from selection.settings import SiteDefault


def absent_content() -> frozenset[str]:
    """Return the options whose content no course of the site has, so that a backup need not ask for them."""
    models = (CourseCompetency, ActivityCompetency)
    found = [model._default_manager.values("pk").order_by() for model in models]
    return frozenset() if found[0].union(*found[1:], all=True)[:1] else frozenset({"competencies"})


def site_defaults(
    operation: Operation, *, mode: Mode = "general", target: TargetKind = "new"
) -> dict[str, SiteDefault]:
    """Return the administrator's defaults and locks for an operation in a mode, by option name."""
    names: list[str] = [preset.name for preset in presets_for(operation, mode, target)]
    rows = OptionDefault.objects.filter(operation=operation, preset__in=names)
    ordered = sorted(rows, key=lambda row: names.index(row.preset))
    return {row.name: SiteDefault(row.value, row.locked) for row in ordered}
