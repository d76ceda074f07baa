"""The people in conflict and the roles that a job finds in an archive, for the page “People and roles”."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from archive import xml
from archive.numbers import whole_or
from restore.context import RestoreContext
from restore.match import ArchivedPerson, ArchivedRole, Match, match_users
from restore.people import CREATE_USER, USERS, decisions_of, read_people, read_roles

MOST_LISTED = 500
"""So many people in conflict are kept for the page; the others are counted."""


@dataclass(frozen=True, slots=True)
class PersonInConflict:
    """A person in an archive about whom somebody has to decide; `lastaccess` is in epoch seconds, 0 for never."""

    person: ArchivedPerson
    match: Match
    lastaccess: int = 0


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """The people of an archive as the rules match them before anybody decides, and its roles.

    `same_site` says that the ids in the archive are this site's. `more` counts the people in conflict who are not listed.
    """

    same_site: bool = False
    matched: int = 0
    created: int = 0
    more: int = 0
    conflicts: tuple[PersonInConflict, ...] = ()
    roles: tuple[ArchivedRole, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, for the result of a job."""
        return asdict(self)

    def with_user_names_only(self) -> FoundPeople:
        """Return it without names, e-mail addresses, accesses and accounts of the people in conflict, and without the roles."""
        bare = (
            PersonInConflict(
                ArchivedPerson(id=one.person.id, username=one.person.username),
                replace(one.match, target=None),
            )
            for one in self.conflicts
        )
        return replace(self, conflicts=tuple(bare), roles=())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FoundPeople:
        """Return what `as_json` has written."""
        conflicts = tuple(
            PersonInConflict(ArchivedPerson(**one["person"]), Match(**one["match"]), one["lastaccess"])
            for one in data["conflicts"]
        )
        roles = tuple(ArchivedRole(**one) for one in data["roles"])
        return cls(**{**data, "conflicts": conflicts, "roles": roles})


def find_people(context: RestoreContext) -> FoundPeople:
    """Return the people and roles of the archive of a restore; none if it brings no people.

    Those who need an account that the person may not create are in conflict too: they can be left out. Raises InvalidValue
    for a number that is none, and what reading the archive raises.
    """
    if not context.selection.people:
        return FoundPeople()
    decisions = decisions_of(context.selection.settings, context.manifest, context.may)
    seen: deque[ArchivedPerson] = deque()

    def people() -> Iterator[ArchivedPerson]:
        for person, _ in read_people(context):
            seen.append(person)
            yield person

    matched = created = more = 0
    conflicts: list[PersonInConflict] = []
    rules = replace(decisions, by_name={})
    for match in match_users(people(), same_site=context.made_here, decisions=rules):
        person = seen.popleft()
        if match.action == "map":
            matched += 1
        elif match.action == "create" and CREATE_USER in context.may:
            created += 1
        elif len(conflicts) == MOST_LISTED:
            more += 1
        else:
            conflicts.append(PersonInConflict(person, match))
    accesses = _last_accesses(context, {one.person.id for one in conflicts})
    listed = tuple(replace(one, lastaccess=accesses.get(one.person.id, 0)) for one in conflicts)
    roles = tuple(role for role, _ in read_roles(context))
    return FoundPeople(context.made_here, matched, created, more, listed, roles)


def _last_accesses(context: RestoreContext, keys: set[int]) -> dict[int, int]:
    """Return the last accesses that the archive has of people, by their ids there."""
    found: dict[int, int] = {}
    if not keys:
        return found
    with context.archive.open(USERS) as stream:
        for element in xml.records(stream, member=USERS, tags=("user",)):
            key = whole_or(element.get("id"))
            if key in keys and element.get("contextid") is not None:
                found[key] = whole_or(element.findtext("lastaccess"))
    return found
