"""Groups and groupings, with who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.secrets import WITHHELD
from courses.models import Group, GroupCustomField, Grouping, GroupingCustomField, GroupingGroup, GroupMember
from viewer.page_context import Desk, fact, facts
from viewer.panels import Entry, Panel
from viewer.presentation import Form
from viewer.words import many

SHOWN = 200
VISIBILITY = {0: "", 1: "Seen by members only", 2: "Members see themselves only", 3: "Hidden"}


def present(desk: Desk) -> Iterator[Panel]:
    """The groups, then the sets of groups."""
    groups = Group._base_manager.filter(course=desk.course).order_by("name", "pk")
    yield desk.listed("Groups", groups, lambda rows: _groups(desk, rows))
    groupings = Grouping._base_manager.filter(course=desk.course).order_by("name", "pk")
    yield desk.listed("Groupings", groupings, lambda rows: _groupings(desk, rows))


def _groups(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    members = desk.counts(GroupMember, "group", rows)
    people = desk.below(GroupMember, "group", rows) if desk.people else {}
    values: dict[int, list[Any]] = {}
    for one in GroupCustomField._base_manager.filter(groupid__in=[row.pk for row in rows]):
        values.setdefault(one.groupid, []).append(one)
    for row in rows:
        inside = people.get(row.pk, [])
        yield Entry(
            title=row.name,
            marks=(many(members.get(row.pk, 0), "member"), VISIBILITY.get(row.visibility, "")),
            texts=(_about(desk, row, "group/description"),),
            facts=facts(
                fact("ID number", row.idnumber),
                fact("Enrolment key", WITHHELD if row.enrolmentkey else ""),
                *(fact(one.shortname, one.value) for one in values.get(row.pk, ())),
            ),
            below=tuple(
                Entry(who=desk.person(one.userid), when=one.timeadded, marks=(one.component,))
                for one in inside[:SHOWN]
            ),
            folded="Who is in it" if inside else "",
        )


def _about(desk: Desk, row: Any, area: str) -> Any:
    return desk.rich("", row, "description", area=area, item=row.pk, contextid=desk.course.contextid)


def _groupings(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    inside = desk.below(GroupingGroup, "grouping", rows)
    values: dict[int, list[Any]] = {}
    for one in GroupingCustomField._base_manager.filter(groupingid__in=[row.pk for row in rows]):
        values.setdefault(one.groupingid, []).append(one)
    for row in rows:
        yield Entry(
            title=row.name,
            texts=(_about(desk, row, "grouping/description"),),
            facts=facts(
                fact("ID number", row.idnumber),
                *(fact(one.shortname, one.value) for one in values.get(row.pk, ())),
            ),
            below=tuple(Entry(title=desk.group(one.groupid)) for one in inside.get(row.pk, ())),
        )


FORM = Form(present, title="Groups", order=40, holds=lambda: Group._base_manager.order_by())
