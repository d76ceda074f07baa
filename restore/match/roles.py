"""Match the roles in an archive with those of this site, and decide which role overrides are restored.

The order is Moodle's (`restore_dbops.class.php`, 362-398). Moodle never makes a role, and so loses those that
the site lacks; here a person with the right `coursekeep/role:create` keeps every role apart.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from archive.errors import NotAllowed, UsageError
from archive.findings import Finding
from courses.capabilities import CAPABILITIES, INHERIT

CREATE_ROLE = "coursekeep/role:create"
NO_ROLE = "none"
"""The choice that nobody gets a role of the archive."""

NO_CHOICES: Mapping[str, str] = MappingProxyType({})


class SiteRole(Protocol):
    """A role of this site."""

    id: int
    shortname: str
    archetype: str


@dataclass(frozen=True, slots=True)
class ArchivedRole:
    """A role in the archive's `roles.xml`."""

    id: int
    shortname: str
    name: str = ""
    archetype: str = ""


@dataclass(frozen=True, slots=True)
class RoleMatch:
    """The match of a role in the archive: an existing role, a new one, or none."""

    old_id: int
    action: Literal["map", "create", "skip"]
    target: int | None
    rule: Literal["shortname", "archetype", "teacher", "new", "none", "chosen"]


def match_role(
    role: ArchivedRole, assignable: Sequence[SiteRole], *, known: Sequence[SiteRole], may: Collection[str]
) -> RoleMatch:
    """Return the match of a role in the archive, for a person who may assign `assignable` among the `known` roles.

    The same short name, else the same archetype, else, for editing teachers, a role of teachers. With the
    right to create roles: the known role of the same short name, else a new one that may what its archetype
    may and no more.
    """
    for each in known if CREATE_ROLE in may else assignable:
        if each.shortname == role.shortname:
            return RoleMatch(role.id, "map", each.id, "shortname")
    if CREATE_ROLE in may and role.shortname:
        return RoleMatch(role.id, "create", None, "new")
    for each in assignable:
        if role.archetype and each.archetype == role.archetype:
            return RoleMatch(role.id, "map", each.id, "archetype")
    for each in assignable if role.archetype == "editingteacher" else ():
        if each.archetype == "teacher":
            return RoleMatch(role.id, "map", each.id, "teacher")
    return RoleMatch(role.id, "skip", None, "none")


def read_role_choices(text: str) -> dict[str, str]:
    """Return the choices of the option `roles`: `student=observer, custom=none`. Raises UsageError for anything else.

    They are short names: of a role in the archive, and of the role of this site that people get instead. A part that holds a
    comma stands in double quotes.
    """
    found: dict[str, str] = {}
    for line in csv.reader([text], skipinitialspace=True):
        for part in filter(None, (part.strip() for part in line)):
            name, _, chosen = (each.strip() for each in part.rpartition("="))
            if not name or not chosen:
                raise UsageError(
                    f"The option roles cannot hold “{part}”.",
                    hint="Write NAME=OTHER or NAME=none for each role, by short names, separated by commas.",
                )
            found[name] = chosen
    return found


def require_role_choices(
    choices: Mapping[str, str],
    roles: Iterable[ArchivedRole],
    assignable: Sequence[SiteRole],
    *,
    known: Sequence[SiteRole],
) -> None:
    """Raise UsageError if a choice names a role that is not in the archive or not on this site, NotAllowed if the person may
    not assign it."""
    there = {role.shortname for role in roles}
    here, may_assign = {role.shortname for role in known}, {role.shortname for role in assignable}
    for name, chosen in choices.items():
        if name not in there:
            raise UsageError(
                f"The option roles names “{name}”, and the archive has no such role.",
                hint=f"It has: {', '.join(sorted(there)) or 'none'}.",
            )
        if chosen != NO_ROLE and chosen not in here:
            raise UsageError(
                f"The option roles names “{chosen}”, and this site has no such role.",
                hint=f"You may assign: {', '.join(sorted(may_assign)) or 'none'}.",
            )
        if chosen != NO_ROLE and chosen not in may_assign:
            raise NotAllowed(
                f"You may not assign the role “{chosen}” here, which the option roles gives to “{name}”.",
                hint=f"You may assign: {', '.join(sorted(may_assign)) or 'none'}.",
            )


def match_roles(
    roles: Iterable[ArchivedRole],
    assignable: Sequence[SiteRole],
    *,
    known: Sequence[SiteRole],
    may: Collection[str],
    choices: Mapping[str, str] = NO_CHOICES,
) -> tuple[dict[int, RoleMatch], list[Finding]]:
    """Return the match of each role in the archive by its id there, and the findings about them; `choices` come first."""
    matches: dict[int, RoleMatch] = {}
    findings: list[Finding] = []
    names = {each.id: each.shortname for each in (*known, *assignable)}
    new: set[str] = set()
    for role in roles:
        match = _chosen(role, assignable, choices) or match_role(role, assignable, known=known, may=may)
        if match.rule == "new" and role.shortname in new:
            match = RoleMatch(role.id, "skip", None, "none")
        elif match.rule == "new":
            new.add(role.shortname)
        matches[role.id] = match
        finding = _finding_about(role, match, names)
        if finding is not None:
            findings.append(finding)
    return matches, findings


def _chosen(
    role: ArchivedRole, assignable: Sequence[SiteRole], choices: Mapping[str, str]
) -> RoleMatch | None:
    """Return the match that somebody chose for a role; None if nobody did."""
    chosen = choices.get(role.shortname)
    if chosen is None:
        return None
    target = next((each.id for each in assignable if each.shortname == chosen), None)
    return RoleMatch(role.id, "skip" if target is None else "map", target, "chosen")


def _finding_about(role: ArchivedRole, match: RoleMatch, names: dict[int, str]) -> Finding | None:
    """Return the finding about a role's match; None if it is the same role."""
    place, name = f"roles.xml, role {role.id}", role.name or role.shortname
    if match.rule == "none":
        message = f"Nobody gets the role “{name}”: there is none like it that you may assign."
        hint = "Assign roles by hand afterwards, or ask somebody who may create roles."
        return Finding("warning", "role-skipped", message, place, hint)
    if match.rule == "chosen" and match.target is None:
        return Finding("info", "role-skipped", f"Nobody gets the role “{name}”, as chosen.", place)
    if match.rule == "new":
        message = f"The role “{name}” is new here and will be made; it may what its archetype may."
        return Finding("info", "role-created", message, place)
    same = match.rule == "chosen" and match.target is not None and names[match.target] == role.shortname
    if match.rule != "shortname" and not same and match.target is not None:
        return Finding("info", "role-replaced", f"The role “{name}” becomes “{names[match.target]}”.", place)
    return None


def review_override(capability: str, permission: int, *, may: Collection[str], place: str) -> Finding | None:
    """Return a warning if a role override must be left out, as it would allow what the person may not do; else None.

    Otherwise a teacher could restore an archive that lets teachers take people's data out of the course.
    """
    if permission <= INHERIT or capability not in CAPABILITIES or capability in may:
        return None
    what = CAPABILITIES[capability].allows
    message = f"The archive lets a role do “{what}” ({capability}), which you may not do yourself."
    return Finding("warning", "override-skipped", message, place, "This exception is left out.")
