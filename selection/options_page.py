"""The table of options as a Markdown page: docs/options.md."""

from __future__ import annotations

from selection import table
from selection.option import Option, Use


def documentation() -> str:
    """Return the table as a Markdown page, for docs/options.md."""
    lines = ["# Options", "", "Generated from `selection/table.py`; names are Moodle's.", ""]
    lines += ["| option | what | values | backup | restore | needs |", "|---|---|---|---|---|---|"]
    lines += [_documented(option) for option in table.TABLE]
    return "\n".join(lines) + "\n"


def _documented(option: Option) -> str:
    """Return one row of the page."""
    activity = f"{option.modulename or 'MOD'}_CMID_"
    prefix = {"root": "", "section": "section_ID_", "activity": activity}[option.level]
    values = {"switch": "0, 1", "text": "text", "moment": "seconds since 1970, or empty"}.get(option.kind)
    values = values or ", ".join(value for value, _label in option.choices)
    uses = [use for use in (option.backup, option.restore) if use]
    needs = list(dict.fromkeys(need for use in uses for need in (*use.needs, *use.needs_if_archived)))
    rights = list(dict.fromkeys(use.right for use in uses if use.right))
    cells = [f"`{prefix}{option.name}`", f"{option.label}. {option.help}", values]
    cells += [_shown(option.backup), _shown(option.restore), ", ".join(needs + rights)]
    return "| " + " | ".join(cells) + " |"


def _shown(use: Use | None) -> str:
    """Return the default of an option as text, "-" if the operation does not have the option."""
    if use is None:
        return "-"
    if isinstance(use.default, bool):
        return "1" if use.default else "0"
    return use.default or "empty"
