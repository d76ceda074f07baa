"""Changes to roles of people at the site, in a category and in a course. Each leaves an entry in the audit trail.

Callers check that `by` is an administrator.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import transaction

from archive.errors import NotAllowed, UsageError
from audit.trail import record
from courses.capabilities import assignable_roles
from courses.locks import lock_until_commit
from courses.models import SYSTEM_CONTEXT, Activity, Category, Course, Role, RoleAssignment, User

Place = Course | Category | None
"""Where a role is given: a course, a category, or (None) the site."""

ABOVE_COURSES = frozenset({"manager", "coursecreator", ""})
"""The archetypes of roles that are given at the site and in categories; "" is a role without one."""


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role that a person holds: the assignment, its role, and where it holds.

    `removable` is false for one that an enrolment gave, and for one of an activity: these are changed where they were given.
    """

    assignment: RoleAssignment
    role: Role
    place: Place | Activity
    title: str
    removable: bool


def roles_offered(by: User, place: Place) -> list[Role]:
    """Return the roles that a person may give at a place, in the site's order."""
    if isinstance(place, Course):
        return assignable_roles(by, place)
    offered = set(assignable_roles(by, place))
    if by.is_superuser:
        offered |= set(Role.objects.filter(archetype="coursecreator"))
    return sorted(
        (role for role in offered if role.archetype in ABOVE_COURSES),
        key=lambda role: (role.sortorder, role.pk),
    )


def context_of(place: Place) -> int:
    """Return the id of the context of a place."""
    return SYSTEM_CONTEXT if place is None else place.contextid


def title_of(place: Place | Activity) -> str:
    """Return what people call a place."""
    if place is None:
        return "the whole site"
    if isinstance(place, Course):
        return str(place.fullname)
    return str(place.name if isinstance(place, Category) else place.title)


@transaction.atomic
def give_role(account: User, role: Role, place: Place, *, by: User) -> bool:
    """Give a person a role at a place; return False if the person holds it there already.

    Raises NotAllowed for a role that `by` may not give there, UsageError for an account that is deleted.
    """
    if role not in roles_offered(by, place):
        raise NotAllowed(
            f"The role {role} cannot be given for {title_of(place)}.", hint="Choose another role."
        )
    if account.deleted:
        raise UsageError(f"The account {account} is deleted.", hint="Choose another one.")
    lock_until_commit("role", account.pk)
    context = context_of(place)
    wanted = {"contextid": context, "roleid": role.pk, "userid": account.pk}
    if RoleAssignment.objects.filter(**wanted).exists():
        return False
    RoleAssignment.objects.create(**wanted, modifierid=by.pk, timemodified=int(time.time()))
    _record("role-given", account, role, place, by=by)
    return True


@transaction.atomic
def take_role(given: GivenRole, account: User, *, by: User) -> None:
    """Take a role from a person. Raises UsageError for one that is not given by hand at the site, a category or a course."""
    place = given.place
    if not given.removable or isinstance(place, Activity):
        raise UsageError(
            f"The role {given.role} for {given.title} was given by an enrolment or in an activity.",
            hint="End it where it was given.",
        )
    if RoleAssignment.objects.filter(pk=given.assignment.pk, userid=account.pk).delete()[0]:
        _record("role-taken", account, given.role, place, by=by)


def roles_of(account: User) -> list[GivenRole]:
    """Return the roles that a person holds at the site, in categories, courses and activities, in five queries."""
    held = list(RoleAssignment.objects.filter(userid=account.pk).order_by("pk"))
    roles = Role.objects.in_bulk({one.roleid for one in held})
    contexts = {one.contextid for one in held}
    places: dict[int, Course | Category | Activity] = {}
    for model in (Category, Course, Activity):
        places |= {one.contextid: one for one in model.objects.filter(contextid__in=contexts)}
    found = []
    for one in held:
        place = places.get(one.contextid)
        if one.roleid not in roles or (place is None and one.contextid != SYSTEM_CONTEXT):
            continue
        by_hand = not one.component and not isinstance(place, Activity)
        found.append(GivenRole(one, roles[one.roleid], place, title_of(place), by_hand))
    return found


def _record(action: str, account: User, role: Role, place: Place, *, by: User) -> None:
    record(
        action,
        by=by,
        subject="account",
        subject_id=account.pk,
        title=str(account),
        course=place.pk if isinstance(place, Course) else None,
        role=role.shortname,
        where=title_of(place),
        category=place.pk if isinstance(place, Category) else None,
    )
