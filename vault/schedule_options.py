"""The options of a schedule: which of them cannot have an effect on the backups of whole courses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from courses.capabilities import EVERYTHING
from selection.defaults import site_defaults
from selection.resolution import resolve


def idle_options(options: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each option that cannot have an effect on any course, or cannot have its value, in their order.

    The rights of the schedule's owner are not asked here: they differ from course to course.
    """
    settings = resolve(
        options,
        operation="backup",
        may=EVERYTHING,
        site=site_defaults("backup", mode="automated"),
        mode="automated",
        strict=False,
    )
    said = {finding.place: f"{finding.message} {finding.hint}".strip() for finding in settings.refused}
    for name in options:
        setting = settings.get(name)
        if name not in said and setting is not None and setting.lock == "dependency":
            said[name] = f"The option {name} has no effect. {setting.reason} Leave it out."
    return [said[name] for name in options if name in said]
