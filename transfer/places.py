"""Places: what is around a course, section or activity, and how something that comes back finds its position again."""

from __future__ import annotations

from typing import Any

from archive.numbers import whole_or
from courses import registry
from courses.changes import change_activity, move_activity
from courses.models import Activity, Course, Section
from courses.models.grades import GradeCategory, GradeItem
from courses.removal import Removable
from courses.services import course_tree
from transfer.beside import beside
from vault.models import Schedule, StoredArchive


def place_of(owner: Removable) -> dict[str, Any]:
    """Return what is around a course, section or activity, as JSON; `put_back` takes it."""
    if isinstance(owner, Course):
        schedules = Schedule.objects.filter(courses=owner)
        archives = StoredArchive.objects.filter(course=owner)
        return {
            "archives": list(archives.values_list("pk", flat=True)),
            "schedules": list(schedules.values_list("pk", flat=True)),
        }
    if isinstance(owner, Section):
        return {"number": owner.number, "beside": beside(owner)}
    items = GradeItem.objects.filter(activity=owner).exclude(categoryid=None).exclude(itemnumber=None)
    return {
        "section": owner.section_id,
        "before": after(owner),
        "categories": dict(items.values_list("itemnumber", "categoryid")),
        "beside": beside(owner),
    }


def after(activity: Activity) -> list[int]:
    """Return the ids of the activities that stand after an activity in its section, in their order."""
    for section in course_tree(activity.course).sections:
        order = [line.id for line in section.activities]
        if activity.pk in order:
            return order[order.index(activity.pk) + 1 :]
    return []


def put_course_back(course: Course, place: dict[str, Any]) -> None:
    """Give a course that was brought back its archives, its recycle bin and its place in schedules."""
    StoredArchive.objects.filter(pk__in=place.get("archives", []), course=None).update(course=course)
    for schedule in Schedule.objects.filter(pk__in=place.get("schedules", [])):
        schedule.courses.add(course)


def number_in(course: Course, place: dict[str, Any]) -> int:
    """Return the number that a section gets in a course: the one that it had, or the next one if the course is shorter now."""
    number = Section.objects.filter(course=course).count()
    return max(1, min(whole_or(place.get("number"), number), number))


def put_activity_back(activity: Activity, place: dict[str, Any]) -> None:
    """Move an activity before the first that stood after it and is still there; its grades go to their category."""
    section = Section.objects.filter(course=activity.course_id, pk=place.get("section") or 0).first()
    if section is not None:
        put_before(activity, section, place.get("before", []))
    for number, category in place.get("categories", {}).items():
        if GradeCategory.objects.filter(course=activity.course_id, pk=category).exists():
            found = GradeItem.objects.filter(activity=activity, itemnumber=number)
            found.update(categoryid=category)


def put_before(activity: Activity, section: Section, followers: list[int]) -> None:
    """Move an activity into a section, before the first of the activities with these ids that is there, else to its end."""
    there = Activity.objects.filter(section=section).in_bulk(followers)
    before = next((there[pk] for pk in followers if pk in there), None)
    move_activity(activity, section, before=before)


def rename(activity: Activity, name: str) -> None:
    """Give an activity another name; one of a type that no app describes keeps its own."""
    model = registry.activity_types().get(activity.modulename)
    if model is not None and "name" in {field.name for field in model._meta.concrete_fields}:
        change_activity(activity, name=name)
