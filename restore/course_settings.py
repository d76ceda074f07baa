"""The settings of the course itself in a restore into a course that exists: `course/course.xml`.

They come only with the option `overwrite_conf`, as in Moodle (`restore_course_task`); without it the course keeps its settings,
names, format and texts.
"""

from __future__ import annotations

from collections.abc import Iterator

from archive.numbers import whole_or
from courses import structure
from courses.models import Course, CourseTag, File
from jobs.plan import StepEvent
from restore.arrivals import arriving
from restore.context import RestoreContext
from restore.members import load_member

MEMBER = "course/course.xml"
TEXTS = ("summary", "overviewfiles")
"""File areas of the course's own text and picture."""

KEPT = frozenset(
    {"id", "contextid", "category_id", "fullname", "shortname", "idnumber", "startdate", "enddate"}
)
"""Columns that the archive's settings do not replace; names and dates have options of their own."""


def load_settings(context: RestoreContext, course: Course) -> Iterator[StepEvent]:
    """Overwrite the settings of an existing course with the archive's, if `overwrite_conf` is on; names and start too."""
    if not context.selection.overwrites_settings or MEMBER not in context.archive:
        context.acceptance.kept_texts |= {("course", area, 0) for area in TEXTS}
        return
    File.objects.filter(contextid=course.contextid, component="course", filearea__in=TEXTS).delete()
    columns = {str(field.column) for field in Course._meta.concrete_fields} - KEPT
    tags = set(CourseTag.objects.filter(course=course).values_list("pk", flat=True))
    with arriving(context, Course, taken=lambda _: columns | {""}):
        yield from load_member(
            context,
            MEMBER,
            (structure.element(Course),),
            root=(),
            fixed={"category_id": str(course.category_id)},
            top=None,
        )
    names = set(CourseTag.objects.filter(course=course).exclude(pk__in=tags).values_list("name", flat=True))
    CourseTag.objects.filter(pk__in=tags, name__in=names).delete()
    course.refresh_from_db()
    _rename(context, course)


def _rename(context: RestoreContext, course: Course) -> None:
    """Give the course the names and the start date that were asked for."""
    settings = context.selection.settings
    course.fullname = settings.text("course_fullname") or course.fullname
    course.shortname = settings.text("course_shortname") or course.shortname
    if start := settings.text("course_startdate"):
        moved = whole_or(start) - course.startdate if course.startdate else 0
        course.startdate = whole_or(start)
        course.enddate = course.enddate + moved if course.enddate else 0
    course.save(update_fields=["fullname", "shortname", "startdate", "enddate"])
