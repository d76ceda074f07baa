"""Names, ID number and dates of the course that a restore makes or overwrites; no two courses get the same short name.

Moodle's rule (`restore_dbops::calculate_course_names`): if another course has the name or the short name, both get the first
number that leaves both free: `Biology copy 1` and `BIO_1`. An ID number comes only if no other course has it.

The last step of a restore gives the names, under a lock that the transaction holds to its end. So restores of the same name run
side by side, and each finds the names of those that ended before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from django.db.models import Q

from archive import xml
from archive.findings import Finding
from archive.manifest import Manifest
from courses.fields import Text
from courses.locks import lock_until_commit
from courses.models import Course
from jobs.plan import StepEvent
from restore.context import RestoreContext
from restore.members import course_of
from selection.option import OWN

MEMBER = "course/course.xml"
AT_ONCE = 50
"""So many pairs of names are looked up by one query."""


class CourseNames(NamedTuple):
    """The name and the short name of a course."""

    fullname: str
    shortname: str


def free_names(wanted: CourseNames, *, own: int | None = None) -> CourseNames:
    """Return these names, or the first numbered ones that no course has; `own` is the id of the course that they are for.

    Names that are too long for their number lose their end. An empty name is free.
    """
    numbers = count()
    while True:
        pairs = [_numbered(wanted, next(numbers)) for _ in range(AT_ONCE)]
        taken = _taken(pairs, own)
        for pair in pairs:
            if not taken & {("fullname", pair.fullname), ("shortname", pair.shortname)}:
                return pair


def _numbered(wanted: CourseNames, number: int) -> CourseNames:
    """Return the names with a number behind them; 0 is none."""
    if number == 0:
        return wanted
    return CourseNames(
        _with_ending("fullname", wanted.fullname, f" copy {number}"),
        _with_ending("shortname", wanted.shortname, f"_{number}"),
    )


def _with_ending(column: str, name: str, ending: str) -> str:
    """Return a name with an ending, cut so that both fit into the column; an empty name stays empty."""
    return name[: most_characters(column) - len(ending)] + ending if name else ""


def most_characters(column: str) -> int:
    """Return the length of a text column of courses."""
    field = Course._meta.get_field(column)
    assert isinstance(field, Text)
    assert field.max_length is not None
    return field.max_length


def _taken(pairs: list[CourseNames], own: int | None) -> set[tuple[str, str]]:
    """Return those of the names that other courses have, each as (column, name)."""
    names, shorts = {pair.fullname for pair in pairs} - {""}, {pair.shortname for pair in pairs} - {""}
    rows = Course.objects.filter(Q(fullname__in=names) | Q(shortname__in=shorts))
    rows = rows if own is None else rows.exclude(pk=own)
    found: set[tuple[str, str]] = set()
    for fullname, shortname in rows.values_list("fullname", "shortname"):
        found |= {("fullname", fullname)} if fullname in names else set()
        found |= {("shortname", shortname)} if shortname in shorts else set()
    return found


def name_course(context: RestoreContext) -> Iterator[StepEvent]:
    """Step: give a new course, or one whose settings are overwritten, the names and ID number that were asked for.

    Yields findings about those that another course has.
    """
    course, settings = course_of(context), context.selection.settings
    exists = context.target.course is not None
    if exists and not context.selection.overwrites_settings:
        return
    _lock_names()
    here = CourseNames(course.fullname, course.shortname)
    asked = CourseNames(settings.text("course_fullname"), settings.text("course_shortname"))
    archived = archived_names(context.manifest) if exists else here
    wanted = chosen_names(asked, archived, here if exists else None)
    # A course that exists and keeps its names keeps them, even if another course has the same.
    given = wanted if exists and wanted == here else free_names(wanted, own=course.pk)
    course.fullname, course.shortname = given
    course.save(update_fields=["fullname", "shortname"])
    if given != wanted:
        yield _renamed(wanted, given)
    yield from _number_course(context, course)


def chosen_names(asked: CourseNames, archived: CourseNames, own: CourseNames | None) -> CourseNames:
    """Return the names that the options ask for: the texts themselves, those in the archive, or the target's own.

    `own` is None for a new course.
    """
    here = own or archived
    return CourseNames(
        *(
            mine if own is not None and text == OWN else text or theirs
            for text, theirs, mine in zip(asked, archived, here, strict=True)
        )
    )


def archived_names(manifest: Manifest) -> CourseNames:
    """Return the names in the archive's manifest, cut to the length of their columns."""
    return CourseNames(
        manifest.original_course_fullname[: most_characters("fullname")],
        manifest.original_course_shortname[: most_characters("shortname")],
    )


def _number_course(context: RestoreContext, course: Course) -> Iterator[StepEvent]:
    """Give the course the ID number that was asked for, if no other course has it; yield a finding if it stays away."""
    setting = context.selection.settings["course_idnumber"]
    exists = context.target.course is not None
    archived = _archived_idnumber(context)
    own = course.idnumber if exists else ""
    wanted = own if setting.value == OWN else setting.text or archived
    taken = bool(wanted) and Course.objects.filter(idnumber=wanted).exclude(pk=course.pk).exists()
    course.idnumber = own if taken and wanted != own else wanted
    course.save(update_fields=["idnumber"])
    if course.idnumber != wanted:
        yield Finding(
            "info",
            "same-idnumber",
            f"Another course has the ID number “{wanted}”, so that it does not come.",
            MEMBER,
            "Give the course another one if it needs one.",
        )
    elif setting.lock == "permission" and archived not in ("", own):
        yield Finding(
            "info", "idnumber-withheld", f"The ID number “{archived}” does not come. {setting.reason}", MEMBER
        )


def _archived_idnumber(context: RestoreContext) -> str:
    """Return the ID number in the archive's `course.xml`; "" if it has none."""
    if MEMBER not in context.archive:
        return ""
    with context.archive.open(MEMBER) as stream:
        for _, element in xml.events(stream, member=MEMBER, tags=("idnumber",)):
            parent = element.getparent()
            if parent is not None and parent.getparent() is None:
                return (xml.text_of(element) or "")[: most_characters("idnumber")]
    return ""


def _lock_names() -> None:
    """Let other restores that name a course wait until this transaction ends."""
    lock_until_commit("names of courses")


def _renamed(wanted: CourseNames, given: CourseNames) -> Finding:
    """Return the finding about names that got a number."""
    return Finding(
        "info",
        "same-name",
        f"Another course is called “{wanted.fullname}” or “{wanted.shortname}”; this one is called “{given.fullname}” "
        f"(“{given.shortname}”).",
        MEMBER,
        "Choose other names before the restore, or rename the course.",
    )
