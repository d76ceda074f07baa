"""SCORM package: its items as a tree, and the tracked values of each attempt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import natural, whole_or
from courses.activities.scorm import ScormSco, ScormScoProperty, ScormTrack
from viewer.page_context import PageContext, fact, facts, marks
from viewer.panels import Entry, Panel, Value
from viewer.presentation import Presentation

DEEPEST = 20
STARTED = "x.start.time"
"""The track that Moodle itself writes: when an item was first opened, in epoch seconds."""


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the table of contents, then the attempts."""
    items = list(ScormSco._base_manager.filter(scorm=page.content).order_by("sortorder", "pk"))
    if items:
        yield Panel("Items", len(items), entries=tuple(_tree(page, items)), style="outline")
    tracks = ScormTrack._base_manager.filter(sco__scorm=page.content)
    attempts = tracks.order_by("userid", "attempt").values_list("userid", "attempt").distinct()
    yield page.listed("Attempts", attempts, lambda rows: _attempts(page, rows), userdata=True)


def _tree(page: PageContext, items: list[Any]) -> Iterable[Entry]:
    """Return the items as a tree; a parent is looked up within the item's manifest."""
    said = page.below(ScormScoProperty, "sco", items)
    inside: dict[tuple[str, str], list[Any]] = {}
    names = {(one.organization, one.identifier) for one in items} | {("", one.identifier) for one in items}
    tops = []
    for one in items:
        known = (one.organization, one.parent) in names or ("", one.parent) in names
        if known and one.parent != one.identifier:
            inside.setdefault((one.manifest, one.parent), []).append(one)
        else:
            tops.append(one)

    def shown(one: Any, depth: int) -> Entry:
        below = inside.pop((one.manifest, one.identifier), []) if depth < DEEPEST else []
        return Entry(
            title=one.title or one.identifier,
            marks=marks(SCO=one.scormtype == "sco", Starts_here=one.pk == page.content.launch),
            facts=facts(
                fact("Opens", one.launch),
                *(fact(row.name, row.value) for row in said.get(one.pk, ()) if row.name != "isvisible"),
            ),
            below=tuple(shown(child, depth + 1) for child in below),
        )

    entries = [shown(one, 0) for one in tops]
    return [*entries, *(Entry(title=one.title or one.identifier) for left in inside.values() for one in left)]


def _attempts(page: PageContext, pairs: list[Any]) -> Iterable[Entry]:
    people = {person for person, _ in pairs}
    found: dict[tuple[int, int], dict[str, list[Any]]] = {}
    tracks = ScormTrack._base_manager.filter(sco__scorm=page.content, userid__in=people).select_related("sco")
    for row in tracks.order_by("sco__sortorder", "pk"):
        found.setdefault((row.userid, row.attempt), {}).setdefault(
            row.sco.title or row.sco.identifier, []
        ).append(row)
    for person, attempt in pairs:
        noted = found.get((person, attempt), {})
        rows = [row for some in noted.values() for row in some]
        said = {row.element: row.value for row in rows}
        status = said.get("cmi.core.lesson_status") or said.get("cmi.completion_status") or ""
        score = said.get("cmi.core.score.raw") or said.get("cmi.score.raw") or ""
        yield Entry(
            title=page.person(person),
            when=max((row.timemodified for row in rows), default=0),
            marks=(f"Attempt {attempt}", status, f"Score {score}" if score else ""),
            below=tuple(
                Entry(title=title, facts=tuple(_track_value(row) for row in some))
                for title, some in noted.items()
            ),
            folded=f"{len(rows)} values noted",
        )


def _track_value(row: Any) -> Value:
    begun = row.element == STARTED and natural(row.value) is not None
    return fact("Begun", whole_or(row.value), "moment") if begun else fact(row.element, row.value)


MEANINGS: dict[str, dict[Any, str]] = {
    "scorm.completionstatusrequired": {2: "passed", 4: "completed", 6: "passed or completed"},
    "scorm.displayattemptstatus": {1: "everywhere", 2: "on the dashboard", 3: "on entry"},
    "scorm.forcenewattempt": {1: "when one is completed", 2: "always"},
    "scorm.grademethod": {0: "items done", 1: "highest grade", 2: "average", 3: "sum"},
    "scorm.hidetoc": {1: "hidden", 2: "in a list", 3: "switched off"},
    "scorm.nav": {1: "under the content", 2: "floating"},
    "scorm.popup": {1: "in a new window"},
    "scorm.skipview": {1: "at first", 2: "always"},
    "scorm.updatefreq": {1: "always", 2: "every day", 3: "every time it is used"},
    "scorm.whatgrade": {0: "highest", 1: "average", 2: "first", 3: "last"},
}

PRESENTATION = Presentation(present, covers=(ScormSco, ScormScoProperty, ScormTrack), meanings=MEANINGS)
