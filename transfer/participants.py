"""Participants of a copy of a course: people by the roles that they have in the course."""

from __future__ import annotations

import time
from collections.abc import Collection

from courses.models import Course, Enrol, RoleAssignment, UserEnrolment

BATCH = 1000


def enrol(source: Course, copy: Course, roles: Collection[int]) -> int:
    """Enrol those people in a copy by hand who have one of the roles (ids) in the course; return their number.

    Who is not enrolled in the course is not in the copy either.
    """
    now = int(time.time())
    enrolments = UserEnrolment.objects.filter(enrol__course=source).order_by("userid", "status", "id")
    there = {one.userid: one for one in reversed(enrolments)}
    found = RoleAssignment.objects.filter(contextid=source.contextid, roleid__in=roles, userid__in=there)
    pairs = sorted(set(found.values_list("userid", "roleid")))
    manual = Enrol.objects.filter(course=copy, enrol="manual").order_by("id").first()
    manual = manual or Enrol.objects.create(course=copy, enrol="manual", timecreated=now, timemodified=now)
    people = sorted({user for user, _ in pairs})
    UserEnrolment.objects.bulk_create(
        (
            UserEnrolment(
                enrol=manual,
                userid=user,
                status=there[user].status,
                timestart=there[user].timestart,
                timeend=there[user].timeend,
                timemodified=now,
            )
            for user in people
        ),
        batch_size=BATCH,
    )
    RoleAssignment.objects.bulk_create(
        (
            RoleAssignment(contextid=copy.contextid, roleid=role, userid=user, timemodified=now)
            for user, role in pairs
        ),
        batch_size=BATCH,
    )
    return len(people)


def keep_only(copy: Course, roles: Collection[int]) -> int:
    """Remove all other roles (ids) from a copy, and the enrolments of those who have none left; return their number.

    What these people made stays.
    """
    RoleAssignment.objects.filter(contextid=copy.contextid).exclude(roleid__in=roles).delete()
    holders = RoleAssignment.objects.filter(contextid=copy.contextid).values("userid")
    gone = UserEnrolment.objects.filter(enrol__course=copy).exclude(userid__in=holders)
    people = gone.order_by().values("userid").distinct().count()
    gone.delete()
    return people
