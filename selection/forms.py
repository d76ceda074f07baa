"""Options on forms: settings grouped by subject or in a tree of sections and activities, and reading of submitted forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from courses import registry
from selection.selection import Selection
from selection.settings import Item, Setting, Settings


@dataclass(slots=True)
class Node:
    """A section or activity in the tree of a wizard, with its settings (None where there is none).

    `more` are the settings that the activity has since its type has options of its own. `found` is false for what a search does
    not find; `shown` is true for what is found and for what it stands in.
    """

    item: Item
    include: Setting | None
    people: Setting | None
    count: str = ""
    depth: int = 0
    children: list[Node] = field(default_factory=list)
    more: tuple[Setting, ...] = ()
    found: bool = True
    shown: bool = True

    @property
    def label(self) -> str:
        """The name on pages; a section without a name has only its number in an archive."""
        title = self.item.label
        return f"Section {title}" if self.item.level == "section" and title.isdecimal() else title

    @property
    def words(self) -> str:
        """The text in which a search looks: the name, and the name of the activity type."""
        kind = registry.activity_label(self.item.modulename) if self.item.level == "activity" else ""
        return f"{self.label} {kind}".strip()

    @property
    def activities(self) -> int:
        """Number of activities below this node, at any depth."""
        return sum((child.item.level == "activity") + child.activities for child in self.children)

    @property
    def chosen(self) -> int:
        """Number of activities below this node that are included; one that cannot be left out is."""
        return sum(
            (child.item.level == "activity" and (child.include is None or bool(child.include.value)))
            + child.chosen
            for child in self.children
        )


def tree(items: Sequence[Item], settings: Settings, counts: Mapping[str, str] | None = None) -> list[Node]:
    """Return the sections and activities as a tree, with their settings; `counts` has a text for each owner."""
    texts = counts or {}
    nodes = {
        item.owner: Node(
            item,
            _shown_setting(settings, f"{item.owner}_included"),
            _shown_setting(settings, f"{item.owner}_userinfo"),
            texts.get(item.owner, ""),
            more=tuple(one for one in settings.of_type(item.owner) if one.shown),
        )
        for item in items
    }
    roots: list[Node] = []
    for item in items:
        parent = nodes.get(item.parent or "")
        (parent.children if parent else roots).append(nodes[item.owner])
    _merge_owned(roots)
    _set_depths(roots, 0)
    return roots


def _merge_owned(nodes: Iterable[Node]) -> None:
    """Replace a section that an activity owns by its content: people see the activity with what is in its section."""
    for node in nodes:
        if registry.owns_section(node.item.modulename) and len(node.children) == 1:
            node.children = node.children[0].children
        _merge_owned(node.children)


def search_of(form: Mapping[str, Any]) -> str:
    """Return what the tree is searched for, "" for nothing."""
    return str(form.get("search", "")).strip()[:200]


def searches(form: Mapping[str, Any]) -> bool:
    """Whether the form of a tree was sent to search it, not to go on.

    Enter in the search field presses the first button of the form, which has no name.
    """
    pressed = any(name in form for name in ("go", "bulk", "check", "back"))
    return "find" in form or (not pressed and search_of(form) != str(form.get("searched", "")).strip())


def same_tree(address: str, form: Mapping[str, Any]) -> str:
    """Return the address of a page with a tree, with the search that the form was sent with."""
    text = search_of(form)
    return f"{address}?{urlencode({'search': text})}" if text else address


def search(nodes: Sequence[Node], text: str) -> int:
    """Mark what a search finds: each word is part of a name or a type, here or above; return the number of activities found."""
    return _search(nodes, text.casefold().split())


def _search(nodes: Sequence[Node], words: Sequence[str], *, above: bool = False) -> int:
    number = 0
    for node in nodes:
        node.found = above or not words or _has(node.words.casefold(), words)
        below = _search(node.children, words, above=node.found)
        node.shown = node.found or any(child.shown for child in node.children)
        number += below + (node.found and node.item.level == "activity")
    return number


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def every_node(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes of a tree, each before those in it."""
    for node in nodes:
        yield node
        yield from every_node(node.children)


