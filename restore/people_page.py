"""The parts of the page “People and roles”: people in conflict, both sides of each, and the roles of the archive.

What the archive says was found by a job (`restore/people_jobs.py`); what is here is looked up when the page is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.errors import UsageError
from archive.manifest import Manifest
from courses.capabilities import courses_where
from courses.models import Role, User, UserEnrolment
from courses.models.people import role_title
from restore.found_people import FoundPeople, PersonInConflict
from restore.match import (
    Decisions,
    Match,
    RoleMatch,
    match_roles,
    match_users,
    read_role_choices,
    require_role_choices,
)
from restore.match.decisions import ALL_OTHERS, CHOICES, Choice, PersonDecision, read_decisions
from restore.match.review import DECIDABLE
from restore.match.roles import NO_ROLE, ArchivedRole
from restore.people import CREATE_USER, decisions_of, roles_here
from restore.services import ChosenRestore

PER_PAGE = 50
NAMED_COURSES = 5
"""So many courses of a person are named; the others are counted."""

LOOK = "moodle/course:view"


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """A person as the page shows them: in the archive, or the account here. `more` counts courses that are not named."""

    name: str
    email: str
    lastaccess: int
    courses: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """A person about whom somebody has to decide.

    `key` is the id in the archive. `here` is None if there is no account here, or if the viewer may not see it: then `hidden`.
    `decision` is the one so far; `suggested` the user name of a new account that nobody chose.
    """

    key: int
    username: str
    why: str
    archived: ShownPerson
    here: ShownPerson | None
    hidden: bool
    choices: tuple[Choice, ...]
    decision: PersonDecision | None
    suggested: str

    @property
    def chosen(self) -> str:
        """The choice so far, empty if there is none."""
        return self.decision.choice if self.decision else ""

    @property
    def new_name(self) -> str:
        """The user name that a new account would get."""
        return (self.decision.username if self.decision else "") or self.suggested


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of the archive; `options` are (short name, name) of the roles that it can become, "" for the automatic match."""

    key: int
    name: str
    shortname: str
    chosen: str
    options: tuple[tuple[str, str], ...]
    lost: bool


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """The people and roles of one restore: what was found, and the choices of the person who decides, so far."""

    by: User
    manifest: Manifest
    choice: ChosenRestore
    found: FoundPeople

    @property
    def decided(self) -> dict[str, PersonDecision]:
        """The decisions in the option `accounts`; none if it cannot be read."""
        try:
            return read_decisions(self.choice.settings.text("accounts"))
        except UsageError:
            return {}

    @property
    def decisions(self) -> Decisions:
        """The decisions with all that they depend on."""
        try:
            return decisions_of(self.choice.settings, self.manifest, self.choice.may)
        except UsageError:
            return Decisions({}, may_create=CREATE_USER in self.choice.may)

    @property
    def undecided(self) -> int:
        """The number of people in conflict about whom nobody has decided, and of those who are not listed."""
        decided = self.decided
        left = sum(_decision(decided, one) is None for one in self.found.conflicts)
        return left + (0 if ALL_OTHERS in decided else self.found.more)

    def rows(self, some: Sequence[PersonInConflict]) -> list[Conflict]:
        """Return the rows of some people in conflict, with what the viewer may see of both sides."""
        visible = CREATE_USER in self.choice.may
        targets = {one.match.target for one in some if one.match.target is not None}
        here = _sides_here(self.by, targets) if visible else {}
        decided, decisions = self.decided, self.decisions
        return [
            Conflict(
                key=one.person.id,
                username=one.person.username,
                why=one.match.sentence,
                archived=ShownPerson(
                    f"{one.person.firstname} {one.person.lastname}".strip(),
                    one.person.email,
                    one.lastaccess,
                    (self.manifest.original_course_fullname,),
                ),
                here=here.get(one.match.target or 0),
                hidden=one.match.target is not None and not visible,
                choices=CHOICES if visible and one.match.rule in DECIDABLE else ("out",),
                decision=_decision(decided, one),
                suggested=decisions.new_name(one.person.username, PersonDecision("new")),
            )
            for one in some
        ]

    def roles(self) -> list[RoleRow]:
        """Return a row for each role of the archive; none if people do not come, since nobody has a role then."""
        known, assignable = roles_here(self.by, self.choice.target)
        matches, _ = match_roles(self.found.roles, assignable, known=known, may=self.choice.may)
        try:
            choices = read_role_choices(self.choice.settings.text("roles"))
        except UsageError:
            choices = {}
        names = {role.id: str(role) for role in (*known, *assignable)}
        return [
            _role_row(role, matches[role.id], assignable, choices.get(role.shortname, ""), names.get)
            for role in self.found.roles
        ]

    def require_roles(self) -> None:
        """Raise UsageError or NotAllowed for a choice of a role that cannot be made, or not by this person."""
        known, assignable = roles_here(self.by, self.choice.target)
        choices = read_role_choices(self.choice.settings.text("roles"))
        require_role_choices(choices, self.found.roles, assignable, known=known)

    def still_in_conflict(self) -> list[Match]:
        """Return the matches of the listed people who are in conflict also with the decisions so far."""
        people = (one.person for one in self.found.conflicts)
        matches = match_users(people, same_site=self.found.same_site, decisions=self.decisions)
        return [match for match in matches if match.action == "conflict"]


def _decision(decided: Mapping[str, PersonDecision], one: PersonInConflict) -> PersonDecision | None:
    """Return the decision about a person in conflict so far; one about all others is not about people whom it does not help."""
    named, match = decided.get(one.person.username), one.match
    others = decided.get(ALL_OTHERS)
    if named is None and others is not None and (match.rule in DECIDABLE or match.action == "create"):
        return others if match.action == "conflict" or others.choice == "out" else None
    return named


def _sides_here(by: User, ids: Iterable[int]) -> dict[int, ShownPerson]:
    """Return what is shown of accounts, by their ids, with the courses that the viewer may look at."""
    accounts = User.objects.filter(pk__in=set(ids))
    courses: dict[int, dict[int, str]] = {}
    enrolled = UserEnrolment.objects.filter(
        userid__in=accounts.values("pk"), enrol__course__in=courses_where(by, LOOK)
    )
    for user, pk, name in enrolled.values_list("userid", "enrol__course", "enrol__course__fullname"):
        courses.setdefault(user, {})[pk] = name
    found = {}
    for account in accounts:
        names = sorted(courses.get(account.pk, {}).values())
        found[account.pk] = ShownPerson(
            f"{account.firstname} {account.lastname}".strip(),
            account.email,
            account.lastaccess,
            tuple(names[:NAMED_COURSES]),
            max(len(names) - NAMED_COURSES, 0),
        )
    return found


def _role_row(
    role: ArchivedRole,
    match: RoleMatch,
    assignable: Sequence[Role],
    chosen: str,
    name_of: Callable[[int], str | None],
) -> RoleRow:
    """Return the row of one role: the automatic match is the first option, unless it is that nobody gets the role."""
    options = [(one.shortname, str(one)) for one in assignable if one.pk != match.target]
    options.append((NO_ROLE, "Nobody gets it"))
    if match.action == "map":
        options.insert(0, ("", name_of(match.target or 0) or ""))
    elif match.action == "create":
        options.insert(0, ("", "A new role, which may what its kind may"))
    lost = match.action == "skip"
    same = next((one.shortname for one in assignable if one.pk == match.target), None)
    selected = "" if chosen == same else chosen or (NO_ROLE if lost else "")
    return RoleRow(
        role.id,
        role_title(role.name, role.shortname),
        role.shortname,
        selected,
        tuple(options),
        lost and not chosen,
    )
