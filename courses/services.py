"""Services for the site and for whole courses: outline, create, delete. `courses.changes` has those for parts
of a course.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from django.db import connection, transaction
from django.db.models import Count, Q

from archive.numbers import natural
from courses import registry, structure
from courses.capabilities import ensure_standard_roles
from courses.changes import delete_context_rows
from courses.models import (
    SYSTEM_CONTEXT,
    Activity,
    Block,
    Category,
    Context,
    Course,
    File,
    Section,
    UserEnrolment,
)
from courses.structure import Element

FIRST_CATEGORY = "Courses"


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """An activity in an outline; `folder` is its folder in archives."""

    id: int
    modulename: str
    title: str
    visible: bool
    indent: int
    described: bool

    @property
    def folder(self) -> str:
        """The folder in archives: `forum_7`."""
        return f"{self.modulename}_{self.id}"


@dataclass(frozen=True, slots=True)
class SectionLine:
    """A section in an outline; `under` is the id of the activity that owns it, or 0."""

    id: int
    number: int
    title: str
    visible: bool
    activities: tuple[ActivityLine, ...]
    under: int = 0

    @property
    def folder(self) -> str:
        """The folder in archives: `section_12`."""
        return f"section_{self.id}"


@dataclass(frozen=True, slots=True)
class CourseTree:
    """A course's sections and activities in their order."""

    sections: tuple[SectionLine, ...]

    @property
    def activities(self) -> tuple[ActivityLine, ...]:
        """All activities, section by section."""
        return tuple(line for section in self.sections for line in section.activities)

    def by_type(self) -> dict[str, int]:
        """Return the number of activities of each type."""
        return dict(Counter(line.modulename for line in self.activities))


class _ActivityRow(NamedTuple):
    """The columns of an activity that a course's tree needs: of thousands of them, models take much longer."""

    pk: int
    modulename: str
    title: str
    visible: int
    indent: int
    section_id: int
    instance: int


@dataclass(frozen=True, slots=True)
class Outline(CourseTree):
    """A course's sections and activities in their order, and the numbers of people, files and bytes."""

    people: int
    files: int
    bytes: int


def course_tree(course: Course) -> CourseTree:
    """Return the sections and activities of a course, in two queries whatever its size."""
    described = registry.activity_types()
    lines: dict[int, list[_ActivityRow]] = {}
    rows = Activity.objects.filter(course=course).order_by("id").values_list(*_ActivityRow._fields)
    for activity in map(_ActivityRow._make, rows):
        lines.setdefault(activity.section_id, []).append(activity)
    owners = section_owners(activity for inside in lines.values() for activity in inside)
    sections = []
    for section in Section.objects.filter(course=course):
        order = {natural(i): n for n, i in enumerate((section.sequence or "").split(","))}
        inside = sorted(lines.get(section.pk, []), key=lambda a: (order.get(a.pk, len(order)), a.pk))
        sections.append(
            SectionLine(
                id=section.pk,
                number=section.number,
                title=str(section),
                visible=bool(section.visible),
                activities=tuple(
                    ActivityLine(
                        a.pk, a.modulename, a.title, bool(a.visible), a.indent, a.modulename in described
                    )
                    for a in inside
                ),
                under=owner.pk if (owner := owners.get((section.component, section.itemid))) else 0,
            )
        )
    return CourseTree(tuple(sections))


def outline(course: Course) -> Outline:
    """Return the outline of a course, in five queries whatever its size."""
    tree = course_tree(course)
    people = UserEnrolment.objects.filter(enrol__course=course).aggregate(n=Count("userid", distinct=True))[
        "n"
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(filesize), 0) FROM"
            " (SELECT DISTINCT contenthash, filesize FROM courses_file WHERE course_id = %s AND filename <> '.') AS f",
            [course.pk],
        )
        files, size = cursor.fetchone()
    return Outline(tree.sections, people or 0, int(files), int(size))


def course_named(text: str) -> Q:
    """Return the condition for courses that have a text in their full name, short name or ID number, in any case."""
    return Q(fullname__icontains=text) | Q(shortname__icontains=text) | Q(idnumber__icontains=text)


class SectionOwner(Protocol):
    """The columns of an activity that may own a section."""

    @property
    def modulename(self) -> str: ...

    @property
    def instance(self) -> int: ...


A = TypeVar("A", bound=SectionOwner)


def section_owners(activities: Iterable[A]) -> dict[tuple[str | None, int | None], A]:
    """Return the activities that own a section, by the `component` and `itemid` with which the section names its owner."""
    return {
        (registry.component_of(activity.modulename), activity.instance): activity
        for activity in activities
        if registry.owns_section(activity.modulename)
    }


OF_COURSE = "{row}.course_id = %(course)s"
OF_ACTIVITY = "{row}.owner_id IN (SELECT id FROM courses_activity WHERE course_id = %(course)s)"


def tops() -> list[tuple[Element, str]]:
    """Return the topmost elements of a course, each with the SQL condition that picks the course's rows."""
    found = [(structure.element(model), OF_COURSE) for model in (Section, Activity)]
    found += [(structure.element(model), OF_ACTIVITY) for model in registry.activity_types().values()]
    found += [(element, OF_COURSE) for element in structure.element(Course).children() if not element.shown]
    for member in structure.members_of(Course):
        for element in structure.elements_of(structure.elements_in(Course, member)):
            value = "%(course)s"
            if element.parent_column != "id":
                value = f'(SELECT "{element.parent_column}" FROM courses_course WHERE id = %(course)s)'
            found.append((element, f'{{row}}."{element.column}" = {value}'))
    return found


@transaction.atomic
def create_category(
    name: str, *, parent: Category | None = None, idnumber: str = "", description: str = ""
) -> Category:
    """Create a category as the last one among its siblings."""
    last = Category.objects.filter(parent=parent).count()
    return Category.objects.create(
        name=name,
        parent=parent,
        idnumber=idnumber,
        description=description,
        sortorder=last,
        contextid=Context.objects.create().pk,
    )


@transaction.atomic
def create_course(
    shortname: str, fullname: str, *, category: Category | None = None, **columns: object
) -> Course:
    """Create a course with its first section. Raises TypeError for a column that courses do not have."""
    now = int(time.time())
    columns = {"timecreated": now, "timemodified": now, **columns}
    course = Course.objects.create(
        shortname=shortname,
        fullname=fullname,
        category=category or default_category(),
        contextid=Context.objects.create().pk,
        **columns,
    )
    Section.objects.create(course=course, number=0, sequence="", summary="", timemodified=now)
    return course


@transaction.atomic
def delete_course(course: Course) -> None:
    """Delete a course with all rows that belong to it; contents of files stay in the pool until they are swept."""
    contexts = [course.contextid]
    for model in (Activity, Block):
        contexts += model.objects.filter(course=course).values_list("contextid", flat=True)
    File.objects.filter(course=course).delete()
    delete_context_rows(contexts)
    course.delete()


def default_category() -> Category:
    """Return the first category at the top level; create one if there is none."""
    first = Category.objects.filter(parent=None).first()
    return first or create_category(FIRST_CATEGORY)


def ensure_site() -> None:
    """Create the system context, a category and the standard roles, if they are missing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7301)")
        if not Context.objects.filter(pk=SYSTEM_CONTEXT).exists():
            Context.objects.create(pk=SYSTEM_CONTEXT)
        default_category()
    ensure_standard_roles()
