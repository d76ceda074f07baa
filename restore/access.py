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
class HeldEnrolment:
    """A person's enrolment in a course: its status (0 is active, 1 suspended), and its times in epoch seconds."""

    status: int
    timestart: int
    timeend: int


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The roles that a person had in a course, by id with the time when each was given, and the enrolment, if any."""

    roles: tuple[tuple[int, int], ...] = ()
    enrolment: HeldEnrolment | None = None


def access_of(user: User | None, course: Course) -> HeldRoles:
    """Return the roles that a person has in the course itself; none for the site. An active enrolment counts first."""
    if user is None:
        return HeldRoles()
    held = RoleAssignment.objects.filter(userid=user.pk, contextid=course.contextid).order_by("roleid", "-pk")
    enrolled = UserEnrolment.objects.filter(enrol__course=course, userid=user.pk)
    first = enrolled.order_by("status", "pk").first()
    return HeldRoles(
        tuple(sorted(dict(held.values_list("roleid", "timemodified")).items())),
        HeldEnrolment(first.status, first.timestart, first.timeend) if first else None,
    )


def give_back(user: User | None, course: Course, before: HeldRoles) -> bool:
    """Give a person the roles in a course again that the person had, if the right to restore it is gone; whether it was.

    The enrolment comes back as it was: one that was suspended stays suspended, and ends when it would have ended.
    """
    if user is None or not before.roles or RIGHT in may(user, course):
        return False
    now = int(time.time())
    RoleAssignment.objects.bulk_create(
        RoleAssignment(roleid=role, userid=user.pk, contextid=course.contextid, timemodified=given)
        for role, given in before.roles
    )
    there = UserEnrolment.objects.filter(enrol__course=course, userid=user.pk).exists()
    if (held := before.enrolment) is not None and not there:
        way = Enrol.objects.filter(course=course, enrol="manual").order_by("pk").first()
        way = way or Enrol.objects.create(course=course, enrol="manual", timecreated=now, timemodified=now)
        UserEnrolment.objects.create(
            enrol=way,
            userid=user.pk,
            status=held.status,
            timestart=held.timestart,
            timeend=held.timeend,
            timemodified=now,
        )
    return True
