"""Template tags: the nodes of trees of sections and activities: with boxes, as `static/coursekeep.js` knows them, and without.

Written by functions, as a course may have thousands of activities: templates took 0.7 ms for each, and this takes 0.02 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from html import escape

from django import template
from django.utils.safestring import SafeString

from courses.services import ActivityLine
from selection.forms import Node
from selection.settings import Setting
from viewer.templatetags.coursekeep import activity_address, activity_icon, activity_type_name, icon

register = template.Library()

LOCKED = ' data-locked="1"'
"""The attribute by which the script knows a box that it must not unlock."""


@register.simple_tag
def tree_nodes(nodes: Iterable[Node], people: bool) -> SafeString:
    """Return the items of a list with the nodes of a tree; `people`: whether people and their work can be chosen."""
    # Every text is escaped where it is put in.
    return SafeString("\n".join(part for node in nodes for part in _node(node, people)))


@register.simple_tag
def review_nodes(nodes: Iterable[Node]) -> SafeString:
    """Return the items of a list that says of each node whether it is chosen, and with what."""
    return _listed(nodes, _review)


@register.simple_tag
def inside_nodes(nodes: Iterable[Node]) -> SafeString:
    """Return the items of a list that names each node with its type, or the number of activities in it."""
    return _listed(nodes, _inside)


@register.simple_tag
def activity_item(activity: ActivityLine, count: str) -> SafeString:
    """Return the item of a list with an activity: a link, its type, what is in it, and whether students see it."""
    said = escape(activity_type_name(activity.modulename))
    said += f" · {escape(count)}" if count else ""
    said += "" if activity.visible else " · hidden from students"
    dim = "" if activity.visible else ' class="dim"'
    symbol, address = activity_icon(activity.modulename), activity_address(activity.id)
    return SafeString(
        f'<li{dim}><span class="kind">{symbol}</span> <span class="name">'
        f'<a href="{address}">{_title(activity)}</a> <span class="under">{said}</span></span></li>'
    )


@register.simple_tag
def activity_box(activity: ActivityLine, node: Node, count: str, chosen: Collection[int]) -> SafeString:
    """Return the item of a list with a box that chooses an activity, ticked if its id is among the chosen ones."""
    box = f"activity-{activity.id}"
    checked = " checked" if activity.id in chosen else ""
    return SafeString(
        f'<li class="check" data-item="activity" data-words="{escape(node.words)}"{"" if node.shown else " hidden"}>'
        f'<input class="form-check-input" type="checkbox" name="activity" id="{box}" value="{activity.id}"{checked}>'
        f' <label class="form-check-label" for="{box}">{activity_icon(activity.modulename)} {_title(activity)}'
        f' <span class="muted small">{escape(count)}</span></label></li>'
    )


def _title(activity: ActivityLine) -> str:
    return escape(activity.title or activity.modulename)


def _listed(nodes: Iterable[Node], line: Callable[[Node], str]) -> SafeString:
    """Return the items of a list with the nodes and those in them, each on the line that a function makes of it."""
    return SafeString("\n".join(part for node in nodes for part in _item(node, line)))


def _item(node: Node, line: Callable[[Node], str]) -> Iterator[str]:
    yield f"<li>{line(node)}"
    if node.children:
        yield "<ul>"
        for child in node.children:
            yield from _item(child, line)
        yield "</ul>"
    yield "</li>"


def _review(node: Node) -> str:
    left_out = node.include is not None and not node.include.value
    css = f"line{' head' if node.item.level == 'section' else ''}{' muted' if left_out else ''}"
    mark = icon("cross", "no", "Left out:") if left_out else icon("check", "yes", "Chosen:")
    people = ""
    if node.people and node.people.value:
        people = f' <span class="tag push">{icon("people", "", "with people and their work")}</span>'
    without = "".join(
        f' <span class="tag">without {escape(one.option.label)}</span>' for one in node.more if not one.value
    )
    return (
        f'<span class="{css}">{mark} <span class="break">{escape(node.label)}</span>{people}{without}</span>'
    )


def _inside(node: Node) -> str:
    section = node.item.level == "section"
    said = ""
    if section and node.activities:
        said = f' <span class="muted small push fw-normal">{node.activities}</span>'
    elif not section:
        kind = escape(activity_type_name(node.item.modulename))
        said = f' <span class="muted small push">{kind}</span>'
    symbol = activity_icon(node.item.modulename)
    css = "line head" if section else "line"
    return f'<span class="{css}">{symbol} <span class="break">{escape(node.label)}</span>{said}</span>'


def _node(node: Node, people: bool) -> Iterator[str]:
    """Yield the HTML of a node and of those in it."""
    item, label = node.item, escape(node.label)
    section = item.level == "section"
    kind = ' class="tree-section"' if section else ""
    hidden = "" if node.shown else " hidden"
    yield f'<li data-item="{item.level}" data-words="{escape(node.words)}"{hidden}{kind}>'
    yield f'<div class="{"tree-head" if section and not node.depth else f"tree-row depth-{node.depth}"}">'
    if node.children:
        yield (
            f'<button type="button" class="fold js-only" aria-expanded="true" aria-controls="in-{escape(item.owner)}"'
            f' aria-label="Fold or unfold {label}">{icon("right")}</button>'
        )
    symbol = activity_icon(item.modulename)
    if node.include:
        yield f'<span class="pick">{_include(node, node.include, f"{symbol} {label}")}</span>'
    else:
        yield f'<span class="pick"><span>{symbol} {label}</span></span>'
    inside = node.activities if section else 0
    yield f'<span class="count">{f"{node.chosen} of {inside}" if inside else escape(node.count)}</span>'
    if people and node.people:
        yield _people(node.people, label)
    for one in node.more:
        yield _more(one, label)
    yield "</div>"
    if node.children:
        yield f'<ul id="in-{escape(item.owner)}">'
        for child in node.children:
            yield from _node(child, people)
        yield "</ul>"
    yield "</li>"


def _include(node: Node, setting: Setting, title: str) -> str:
    """Return the box that includes a node, with its label and what it waits for."""
    name, inside = escape(setting.name), node.item.parent is not None
    waits = setting.lock == "hierarchy"
    locked = bool(setting.lock) and not waits
    described = f' aria-describedby="{name}-waits"' if inside else ""
    box = (
        f'<input class="form-check-input" type="checkbox" id="{name}" name="{name}" value="1" data-part="include"'
        f' data-kind="{escape(node.item.modulename)}"{_state(setting, locked=locked)}{described}>'
    )
    if locked:
        reason = escape(setting.reason)
        title += f' <span class="tag" title="{reason}">{icon("lock")} {reason}</span>'
    why = ""
    if inside:
        shown = "" if waits else " hidden"
        said = f"<span data-waits-for{shown}>left out with its section</span>"
        why = f' <span class="small muted" id="{name}-waits">{said}</span>'
    return f'{box} <span><label for="{name}">{title}</label>{why}</span>'


def _state(setting: Setting, *, locked: bool) -> str:
    """Return the attributes of a box that say whether it is ticked, and whether it can be changed."""
    checked = " checked" if setting.value else ""
    disabled = " disabled" if setting.lock else ""
    return f"{checked}{disabled}{LOCKED if locked else ''}"


def _people(setting: Setting, label: str) -> str:
    """Return the box for people and their work."""
    name = escape(setting.name)
    return (
        f'<span class="people"><input class="form-check-input" type="checkbox" id="{name}" name="{name}" value="1"'
        f' data-part="people"{_state(setting, locked=setting.fixed)}>'
        f' <label for="{name}">people and their work<span class="visually-hidden"> in {label}</span>{_lock(setting)}'
        "</label></span>"
    )


def _lock(setting: Setting) -> str:
    """Return the mark of an option that cannot be changed, with the reason."""
    if not setting.fixed:
        return ""
    return f' <span title="{escape(setting.reason)}">{icon("lock", "", setting.reason)}</span>'


def _more(setting: Setting, label: str) -> str:
    """Return the field of an option that the activity's type has, with its label."""
    name, disabled = escape(setting.name), " disabled" if setting.lock else ""
    said = (
        f'<label for="{name}" title="{escape(setting.option.help)}">{escape(setting.option.label)}'
        f'<span class="visually-hidden"> in {label}</span></label>'
    )
    if setting.option.kind == "switch":
        field = (
            f'<input class="form-check-input" type="checkbox" id="{name}" name="{name}" value="1"'
            f"{_state(setting, locked=setting.fixed)}> {said}"
        )
    elif setting.choices:
        choices = "".join(
            f'<option value="{escape(str(value))}"{" selected" if value == setting.value else ""}>{escape(str(title))}</option>'
            for value, title in setting.choices
        )
        opened = f'<select class="form-select form-select-sm w-auto" id="{name}" name="{name}"{disabled}>'
        field = f"{said} {opened}{choices}</select>"
    else:
        field = (
            f'{said} <input class="form-control form-control-sm w-auto" id="{name}" name="{name}"'
            f' value="{escape(str(setting.value))}" maxlength="{setting.option.length}"{disabled}>'
        )
    return f'<span class="people">{field}{_lock(setting)}</span>'