def found(nodes: Iterable[Node]) -> Iterator[str]:
    """Yield the names in the archive of the sections and activities that a search has found."""
    return (node.item.owner for node in every_node(nodes) if node.found)


def tree_context(
    items: Sequence[Item], selection: Selection, text: str, counts: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return the template variables of the tree for a selection, searched for `text`; `counts` as for `tree`."""
    nodes = tree(items, selection.settings, counts)
    return {
        "found": search(nodes, text),
        "nodes": nodes,
        "search": text,
        "types": types(items),
        "people": selection.people,
        "chosen": chosen(items, selection),
        "shows_tree": has_tree(nodes),
    }


def choosable(nodes: Iterable[Node]) -> Iterator[Setting]:
    """Yield the settings of the sections and activities in a tree."""
    for node in every_node(nodes):
        yield from (setting for setting in (node.include, node.people, *node.more) if setting is not None)


def plain_tree(items: Sequence[Item]) -> list[Node]:
    """Return the sections and activities as a tree without settings."""
    return tree(items, Settings({}))


def _shown_setting(settings: Settings, name: str) -> Setting | None:
    setting = settings.get(name)
    return setting if setting is not None and setting.shown else None


def _set_depths(nodes: Iterable[Node], depth: int) -> None:
    for node in nodes:
        node.depth = depth
        _set_depths(node.children, depth + 1)


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options of one subject, shown together on a form."""

    title: str
    hint: str
    settings: tuple[Setting, ...]


_ON_A_PAGE_OF_THEIR_OWN = ("accounts", "roles")
"""Options of a restore that its page of people and roles shows."""

_SUBJECTS = (
    ("people", "People", "Participants, and what they made."),
    ("content", "Content", "What the course consists of."),
    ("course", "The course", "Name, dates and settings of the course."),
    ("file", "The file", "Name and format of the archive."),
)


def option_groups(settings: Settings, *, leave_out: Iterable[str] = ()) -> list[OptionGroup]:
    """Return the root options that the form shows, grouped by subject, without those named in `leave_out`."""
    hidden = {*leave_out, *_ON_A_PAGE_OF_THEIR_OWN}
    shown = [one for one in settings.of("") if one.shown and one.name not in hidden]
    groups = []
    for subject, title, hint in _SUBJECTS:
        some = tuple(one for one in shown if one.option.subject == subject)
        if some:
            groups.append(OptionGroup(title, hint, some))
    return groups


EVERY_BOX = "every_box"
"""The field with which the script says that it has unlocked the boxes that waited, so that an empty one means no."""


def asked_on(form: Mapping[str, Any], settings: Iterable[Setting]) -> dict[str, str]:
    """Return the option values that a submitted form asks for; hidden and locked settings are left out.

    A box that waited for another option when the page was made could not be ticked, so if it is empty it asks for
    nothing, unless the script had unlocked it (EVERY_BOX).
    """
    asked = {}
    for setting in settings:
        if not setting.shown or setting.fixed:
            continue
        if setting.option.kind == "switch":
            if setting.lock and not form.get(setting.name) and EVERY_BOX not in form:
                continue
            asked[setting.name] = "1" if form.get(setting.name) else "0"
        else:
            raw = str(form.get(setting.name, setting.text)).strip()
            asked[setting.name] = _epoch(raw) if setting.option.kind == "moment" else raw
    return asked


def asked_on_one_page(form: Mapping[str, Any], items: Sequence[Item], settings: Settings) -> dict[str, str]:
    """Return the option values that the page of one activity asks for; it has a tree if something stands in the activity."""
    asked = asked_on(form, settings.of(""))
    if has_tree(nodes := tree(items, settings)):
        asked |= asked_on(form, choosable(nodes)) | bulk(form, items, settings)
    return asked


def has_tree(nodes: Sequence[Node]) -> bool:
    """Whether the page of one activity shows the tree: not for the activity alone."""
    return len(nodes) > 1 or any(node.children for node in nodes)


def _epoch(text: str) -> str:
    """Return a date field's day as epoch seconds (midnight in the site's time zone); other text is returned unchanged."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - the zone is given in the next line
    except ValueError:
        return text
    return str(int(timezone.make_aware(day).timestamp()))


def departures(asked: Mapping[str, str], settings: Settings, defaults: Settings) -> dict[str, str]:
    """Return the asked values that no lock overrides and that differ from the defaults."""
    return {
        name: value
        for name, value in asked.items()
        if name in settings and settings[name].lock is None and settings[name].text != defaults[name].text
    }


def bulk(form: Mapping[str, Any], items: Sequence[Item], settings: Settings) -> dict[str, str]:
    """Return the values asked for by a bulk button: all activities, one type, or all userdata, on or off.

    If the tree is searched, only what the search has found is meant.
    """
    if form.get("bulk") not in ("on", "off"):
        return {}
    value = "1" if form["bulk"] == "on" else "0"
    what = str(form.get("bulk_type", ""))
    ending = "userinfo" if what == "people" else "included"
    meant = _meant(form, items, settings)
    owners = [
        item.owner
        for item in items
        if item.owner in meant and (what in ("all", "people") or item.modulename == what)
    ]
    if value == "1" and ending == "included":
        owners = _with_parents(owners, items)
    names = (f"{owner}_{ending}" for owner in owners)
    return {name: value for name in names if name in settings and not settings[name].fixed}


def brought_along(owner: str, items: Sequence[Item], settings: Settings) -> dict[str, str]:
    """Return the values that include an activity and what it stands in; none if there is no such activity."""
    if owner not in {item.owner for item in items}:
        return {}
    found = _with_parents([owner], items)
    closed = {one for one in found if not settings[f"{one}_included"].value}
    # A section that is opened for one activity does not bring its others.
    others = [item.owner for item in items if item.parent in closed and item.owner not in found]
    asked = dict.fromkeys(others, "0") | dict.fromkeys(found, "1")
    return {f"{one}_included": value for one, value in asked.items() if not settings[f"{one}_included"].fixed}


def _with_parents(owners: Iterable[str], items: Sequence[Item]) -> list[str]:
    """Return owners and the sections that they stand in, which have to be included too."""
    parents = {item.owner: item.parent for item in items}
    found = list(owners)
    for owner in found:
        parent = parents.get(owner)
        if parent is not None and parent not in found:
            found.append(parent)
    return found


def _meant(form: Mapping[str, Any], items: Sequence[Item], settings: Settings) -> set[str]:
    """Return the names in the archive of what a bulk button is about: all, or what the search has found."""
    if not (text := search_of(form)):
        return {item.owner for item in items}
    nodes = tree(items, settings)
    search(nodes, text)
    meant = set(found(nodes))
    # A section that an activity owns is no node of its own.
    return meant | {item.owner for item in items if item.level == "section" and item.parent in meant}


def types(items: Iterable[Item]) -> list[tuple[str, int]]:
    """Return the activity types among the items, each with its number of items, sorted by name."""
    numbers: dict[str, int] = {}
    for item in items:
        if item.level == "activity":
            numbers[item.modulename] = numbers.get(item.modulename, 0) + 1
    return sorted(numbers.items())


def chosen(items: Iterable[Item], selection: Selection) -> tuple[int, int]:
    """Return the number of activities that are included, and the number of all activities."""
    activities = [item for item in items if item.level == "activity"]
    return sum(selection.includes(item.owner) for item in activities), len(activities)


def so_far(selection: Selection) -> list[tuple[str, str]]:
    """Return the most important choices as (label, text) lines for the summary beside a form."""
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
    """Whether the setting is content that the person or the site turned off; dependencies do not count."""
    quiet = ("users", "anonymize", "single_names")
    return (
        setting.shown
        and setting.option.kind == "switch"
        and setting.option.backup is not None
        and setting.value is False
        and setting.lock not in ("dependency", "archive")
        and setting.name not in quiet
    )


def faults(settings: Settings) -> list[tuple[str, str]]:
    """Return (field, sentence) for each asked value that is not valid. Locked options are no faults."""
    return [
        (finding.place, f"{finding.message} {finding.hint}".strip())
        for finding in settings.refused
        if finding.code in ("option-usage", "option-empty") and finding.place in settings
    ]
