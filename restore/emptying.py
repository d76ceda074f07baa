"""Empty a course before a restore replaces its content: by sets of rows, inside the restore's transaction.

What stays is Moodle's (`remove_course_contents`): the course with its settings and names and, if they are to be kept, its roles
and enrolments, and its groups and groupings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Q

from archive import layout
from archive.errors import UsageError
from courses import registry, structure
from courses.models import (
    Activity,
    Block,
    Course,
    Enrol,
    File,
    Group,
    GroupMember,
    OpaqueElement,
    OpaqueMember,
    RoleName,
    Section,
)
from courses.models.questions import QuestionCategory
from courses.shared_questions import activities_using
from courses.structure import Element

ENROLMENTS = frozenset({"course/enrolments.xml", "course/roles.xml"})
GROUPS = frozenset({"groups.xml"})
OWN_FILES = ("course/summary", "course/overviewfiles", "customfield_textarea/value")
"""File areas of the course's settings, which stay."""

OF_COURSE_CATEGORY = 40
"""The context level of a category of courses, as in Moodle. Its questions are not the course's own."""

Condition = tuple[Element, str]
"""A topmost element of a course, and the SQL condition that picks the course's rows."""


@dataclass(frozen=True)
class Emptying:
    """The removal of a course's content, with the members of the archive whose rows stay."""

    course: Course
    kept: frozenset[str]

    def run(self) -> None:
        """Remove the content. Raises UsageError if another course uses its questions."""
        _refuse_shared_questions(self.course)
        OpaqueMember.objects.filter(course=self.course).delete()
        self._forget_opaque_elements()
        self._forget_files()
        for element, condition in self._tops():
            self._delete(element, condition)
        if not self.kept & ENROLMENTS:
            RoleName.objects.filter(course=self.course).delete()
        self._clear_references()

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {"course": self.course.pk, "context": self.course.contextid}

    def _tops(self) -> Iterator[Condition]:
        """Yield the topmost elements whose rows go, those first that refer to others by their owner."""
        within = '{row}."%s" IN (SELECT "%s" FROM %s WHERE course_id = %%(course)s)'
        for owner in (Block, Activity):
            for member in structure.members_of(owner):
                for element in structure.elements_of(structure.elements_in(owner, member)):
                    yield element, within % (element.column, element.parent_column, owner._meta.db_table)
        owned = "{row}.owner_id IN (SELECT id FROM courses_activity WHERE course_id = %(course)s)"
        for name in (
            Activity.objects.filter(course=self.course).values_list("modulename", flat=True).distinct()
        ):
            if name in registry.activity_types():
                yield structure.element(registry.activity_types()[name]), owned
        for model in (Block, Activity, Section):
            yield structure.element(model), "{row}.course_id = %(course)s"
        for member in structure.members_of(Course):
            if member not in self.kept:
                for element in structure.elements_of(structure.elements_in(Course, member)):
                    value = "%(course)s" if element.parent_column == "id" else "%(context)s"
                    condition = f'{{row}}."{element.column}" = {value}'
                    if element.item_type == "question_category":
                        condition += f" AND {{row}}.contextlevel <> {OF_COURSE_CATEGORY}"
                    yield element, condition

    def _delete(self, top: Element, condition: str) -> None:
        """Delete the rows of an element and of all elements in it, the innermost first."""
        if top.shown:
            return
        with connection.cursor() as cursor:
            for chain in sorted(structure.chains(top), key=len, reverse=True):
                row = f"t{len(chain) - 1}"
                cursor.execute(
                    f'DELETE FROM "{chain[-1].table}" WHERE id IN'
                    f" (SELECT {row}.id FROM {structure.source(chain)} WHERE {condition.format(row='t0')})",
                    self._values,
                )

    @cached_property
    def _kept_elements(self) -> list[Element]:
        """All elements whose rows stay: those of the course's settings and of the kept members."""
        tops = [structure.element(Course)]
        for member in self.kept:
            tops += structure.elements_of(structure.elements_in(Course, member))
        return [element for top in tops for element in top.walk()]

    def _forget_opaque_elements(self) -> None:
        names = {element.item_type for element in self._kept_elements}
        names |= {
            layout.top("course" if member.startswith("course/") else "archive", member)
            for member in self.kept
        }
        OpaqueElement.objects.filter(course=self.course).exclude(item_type__in=names).delete()

    def _forget_files(self) -> None:
        areas = {*OWN_FILES, *(area for one in self._kept_elements for area in one.model.items("files"))}
        stays = Q()
        for area in areas:
            component, _, name = area.partition("/")
            stays |= Q(component=component, filearea=name)
        bank = Q(component="question") | Q(component__startswith="qtype_")
        stays |= bank & Q(contextid=self.course.category.contextid)
        File.objects.filter(course=self.course).exclude(stays).delete()

    def _clear_references(self) -> None:
        """Clear what stays of references to what is gone."""
        if not self.kept & GROUPS:
            Course.objects.filter(pk=self.course.pk).update(defaultgroupingid=0)
            Enrol.objects.filter(course=self.course, enrol__in=("cohort", "meta")).update(customint2=None)
        if not self.kept & ENROLMENTS:
            groups = Group.objects.filter(course=self.course)
            GroupMember.objects.filter(group__in=groups).update(component="", itemid=0)


def empty_course(course: Course, *, keep_enrolments: bool, keep_groups: bool) -> None:
    """Remove the content of a course and all that people did in it; its settings and names stay.

    With `keep_enrolments` its roles and enrolments stay, with `keep_groups` its groups and groupings. Must be used in a
    transaction that holds the lock of the course. Raises UsageError if an activity of another course uses questions of it.
    """
    kept: Iterable[str] = (ENROLMENTS if keep_enrolments else frozenset()) | (
        GROUPS if keep_groups else frozenset()
    )
    Emptying(course, frozenset(kept)).run()


def _refuse_shared_questions(course: Course) -> None:
    """Raise UsageError if an activity of another course uses questions of the course's own banks."""
    own = [course.contextid, *Activity.objects.filter(course=course).values_list("contextid", flat=True)]
    users = activities_using(QuestionCategory.objects.filter(contextid__in=own), own)
    others = list(users.exclude(course=course).select_related("course")[:3])
    if others:
        names = ", ".join(f"“{one.title}” of “{one.course.fullname}”" for one in others)
        raise UsageError(
            f"{names} uses questions of “{course.fullname}”, which would be replaced.",
            hint="Remove these questions there first, or add the archive to the course.",
        )
