"""The parts of the page “People and roles”: people in conflict, both sides of each, and the roles of the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import QuerySet

from archive import xml
from archive.errors import UsageError
from archive.numbers import whole_or
from courses.capabilities import courses_where
from courses.fields import NULL
from courses.models import Course, Role, User, UserEnrolment
from restore.context import RestoreContext
from restore.match import ArchivedPerson, Match, RoleMatch, match_roles, match_users, read_role_choices
from restore.match.decisions import CHOICES, Choice, PersonDecision, read_decisions
from restore.match.review import DECIDABLE
from restore.match.roles import NO_ROLE, ArchivedRole
from restore.people import CREATE_USER, USERS, decisions_of, read_people, read_roles, roles_here

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


@dataclass
class People:
    """All people of an archive as the rules match them, before anybody decides, and the decisions so far."""

    matched: int = 0
    created: int = 0
    conflicts: list[tuple[ArchivedPerson, Match]] = field(default_factory=list)
    decided: dict[str, PersonDecision] = field(default_factory=dict)

    @property
    def undecided(self) -> int:
        """The number of people in conflict about whom nobody has decided."""
        return sum(_decision(self, person, match) is None for person, match in self.conflicts)


def people_of(context: RestoreContext) -> People:
    """Return the people of an archive; none if they are not restored.

    Those who need an account that the person may not create are in conflict too: they can be left out.
    """
    found = People(decided=_decided(context))
    if not context.selection.people:
        return found
    rules = replace(decisions_of(context), by_name={})
    seen: list[ArchivedPerson] = []

    def people() -> Iterator[ArchivedPerson]:
        for person, _ in read_people(context):
            seen.append(person)
            yield person

    for index, match in enumerate(match_users(people(), same_site=context.made_here, decisions=rules)):
        if match.action == "map":
            found.matched += 1
        elif match.action == "create" and CREATE_USER in context.may:
            found.created += 1
        else:
            found.conflicts.append((seen[index], match))
    return found


def conflicts_of(
    context: RestoreContext, found: People, some: Sequence[tuple[ArchivedPerson, Match]]
) -> list[Conflict]:
    """Return the rows of the page for some people in conflict, with what the viewer may see of both sides."""
    keys = {person.id for person, _ in some}
    archived = _archived_sides(context, keys)
    targets = {match.target for _, match in some if match.target is not None}
    visible = CREATE_USER in context.may
    here = _sides_here(context, targets) if visible else {}
    decisions = (
        decisions_of(context) if not found.decided else replace(decisions_of(context), by_name=found.decided)
    )
    return [
        Conflict(
            key=person.id,
            username=person.username,
            why=match.sentence,
            archived=archived.get(person.id) or ShownPerson("", person.email, 0),
            here=here.get(match.target or 0),
            hidden=match.target is not None and not visible,
            choices=_choices(context, match),
            decision=_decision(found, person, match),
            suggested=decisions.new_name(person.username, PersonDecision("new")),
        )
        for person, match in some
    ]


def _choices(context: RestoreContext, match: Match) -> tuple[Choice, ...]:
    """Return what can be chosen about a person in conflict."""
    if CREATE_USER in context.may and match.rule in DECIDABLE:
        return CHOICES
    return ("out",)


def _decision(found: People, person: ArchivedPerson, match: Match) -> PersonDecision | None:
    """Return the decision about a person in conflict so far; one about all others is not about people whom it does not help."""
    named = found.decided.get(person.username)
    others = found.decided.get("*")
    if named is None and others is not None and (match.rule in DECIDABLE or match.action == "create"):
        return others if match.action == "conflict" or others.choice == "out" else None
    return named


def _decided(context: RestoreContext) -> dict[str, PersonDecision]:
    """Return the decisions in the option `accounts`; none if it cannot be read."""
    try:
        return read_decisions(context.selection.settings.text("accounts"))
    except UsageError:
        return {}


def _archived_sides(context: RestoreContext, keys: set[int]) -> dict[int, ShownPerson]:
    """Return what the archive says of people, by their ids there."""
    found: dict[int, ShownPerson] = {}
    if not keys:
        return found
    course = (context.manifest.original_course_fullname,)
    with context.archive.open(USERS) as stream:
        for element in xml.records(stream, member=USERS, tags=("user",)):
            key = whole_or(element.get("id"))
            if key in keys and element.get("contextid") is not None:
                first, last, email, access = (
                    "" if text == NULL else text or ""
                    for text in map(element.findtext, ("firstname", "lastname", "email", "lastaccess"))
                )
                found[key] = ShownPerson(f"{first} {last}".strip(), email, whole_or(access), course)
    return found


def _sides_here(context: RestoreContext, ids: Iterable[int]) -> dict[int, ShownPerson]:
    """Return what is shown of accounts, by their ids, with the courses that the viewer may look at."""
    accounts = User.objects.filter(pk__in=set(ids))
    courses: dict[int, dict[int, str]] = {}
    enrolled = UserEnrolment.objects.filter(
        userid__in=accounts.values("pk"), enrol__course__in=_visible(context)
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


def _visible(context: RestoreContext) -> QuerySet[Course]:
    return Course.objects.all() if context.by is None else courses_where(context.by, LOOK)


def role_rows(context: RestoreContext) -> list[RoleRow]:
    """Return a row for each role of the archive; none if people do not come, since nobody has a role then."""
    if not context.selection.people:
        return []
    known, assignable = roles_here(context)
    roles = [role for role, _ in read_roles(context)]
    matches, _ = match_roles(roles, assignable, known=known, may=context.may)
    try:
        choices = read_role_choices(context.selection.settings.text("roles"))
    except UsageError:
        choices = {}
    names = {role.id: str(role) for role in (*known, *assignable)}
    return [
        _role_row(role, matches[role.id], assignable, choices.get(role.shortname, ""), names.get)
        for role in roles
    ]


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
        role.id, role.name or role.shortname, role.shortname, selected, tuple(options), lost and not chosen
    )
