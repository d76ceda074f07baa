"""Groups and groupings, with their members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.secrets import WITHHELD
from courses.models import Group, GroupCustomField, Grouping, GroupingCustomField, GroupingGroup, GroupMember
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation
from viewer.words import many

SHOWN = 200
"""People that are named in each group, at most."""

MOST_LISTED, FEWEST_LISTED, NAMED = 20, 4, 1_200
"""Groups on a page: fewer where they are large, so that about so many people are named on it."""

VISIBILITY = {0: "", 1: "Seen by members only", 2: "Members see themselves only", 3: "Hidden"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the groups, then the groupings."""
    groups = Group._base_manager.filter(course=page.course).order_by("name", "pk")
    yield page.listed("Groups", groups, lambda rows: _groups(page, rows), size=_size(page))
    groupings = Grouping._base_manager.filter(course=page.course).order_by("name", "pk")
    yield page.listed("Groupings", groupings, lambda rows: _groupings(page, rows))


def _size(page: PageContext) -> int:
    """Return the number of groups on a page, by the number of people in the groups of the course."""
    if not page.people:
        return MOST_LISTED
    members = GroupMember._base_manager.filter(group__course=page.course).order_by().count()
    groups = Group._base_manager.filter(course=page.course).order_by().count()
    named = min(SHOWN, members // max(1, groups))
    return max(FEWEST_LISTED, min(MOST_LISTED, NAMED // max(1, named)))


def _groups(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    members = page.counts(GroupMember, "group", rows)
    people = page.below(GroupMember, "group", rows) if page.people else {}
    values: dict[int, list[Any]] = {}
    for one in GroupCustomField._base_manager.filter(groupid__in=[row.pk for row in rows]):
        values.setdefault(one.groupid, []).append(one)
    for row in rows:
        inside = people.get(row.pk, [])
        yield Entry(
            title=row.name,
            marks=(many(members.get(row.pk, 0), "member"), VISIBILITY.get(row.visibility, "")),
            texts=(_about(page, row, "group/description"),),
            facts=facts(
                fact("ID number", row.idnumber),
                fact("Enrolment key", WITHHELD if row.enrolmentkey else ""),
                *(fact(one.shortname, one.value) for one in values.get(row.pk, ())),
            ),
            below=tuple(
                Entry(who=page.person(one.userid), when=one.timeadded, marks=(one.component,))
                for one in inside[:SHOWN]
            ),
            folded="Who is in it" if inside else "",
        )


def _about(page: PageContext, row: Any, area: str) -> Any:
    return page.rich("", row, "description", area=area, item=row.pk, contextid=page.course.contextid)


def _groupings(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    inside = page.below(GroupingGroup, "grouping", rows)
    values: dict[int, list[Any]] = {}
    for one in GroupingCustomField._base_manager.filter(groupingid__in=[row.pk for row in rows]):
        values.setdefault(one.groupingid, []).append(one)
    for row in rows:
        yield Entry(
            title=row.name,
            texts=(_about(page, row, "grouping/description"),),
            facts=facts(
                fact("ID number", row.idnumber),
                *(fact(one.shortname, one.value) for one in values.get(row.pk, ())),
            ),
            below=tuple(Entry(title=page.group(one.groupid)) for one in inside.get(row.pk, ())),
        )


PRESENTATION = Presentation(present, title="Groups", order=40, holds=lambda: Group._base_manager.order_by())
