"""People: enrolments, roles and profiles, and the enrolment methods of the course."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q

from archive.secrets import WITHHELD, shown
from courses.models import (
    Activity,
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
from courses.models.people import Preference, ProfileField, UserTag
from courses.models.published import PublishedTool, PublishedToolUser
from viewer.page_context import PageContext, fact, facts, table, when
from viewer.panels import Detail, Entry, Panel, Sheet, Table, Value
from viewer.presentation import Presentation
from viewer.records import fields_of, value_of
from viewer.words import duration_text, label, number

WAYS = {
    "manual": "By hand",
    "self": "By themselves",
    "guest": "Guests",
    "cohort": "From a cohort",
    "meta": "From another course",
    "lti": "From other sites, as a tool",
}
TEXTS = ("customtext1", "customtext2", "customtext3", "customtext4")
SPECIAL = re.compile(r"(cost|currency|custom(int|char|dec)\d)\Z")
"""Columns whose meaning depends on the enrolment method."""

NEVER = 2147483647
"""The end date of an enrolment without an end, in epoch seconds."""

PERMISSIONS = {1: "Allow", -1: "Prevent", -1000: "Prohibit", 0: "Inherit"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the people, the enrolment methods, the published tools, and the role names and overrides of this course."""
    people = _members(page)
    enrolled = UserEnrolment._base_manager.filter(enrol__course=page.course).values("userid")
    yield page.listed(
        "Enrolled", people.filter(pk__in=enrolled), lambda rows: _people(page, rows), size=50, userdata=True
    )
    others = people.exclude(pk__in=enrolled)
    yield page.listed(
        "With a role, and not enrolled",
        others,
        lambda rows: _others(page, rows),
        name="others",
        userdata=True,
    )
    ways = Enrol._base_manager.filter(course=page.course).order_by("pk")
    yield page.listed("Ways into the course", ways, lambda rows: _ways(page, rows), name="ways")
    tools = PublishedTool._base_manager.filter(enrol__course=page.course).order_by("pk")
    yield page.listed("Published as tools", tools, lambda rows: _tools(page, rows), name="tools")
    named = RoleName.objects.filter(course=page.course).select_related("role").order_by("role__sortorder")
    yield page.listed(
        "Names of roles here",
        named,
        lambda rows: table("Role | Called", ((str(row.role), row.name) for row in rows)),
        name="names",
    )
    overrides = RoleOverride._base_manager.filter(contextid=page.course.contextid).order_by(
        "roleid", "capability"
    )
    yield page.listed(
        "What roles may here only", overrides, lambda rows: _overrides(page, rows), name="overrides", size=50
    )


def _members(page: PageContext) -> Any:
    """Return the users who are enrolled, or have a role in the course or in one of its activities."""
    enrolled = UserEnrolment._base_manager.filter(enrol__course=page.course).values("userid")
    with_role = _assignments(page).values("userid")
    return User.objects.filter(Q(pk__in=enrolled) | Q(pk__in=with_role)).order_by(
        "lastname", "firstname", "pk"
    )


def _assignments(page: PageContext) -> Any:
    inside = Activity.objects.filter(course=page.course).values("contextid")
    return RoleAssignment._base_manager.filter(Q(contextid=page.course.contextid) | Q(contextid__in=inside))


def _named(page: PageContext, row: Any) -> Value:
    shown = f"{row} ({row.email})" if row.email else str(row)
    return Value("Person", shown, address=page.address("person", row.pk))


def _others(page: PageContext, rows: list[Any]) -> Table:
    titles = dict(Activity.objects.filter(course=page.course).values_list("contextid", "title"))
    roles: dict[int, list[str]] = {}
    names = {role.pk: str(role) for role in Role.objects.all()}
    for one in _assignments(page).filter(userid__in=[row.pk for row in rows]).order_by("pk"):
        where = f" at {titles[one.contextid]}" if one.contextid in titles else ""
        roles.setdefault(one.userid, []).append(f"{names.get(one.roleid, 'A role')}{where}")
    return table(
        "Person | Roles",
        ((_named(page, row), ", ".join(dict.fromkeys(roles.get(row.pk, ())))) for row in rows),
    )


