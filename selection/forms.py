"""Presenting: jobs, findings, options and trees in the shape in which pages and reports show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from courses import registry
from selection.selection import Selection
from selection.settings import Item, Setting, Settings


@dataclass(slots=True)
class Node:
    """One section or activity in the tree of a wizard, with its two settings (None where there is none)."""

    item: Item
    include: Setting | None
    people: Setting | None
    count: str = ""
    depth: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What people call it; a section without a name of its own has only its number in an archive."""
        title = self.item.label
        return f"Section {title}" if self.item.level == "section" and title.isdecimal() else title

    @property
    def activities(self) -> int:
        """How many activities are in it, at any depth."""
        return sum((child.item.level == "activity") + child.activities for child in self.children)

    @property
    def chosen(self) -> int:
        """How many of those are chosen."""
        return sum(
            (child.item.level == "activity" and bool(child.include and child.include.value)) + child.chosen
            for child in self.children
        )


def tree(items: Sequence[Item], settings: Settings, counts: Mapping[str, str] | None = None) -> list[Node]:
    """The sections and activities as a tree, with their settings; `counts` says by owner what is inside."""
    said = counts or {}
    nodes = {
        item.owner: Node(
            item,
            _asked(settings, f"{item.owner}_included"),
            _asked(settings, f"{item.owner}_userinfo"),
            said.get(item.owner, ""),
        )
        for item in items
    }
    roots: list[Node] = []
    for item in items:
        parent = nodes.get(item.parent or "")
        (parent.children if parent else roots).append(nodes[item.owner])
    _merge_owned(roots)
    _deepen(roots, 0)
    return roots


def _merge_owned(nodes: Iterable[Node]) -> None:
    """Leave out the section that an activity owns: people see one thing, the activity with what is in its section."""
    for node in nodes:
        if registry.owns_section(node.item.modulename) and len(node.children) == 1:
            node.children = node.children[0].children
        _merge_owned(node.children)


def choosable(nodes: Iterable[Node]) -> Iterator[Setting]:
    """The settings of the sections and activities that a tree shows."""
    for node in nodes:
        yield from (setting for setting in (node.include, node.people) if setting is not None)
        yield from choosable(node.children)


def plain_tree(items: Sequence[Item]) -> list[Node]:
    """The sections and activities as a tree to look at, with nothing to choose."""
    return tree(items, Settings({}))


def _asked(settings: Settings, name: str) -> Setting | None:
    setting = settings.get(name)
    return setting if setting is not None and setting.shown else None


def _deepen(nodes: Iterable[Node], depth: int) -> None:
    for node in nodes:
        node.depth = depth
        _deepen(node.children, depth + 1)


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options that belong together on a form."""

    title: str
    hint: str
    settings: tuple[Setting, ...]


_SUBJECTS = (
    ("people", "People", "Participants, and what they made."),
    ("content", "Content", "What the course consists of."),
    ("course", "The course", "Name, dates and settings of the course."),
    ("file", "The file", "Name and format of the archive."),
)


def option_groups(settings: Settings, *, leave_out: Iterable[str] = ()) -> list[OptionGroup]:
    """The options of the whole, as far as they are asked for, by their subject."""
    hidden = set(leave_out)
    shown = [one for one in settings.of("") if one.shown and one.name not in hidden]
    groups = []
    for subject, title, hint in _SUBJECTS:
        some = tuple(one for one in shown if one.option.subject == subject)
        if some:
            groups.append(OptionGroup(title, hint, some))
    return groups


def asked_on(form: Mapping[str, Any], settings: Iterable[Setting]) -> dict[str, str]:
    """What a form asks for: the values of the settings that it showed and did not lock."""
    asked = {}
    for setting in settings:
        if not setting.shown or setting.fixed:
            continue
        if setting.option.kind == "switch":
            asked[setting.name] = "1" if form.get(setting.name) else "0"
        else:
            raw = str(form.get(setting.name, setting.text)).strip()
            asked[setting.name] = _epoch(raw) if setting.option.kind == "moment" else raw
    return asked


def _epoch(text: str) -> str:
    """The day of a date field as seconds since 1970, at midnight of the site's zone; other text as it is."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - the zone is given in the next line
    except ValueError:
        return text
    return str(int(timezone.make_aware(day).timestamp()))


def departures(asked: Mapping[str, str], settings: Settings, defaults: Settings) -> dict[str, str]:
    """What of the asked is to be kept: not what something else decides, and not what is so by default."""
    return {
        name: value
        for name, value in asked.items()
        if name in settings and settings[name].lock is None and settings[name].text != defaults[name].text
    }


def bulk(form: Mapping[str, Any], items: Sequence[Item], settings: Settings) -> dict[str, str]:
    """What the form's button for many at once asks for: all, a type, or people's work, on or off."""
    if form.get("bulk") not in ("on", "off"):
        return {}
    value = "1" if form["bulk"] == "on" else "0"
    what = str(form.get("bulk_type", ""))
    ending = "userinfo" if what == "people" else "included"
    return {
        name: value
        for item in items
        if (what in ("all", "people") or item.modulename == what)
        and (name := f"{item.owner}_{ending}") in settings
        and not settings[name].fixed
    }


def types(items: Iterable[Item]) -> list[tuple[str, int]]:
    """The types of activities among the items, with how many there are of each."""
    numbers: dict[str, int] = {}
    for item in items:
        if item.level == "activity":
            numbers[item.modulename] = numbers.get(item.modulename, 0) + 1
    return sorted(numbers.items())


def chosen(items: Iterable[Item], selection: Selection) -> tuple[int, int]:
    """Return how many activities come along, and how many there are."""
    activities = [item for item in items if item.level == "activity"]
    return sum(selection.includes(item.owner) for item in activities), len(activities)


def so_far(selection: Selection) -> list[tuple[str, str]]:
    """Return the choices that weigh most, as short lines to keep in view."""
    settings, lines = selection.settings, []
    if "users" in settings:
        people = "anonymous" if selection.anonymous else "yes"
        lines.append(("People and their work", people if selection.people else "no"))
    owners = {
        setting.owner
        for setting in settings.values()
        if setting.owner and not setting.owner.startswith("section_")
    }
    if owners:
        lines.append(("Activities", f"{sum(map(selection.includes, owners))} of {len(owners)}"))
    off = [one.option.label for one in settings.of("") if _left_out(one)]
    lines.append(("Left out", ", ".join(off) if off else "nothing else"))
    return lines


def _left_out(setting: Setting) -> bool:
    """Whether it says something that a switch is off: not when something else decides it."""
    quiet = ("users", "anonymize", "overwrite_conf")
    return (
        setting.shown
        and setting.option.kind == "switch"
        and setting.value is False
        and setting.lock not in ("dependency", "archive")
        and setting.name not in quiet
    )


def faults(settled: Settings) -> list[tuple[str, str]]:
    """What was asked for and makes no sense: the field and the sentence. What is locked is no fault."""
    return [
        (finding.place, f"{finding.message} {finding.hint}".strip())
        for finding in settled.refused
        if finding.code in ("option-usage", "option-empty") and finding.place in settled
    ]
