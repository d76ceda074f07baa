"""Copies: a course becomes a second course, with names, dates, category and people as chosen."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

from archive.errors import NotAllowed, NotFound, UsageError
from courses.capabilities import assignable_roles, may
from courses.models import Category, Course, Role, User
from jobs import events, operations, queue
from jobs.choices import Priority
from jobs.models import Job
from jobs.plan import Step, StepEvent
from restore.context import RestoreContext
from selection.option import OWN
from transfer import participants
from transfer.transit import Part, subject_of, transit

WEEK = 7 * 24 * 3600
PEOPLE = ("moodle/backup:userinfo", "moodle/restore:userinfo")
"""The capabilities that a copy with people takes, at the course and in the category."""
BACK_UP = "moodle/backup:backupcourse"
IN_CATEGORY = ("moodle/restore:restorecourse", "moodle/course:create")
MOVE_DATES = "moodle/restore:rolldates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The choices for a copy. `category` is an id, dates are in epoch seconds.

    An empty name is that of the course, made unique; None for a date moves nothing, and 0 as `enddate` is no end.
    `keep_weekdays` moves all dates by whole weeks. `people` brings people and their work. `roles` are the ids of the
    roles whose people are enrolled in the copy: None stands for all of them with people, and for nobody without.
    """

    category: int
    fullname: str = ""
    shortname: str = ""
    idnumber: str = ""
    visible: bool = True
    startdate: int | None = None
    enddate: int | None = None
    keep_weekdays: bool = False
    people: bool = False
    roles: tuple[int, ...] | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Choices:
        """Return the choices that a job stores."""
        known = {field.name for field in fields(cls)}
        found = {name: value for name, value in stored.items() if name in known}
        if found.get("roles") is not None:
            found["roles"] = tuple(found["roles"])
        return cls(**found)


def start_of(course: Course, choices: Choices) -> int | None:
    """Return the start date of the copy in epoch seconds; None if no date moves.

    To keep weekdays, it is the time that lies whole weeks away from the course's start and nearest to what was asked.
    """
    begins: int = course.startdate or 0
    if choices.startdate is None or not begins or not choices.keep_weekdays:
        return choices.startdate
    return begins + round((choices.startdate - begins) / WEEK) * WEEK


def require_rights(course: Course, choices: Choices, *, by: User | None) -> None:
    """Raise NotAllowed or NotFound unless a person may make this copy; None is the site itself."""
    category = Category.objects.filter(pk=choices.category).first()
    if category is None:
        raise NotFound(f"There is no category {choices.category}.", hint="Choose another one.")
    known = set(Role.objects.values_list("pk", flat=True))
    if unknown := set(choices.roles or ()) - known:
        raise NotFound(f"There is no role {min(unknown)}.", hint="Choose among the roles of the site.")
    if by is None:
        return
    here, there = may(by, course), may(by, category)
    if BACK_UP not in here:
        raise NotAllowed("You may not back up this course.", hint="Ask a teacher or manager of the course.")
    if any(right not in there for right in IN_CATEGORY):
        raise NotAllowed(
            f"You may not make a course in the category “{category.name}”.", hint="Choose another category."
        )
    if (choices.people or choices.roles) and (PEOPLE[0] not in here or PEOPLE[1] not in there):
        raise NotAllowed(
            "You may not copy people: it takes the right to take them from this course, and to bring them into the category.",
            hint="Copy the course without people.",
        )
    if choices.startdate is not None and MOVE_DATES not in there:
        raise NotAllowed(
            "You may not move the dates of a course in this category.", hint="Leave the start date."
        )
    allowed = {role.pk for role in assignable_roles(by, category)}
    if not choices.people and (refused := set(choices.roles or ()) - allowed):
        role = Role.objects.get(pk=min(refused))
        raise NotAllowed(
            f"You may not assign the role “{role}” in this category.", hint="Leave that role out."
        )


def request_copy(
    course: Course, choices: Choices, *, by: User | None, notify: bool = True, token: str = ""
) -> Job:
    """Check the rights and choices of a copy and put it in the queue. Raises NotAllowed, NotFound, UsageError."""
    require_rights(course, choices, by=by)
    subject_of(_part(course, choices), by=by, mode="copy")
    start = start_of(course, choices)
    if choices.enddate and choices.enddate <= (course.startdate or 0 if start is None else start):
        raise UsageError("The end date is not after the start date.", hint="Choose a later end date.")
    return queue.request(
        "copy",
        by=by,
        mode="copy",
        title=course.fullname,
        course=course,
        source=course,
        options=asdict(choices),
        asked=asdict(choices),
        target={"category": choices.category},
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


@operations.operation("copy", priority=Priority.RESTORE, uses=("pool",))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Copy a course in one transaction; yield events. Raises NotFound if the course is gone, NotAllowed, UsageError."""
    course = job.source
    if course is None:
        raise NotFound("The course of this job is not there any more.")
    choices = Choices.of(job.options)
    require_rights(course, choices, by=job.requested_by)
    result = yield from transit(
        job,
        _part(course, choices),
        target=job.target,
        options=_restore_options(course, choices),
        more=(Step("Set what the copy is to be", partial(_set_up, course, choices)),),
    )
    return {**result, "source_id": course.pk}


def _part(course: Course, choices: Choices) -> Part:
    return Part(course, options={"users": "1" if choices.people else "0"})


def _restore_options(course: Course, choices: Choices) -> dict[str, str]:
    """Return the options of a copy's restore; what is left out has its default."""
    start = start_of(course, choices)
    asked = {
        "course_fullname": choices.fullname,
        "course_shortname": choices.shortname,
        "course_startdate": "" if start is None else str(start),
        "course_idnumber": choices.idnumber or OWN,
        "users": "1" if choices.people else "0",
    }
    return {name: value for name, value in asked.items() if value}


def _set_up(source: Course, choices: Choices, context: RestoreContext) -> Iterator[StepEvent]:
    """Step: set what no option of a restore says: visibility, end date, and who is enrolled."""
    course = context.course
    assert course is not None
    course.visible = 1 if choices.visible else 0
    if choices.enddate is not None:
        course.enddate = choices.enddate
    course.save(update_fields=["visible", "enddate"])
    if choices.people and choices.roles is not None:
        yield participants.keep_only(course, choices.roles)
    elif choices.roles:
        yield participants.enrol(source, course, choices.roles)
    else:
        yield 0
