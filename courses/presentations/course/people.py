"""People: who is enrolled, how, in which roles; and the ways into the course."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from courses.models import (
    Enrol,
    GroupMember,
    Role,
    RoleAssignment,
    RoleName,
    RoleOverride,
    User,
    UserEnrolment,
)
from courses.models.logs import LastAccess
from courses.models.published import PublishedTool, PublishedToolUser
from courses.presentations import Form
from courses.presentations.desk import Desk, table, when
from courses.presentations.shapes import Panel, Table, Value

WAYS = {
    "manual": "By hand",
    "self": "By themselves",
    "guest": "Guests",
    "cohort": "From a cohort",
    "meta": "From another course",
    "lti": "From other sites, as a tool",
}
PERMISSIONS = {1: "Allow", -1: "Prevent", -1000: "Prohibit", 0: "Inherit"}


def present(desk: Desk) -> Iterator[Panel]:
    """The people, the ways in, and what roles may in this course only."""
    enrolled = UserEnrolment._base_manager.filter(enrol__course=desk.course).values("userid")
    people = User.objects.filter(pk__in=enrolled).order_by("lastname", "firstname", "pk")
    yield desk.listed("Enrolled", people, lambda rows: _people(desk, rows), size=50, work=True)
    ways = Enrol._base_manager.filter(course=desk.course).order_by("pk")
    yield desk.listed("Ways into the course", ways, lambda rows: _ways(desk, rows), name="ways")
    tools = PublishedTool._base_manager.filter(enrol__course=desk.course).order_by("pk")
    yield desk.listed("Published as tools", tools, lambda rows: _tools(desk, rows), name="tools")
    named = RoleName.objects.filter(course=desk.course).select_related("role").order_by("role__sortorder")
    yield desk.listed(
        "Names of roles here",
        named,
        lambda rows: table("Role | Called", ((str(row.role), row.name) for row in rows)),
        name="names",
    )
    overrides = RoleOverride._base_manager.filter(contextid=desk.course.contextid).order_by(
        "roleid", "capability"
    )
    yield desk.listed(
        "What roles may here only", overrides, lambda rows: _overrides(desk, rows), name="overrides", size=50
    )


def _people(desk: Desk, rows: list[Any]) -> Table:
    numbers = [row.pk for row in rows]
    roles: dict[int, list[str]] = {}
    names = {role.pk: str(role) for role in Role.objects.all()}
    for person, role in RoleAssignment._base_manager.filter(
        contextid=desk.course.contextid, userid__in=numbers
    ).values_list("userid", "roleid"):
        roles.setdefault(person, []).append(names.get(role, str(role)))
    enrolled: dict[int, Any] = {}
    for one in UserEnrolment._base_manager.filter(enrol__course=desk.course, userid__in=numbers).order_by(
        "-pk"
    ):
        enrolled[one.userid] = one
    groups: dict[int, list[str]] = {}
    for person, group in GroupMember._base_manager.filter(
        group__course=desk.course, userid__in=numbers
    ).values_list("userid", "group__name"):
        groups.setdefault(person, []).append(group)
    seen = dict(
        LastAccess._base_manager.filter(course=desk.course, userid__in=numbers).values_list(
            "userid", "timeaccess"
        )
    )
    return table(
        "Person | Roles | Groups | Enrolled from | State | Last here",
        (
            (
                Value("Person", f"{row} ({row.email})" if row.email else str(row)),
                ", ".join(dict.fromkeys(roles.get(row.pk, ()))),
                ", ".join(groups.get(row.pk, ())),
                when(enrolled[row.pk].timestart),
                "Suspended" if enrolled[row.pk].status else "Active",
                when(seen.get(row.pk)),
            )
            for row in rows
        ),
    )


def _ways(desk: Desk, rows: list[Any]) -> Table:
    numbers = desk.counts(UserEnrolment, "enrol", rows)
    return table(
        "Way | Name | State | Role | From | Until | People | Key",
        (
            (
                WAYS.get(row.enrol, row.enrol),
                row.name or "",
                "Off" if row.status else "On",
                desk.named("role", row.roleid),
                when(row.enrolstartdate),
                when(row.enrolenddate),
                numbers.get(row.pk, 0),
                "kept, and not shown" if row.password else "",
            )
            for row in rows
        ),
        numeric=[6],
    )


def _tools(desk: Desk, rows: list[Any]) -> Table:
    came = desk.counts(PublishedToolUser, "tool", rows)
    return table(
        "Version | Teachers come as | Students come as | At most | Came | Key",
        (
            (
                row.ltiversion,
                desk.named("role", row.roleinstructor),
                desk.named("role", row.rolelearner),
                row.maxenrolled or "",
                came.get(row.pk, 0),
                "kept, and not shown" if row.secret else "",
            )
            for row in rows
        ),
        numeric=[3, 4],
    )


def _overrides(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Role | Capability | Permission",
        (
            (desk.named("role", row.roleid), row.capability, PERMISSIONS.get(row.permission, row.permission))
            for row in rows
        ),
    )


FORM = Form(present, title="People", order=30, holds=lambda: Enrol._base_manager.order_by())
