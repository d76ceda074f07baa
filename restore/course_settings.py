"""The settings of the course itself in a restore into a course that exists: `course/course.xml`.

They come only with the option `overwrite_conf`, as in Moodle (`restore_course_task`); without it the course keeps its settings,
names, format and texts.
"""

from __future__ import annotations

from collections.abc import Iterator

from courses import structure
from courses.fields import copy_text
from courses.models import Course, CourseTag, File
from jobs.plan import StepEvent
from restore.arrivals import arriving
from restore.context import RestoreContext
from restore.members import load_member
from selection.option import OWN

MEMBER = "course/course.xml"
TEXTS = ("summary", "overviewfiles")
"""File areas of the course's own text and picture."""

KEPT = frozenset(
    {
        "id",
        "contextid",
        "category_id",
        "fullname",
        "shortname",
        "idnumber",
        "startdate",
        "enddate",
        "origin_release",
    }
)
"""Columns that the archive's settings do not replace; names and dates have options of their own."""


def load_settings(context: RestoreContext, course: Course) -> Iterator[StepEvent]:
    """Overwrite the settings of an existing course with the archive's, if `overwrite_conf` is on, and its dates."""
    if not context.selection.overwrites_settings or MEMBER not in context.archive:
        context.acceptance.kept_texts |= {("course", area, 0) for area in TEXTS}
        return
    with context.row_counts.removing():
        File.objects.filter(contextid=course.contextid, component="course", filearea__in=TEXTS).delete()
    columns = {str(field.column) for field in Course._meta.concrete_fields} - KEPT
    tags = set(CourseTag.objects.filter(course=course).values_list("pk", flat=True))
    with arriving(context, Course, taken=lambda _model, _pk: columns | {""}):
        yield from load_member(
            context,
            MEMBER,
            (structure.element(Course),),
            root=(),
            fixed={
                "category_id": str(course.category_id),
                "origin_release": copy_text(course.origin_release),
            },
            top=None,
        )
    names = set(CourseTag.objects.filter(course=course).exclude(pk__in=tags).values_list("name", flat=True))
    with context.row_counts.removing():
        CourseTag.objects.filter(pk__in=tags, name__in=names).delete()
    course.refresh_from_db()
    _set_dates(context, course)


def _set_dates(context: RestoreContext, course: Course) -> None:
    """Give the course the archive's start and end, moved to the start date that was asked for; or leave it its own."""
    manifest, selection = context.manifest, context.selection
    begins, ends = manifest.original_course_startdate, manifest.original_course_enddate
    asked = selection.start_date
    if selection.settings.text("course_startdate") == OWN or (not begins and asked is None):
        return
    course.startdate = begins if asked is None else asked
    moved = course.startdate - begins if begins else 0
    course.enddate = ends + moved if ends else 0
    course.save(update_fields=["startdate", "enddate"])