def _people(page: PageContext, rows: list[Any]) -> Table:
    numbers = [row.pk for row in rows]
    roles: dict[int, list[str]] = {}
    names = {role.pk: str(role) for role in Role.objects.all()}
    for person, role in RoleAssignment._base_manager.filter(
        contextid=page.course.contextid, userid__in=numbers
    ).values_list("userid", "roleid"):
        roles.setdefault(person, []).append(names.get(role, str(role)))
    enrolled: dict[int, Any] = {}
    for one in UserEnrolment._base_manager.filter(enrol__course=page.course, userid__in=numbers).order_by(
        "-pk"
    ):
        enrolled[one.userid] = one
    groups: dict[int, list[str]] = {}
    for person, group in GroupMember._base_manager.filter(
        group__course=page.course, userid__in=numbers
    ).values_list("userid", "group__name"):
        groups.setdefault(person, []).append(group)
    seen = dict(
        LastAccess._base_manager.filter(course=page.course, userid__in=numbers).values_list(
            "userid", "timeaccess"
        )
    )
    return table(
        "Person | Roles | Groups | Enrolled from | State | Last here",
        (
            (
                _named(page, row),
                ", ".join(dict.fromkeys(roles.get(row.pk, ()))),
                ", ".join(groups.get(row.pk, ())),
                when(enrolled[row.pk].timestart),
                "Suspended" if enrolled[row.pk].status else "Active",
                when(seen.get(row.pk)),
            )
            for row in rows
        ),
    )


def _ways(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    numbers = page.counts(UserEnrolment, "enrol", rows)
    columns = [one for one in fields_of(Enrol) if SPECIAL.match(one.name)]
    for row in rows:
        special = [value_of(page, row, one) for one in columns if getattr(row, one.attname)]
        yield Entry(
            title=row.name or WAYS.get(row.enrol, label(row.enrol)),
            marks=(WAYS.get(row.enrol, row.enrol) if row.name else "", "Off" if row.status else "On"),
            texts=tuple(page.text("", getattr(row, name)) for name in TEXTS if getattr(row, name)),
            facts=facts(
                fact("People", number(numbers.get(row.pk, 0))),
                fact("Role", page.named("role", row.roleid)),
                fact("From", row.enrolstartdate or "", "moment"),
                fact("Until", row.enrolenddate or "", "moment"),
                fact("For", duration_text(row.enrolperiod) if row.enrolperiod else ""),
                fact("Key", WITHHELD if row.password else ""),
                *special,
            ),
        )


def _tools(page: PageContext, rows: list[Any]) -> Table:
    users = page.counts(PublishedToolUser, "tool", rows)
    return table(
        "Version | Teachers come as | Students come as | At most | Came | Key",
        (
            (
                row.ltiversion,
                page.named("role", row.roleinstructor),
                page.named("role", row.rolelearner),
                row.maxenrolled or "",
                users.get(row.pk, 0),
                WITHHELD if row.secret else "",
            )
            for row in rows
        ),
        numeric=[3, 4],
    )


def _overrides(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Role | Capability | Permission",
        (
            (page.named("role", row.roleid), row.capability, PERMISSIONS.get(row.permission, row.permission))
            for row in rows
        ),
    )


def person_sheet(page: PageContext, number_: int) -> Sheet:
    """Return the sheet of one person: enrolments, roles and groups in this course, and the profile."""
    row = page.one(_members(page), number_)
    values = [value_of(page, row, one) for one in fields_of(User)]
    said = tuple(value for value in values if value.value not in (None, "", 0))
    fields = ProfileField._base_manager.filter(user=row).order_by("pk")
    tags = UserTag._base_manager.filter(user=row).order_by("pk").values_list("rawname", flat=True)
    likes = Preference._base_manager.filter(user=row).order_by("name")
    profile = Panel(
        "Profile",
        texts=(
            page.rich("", row, "description", area="user/profile", item=0, contextid=row.contextid),
            *(value for value in said if value.shape in ("lines", "code")),
        ),
        facts=facts(
            *(value for value in said if value.shape in ("text", "number", "moment")),
            *(fact(one.field_name, one.field_data) for one in fields),
            fact("Interests", ", ".join(tags)),
            *(fact(f"Preference: {one.name}", shown(one.name, one.value)) for one in likes),
        ),
    )
    return Sheet(str(row), (_in_course(page, row), profile))


def _in_course(page: PageContext, row: Any) -> Panel:
    ways = UserEnrolment._base_manager.filter(enrol__course=page.course, userid=row.pk).select_related(
        "enrol"
    )
    groups = GroupMember._base_manager.filter(group__course=page.course, userid=row.pk)
    seen = LastAccess._base_manager.filter(course=page.course, userid=row.pk).first()
    roles = _others(page, [row]).rows[0][1].value
    return Panel(
        "In this course",
        facts=facts(
            fact("Roles", roles),
            *(
                fact(
                    "Enrolled",
                    f"{WAYS.get(one.enrol.enrol, one.enrol.enrol)}{', suspended' if one.status else ''}",
                )
                for one in ways
            ),
            *(fact("From", one.timestart or "", "moment") for one in ways),
            *(fact("Until", one.timeend if 0 < one.timeend < NEVER else "", "moment") for one in ways),
            fact("Groups", ", ".join(groups.order_by("pk").values_list("group__name", flat=True))),
            fact("Last here", seen.timeaccess if seen else "", "moment"),
        ),
    )


PRESENTATION = Presentation(
    present,
    details={"person": Detail(person_sheet)},
    title="People",
    order=30,
    holds=lambda: Enrol._base_manager.order_by(),
)
