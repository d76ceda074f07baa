"""The access of the person who replaces a course's content: it stays, also if the roles and enrolments of others go.

Moodle gives the restorer a role too (`restore_fix_restorer_access_step`); here it is the role that the person had.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from courses.capabilities import may
from courses.models import Course, Enrol, RoleAssignment, User, UserEnrolment

RIGHT = "moodle/restore:restorecourse"


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The ids of the roles that a person had in a course, and whether the person was enrolled."""

    roles: tuple[int, ...] = ()
    enrolled: bool = False


def access_of(user: User | None, course: Course) -> HeldRoles:
    """Return the roles that a person has in the course itself; none for the site."""
    if user is None:
        return HeldRoles()
    held = RoleAssignment.objects.filter(userid=user.pk, contextid=course.contextid)
    enrolled = UserEnrolment.objects.filter(enrol__course=course, userid=user.pk)
    return HeldRoles(tuple(sorted(set(held.values_list("roleid", flat=True)))), enrolled.exists())


def give_back(user: User | None, course: Course, before: HeldRoles) -> bool:
    """Give a person the roles in a course again that the person had, if the right to restore it is gone; whether it was."""
    if user is None or not before.roles or RIGHT in may(user, course):
        return False
    now = int(time.time())
    RoleAssignment.objects.bulk_create(
        RoleAssignment(roleid=role, userid=user.pk, contextid=course.contextid, timemodified=now)
        for role in before.roles
    )
    if before.enrolled and not UserEnrolment.objects.filter(enrol__course=course, userid=user.pk).exists():
        way = Enrol.objects.filter(course=course, enrol="manual").order_by("pk").first()
        way = way or Enrol.objects.create(course=course, enrol="manual", timecreated=now, timemodified=now)
        UserEnrolment.objects.create(enrol=way, userid=user.pk, timestart=now, timeend=0, timemodified=now)
    return True
