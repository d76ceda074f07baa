"""Changes to a course's sections and activities: create, change, move and delete.

Each function is one transaction and leaves the course as a backup expects it: section numbers without gaps, each activity
in the sequence of its section, and no rows of deleted things. Contents of files stay in the pool until they are swept.
Callers check permissions; these functions do not.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db import connection, models, transaction
from django.db.models import QuerySet

from archive.errors import UsageError
from archive.numbers import natural
from courses import registry, structure
from courses.bulk import reserve
from courses.locks import lock_until_commit
from courses.models import Activity, Block, Context, Course, File, OpaqueElement, OpaqueMember, Section
from courses.models.completion import CompletionCriterion
from courses.models.questions import QuestionCategory
from courses.shared_questions import activities_using
from courses.structure import Element

COURSE = "course"
"""The subject of the lock on a course's structure."""


def lock_course(course: int) -> None:
    """Let other changes of a course's structure, and restores into it, wait until this transaction ends.

    `course` is the course's id.
    """
    lock_until_commit(COURSE, course)


@transaction.atomic
def create_section(course: Course, name: str = "", **columns: object) -> Section:
    """Create a section at the end of a course. Raises TypeError for a column that sections do not have."""
    lock_course(course.pk)
    last = Section.objects.filter(course=course).order_by("number").last()
    columns = {"timemodified": int(time.time()), "sequence": "", "summary": "", **columns}
    return Section.objects.create(
        course=course, number=last.number + 1 if last else 0, name=name or None, **columns
    )


@transaction.atomic
def create_activity(
    course: Course, section: Section, modulename: str, name: str, **columns: object
) -> Activity:
    """Create an activity of a described type at the end of a section, with its own record.

    `columns` are those of the type's record, as `intro="<p>..."`. An activity whose type owns a section gets one. Raises
    UsageError for a type that no app describes or a section of another course, and TypeError for an unknown column.
    """
    model = registry.activity_types().get(modulename)
    if model is None:
        raise UsageError(f"No installed app describes activities of the type “{modulename}”.")
    if section.course_id != course.pk:
        raise UsageError(f"The section {section.pk} is not one of the course {course.pk}.")
    lock_course(course.pk)
    now = int(time.time())
    known = {field.name for field in model._meta.concrete_fields}
    given = {"name": name, "timecreated": now, "timemodified": now}
    activity = Activity.objects.create(
        course=course,
        section=section,
        version=str(model.activity_type.version),
        modulename=modulename,
        title=name,
        added=now,
        instance=reserve(model, 1),
        contextid=Context.objects.create().pk,
    )
    own = {column: value for column, value in given.items() if column in known}
    model._default_manager.create(**{"id": activity.instance, "owner": activity, **own, **columns})
    _add_to_sequence(section, activity)
    if registry.owns_section(modulename):
        create_section(course, name, component=registry.component_of(modulename), itemid=activity.instance)
    return activity


def change_course(course: Course, **columns: object) -> None:
    """Set columns of a course. Raises FieldDoesNotExist for one that it does not have."""
    _change(course, {"timemodified": int(time.time()), **columns})


def change_section(section: Section, **columns: object) -> None:
    """Set columns of a section, as `name="Week 1"`. Raises FieldDoesNotExist for one that it does not have."""
    _change(section, {"timemodified": int(time.time()), **columns})


@transaction.atomic
def change_activity(activity: Activity, **columns: object) -> None:
    """Set columns of an activity's own record; its `name` is the activity's title and its section's name too.

    Raises UsageError if no app describes the type, and FieldDoesNotExist for a column that the record does not have.
    """
    model = registry.activity_types().get(activity.modulename)
    if model is None:
        raise UsageError(f"No installed app describes activities of the type “{activity.modulename}”.")
    record = model._default_manager.get(owner=activity)
    if "timemodified" in {field.name for field in model._meta.concrete_fields}:
        columns.setdefault("timemodified", int(time.time()))
    _change(record, columns)
    if "name" in columns:
        _change(activity, {"title": columns["name"]})
        for section in owned_sections(activity):
            change_section(section, name=columns["name"])


@transaction.atomic
def move_activity(activity: Activity, section: Section, *, before: Activity | None = None) -> None:
    """Move an activity to the end of a section of its course, or before another activity there.

    Raises UsageError for a section of another course, for one inside the activity, and if `before` is not in the section.
    """
    if section.course_id != activity.course_id:
        raise UsageError(f"The section {section.pk} is not one of the course {activity.course_id}.")
    lock_course(activity.course_id)
    owners = [activity, *_activities_inside(activity)]
    if any(section in owned_sections(owner) for owner in owners):
        raise UsageError(f"The section {section.pk} is inside the activity {activity.pk}.")
    section.refresh_from_db(fields=["sequence"])
    if before is not None and before.pk not in _sequence(section):
        raise UsageError(f"The activity {before.pk} is not in the section {section.pk}.")
    _remove_from_sequence(activity)
    _change(activity, {"section": section})
    _add_to_sequence(section, activity, before=before)


@transaction.atomic
def move_section(section: Section, number: int) -> None:
    """Give a section another number in its course; the sections between move by one. Section 0 stays where it is.

    Raises UsageError for section 0, and unless 1 <= `number` <= the highest number in the course.
    """
    lock_course(section.course_id)
    others = list(Section.objects.filter(course=section.course_id).exclude(pk=section.pk).order_by("number"))
    if section.number == 0 or not 0 < number <= len(others):
        raise UsageError(f"A section can have the numbers 1 to {len(others)}, and section 0 stays the first.")
    others.insert(number, section)
    _renumber(others)
    section.refresh_from_db()


@transaction.atomic
def delete_activity(activity: Activity) -> None:
    """Delete an activity with its records, files, grades, roles, blocks, events and the section that it owns.

    Raises UsageError if another activity uses questions of its question bank.
    """
    lock_course(activity.course_id)
    _refuse_shared_banks([activity, *_activities_inside(activity)])
    _delete_activity(activity)


@transaction.atomic
def delete_section(section: Section) -> None:
    """Delete a section with its activities; the sections after it move up by one.

    Raises UsageError if an activity elsewhere uses questions of their question banks.
    """
    lock_course(section.course_id)
    activities = list(Activity.objects.filter(section=section))
    _refuse_shared_banks([one for each in activities for one in (each, *_activities_inside(each))])
    _delete_section(section)


@transaction.atomic
def delete_blocks(blocks: Collection[Block]) -> None:
    """Delete blocks of one course with their roles, comments, files and preserved members."""
    ids = [block.pk for block in blocks]
    _forget_opaque(structure.element(Block), ids)
    for block in blocks:
        members = OpaqueMember.objects.filter(course=block.course_id, activity=block.activity_id)
        members.filter(path__contains=f"blocks/{block.folder}/").delete()
    delete_context_rows([block.contextid for block in blocks])
    Block.objects.filter(pk__in=ids).delete()


def _delete_activity(activity: Activity) -> None:
    for section in owned_sections(activity):
        _delete_section(section)
    blocks = Block.objects.filter(activity=activity)
    _forget_opaque(structure.element(Activity), [activity.pk])
    _forget_opaque(structure.element(Block), list(blocks.values_list("pk", flat=True)))
    content = registry.activity_types().get(activity.modulename)
    if content is not None:
        _forget_opaque(structure.element(content), [activity.instance])
    CompletionCriterion.objects.filter(within=activity.course_id, moduleinstance=activity.pk).delete()
    QuestionCategory.objects.filter(contextid=activity.contextid).delete()
    delete_context_rows([activity.contextid, *blocks.values_list("contextid", flat=True)])
    _remove_from_sequence(activity)
    activity.delete()


def _delete_section(section: Section) -> None:
    for activity in Activity.objects.filter(section=section):
        _delete_activity(activity)
    course = section.course
    File.objects.filter(
        contextid=course.contextid, component="course", filearea="section", itemid=section.pk
    ).delete()
    _forget_opaque(structure.element(Section), [section.pk])
    section.delete()
    _renumber(Section.objects.filter(course=course).order_by("number"))


def delete_context_rows(contexts: Collection[int]) -> None:
    """Delete the rows that belong only to contexts: files, roles, comments, filters, logs."""
    File.objects.filter(contextid__in=contexts).delete()
    for model in structure.archived_models():
        columns = {path.column for path in model.archive_paths() if path.parent_column == "contextid"}
        for column in columns:
            model._default_manager.filter(**{f"{column}__in": contexts}).delete()


def owned_sections(activity: Activity) -> QuerySet[Section]:
    """Return the sections that an activity owns: one for a type that owns sections, else none."""
    if not registry.owns_section(activity.modulename):
        return Section.objects.none()
    component = registry.component_of(activity.modulename)
    return Section.objects.filter(course=activity.course_id, component=component, itemid=activity.instance)


def _activities_inside(activity: Activity) -> Iterator[Activity]:
    """Yield the activities in the sections that an activity owns, at any depth."""
    for inner in Activity.objects.filter(section__in=owned_sections(activity)):
        yield inner
        yield from _activities_inside(inner)


def _change(record: models.Model, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(record, record._meta.get_field(name).name, value)
    record.save(update_fields=list(columns))


def _sequence(section: Section) -> list[int]:
    """Return the ids of a section's activities in their order."""
    return [
        number
        for text in (section.sequence or "").split(",")
        if (number := natural(text.strip())) is not None
    ]


def _add_to_sequence(section: Section, activity: Activity, *, before: Activity | None = None) -> None:
    section.refresh_from_db(fields=["sequence"])
    order = _sequence(section)
    order.insert(order.index(before.pk) if before else len(order), activity.pk)
    change_section(section, sequence=",".join(map(str, order)))


def _remove_from_sequence(activity: Activity) -> None:
    """Remove an activity from the sequence of its section."""
    section = Section.objects.get(pk=activity.section_id)
    order = [number for number in _sequence(section) if number != activity.pk]
    change_section(section, sequence=",".join(map(str, order)))


def _renumber(sections: Iterable[Section]) -> None:
    """Number sections 0, 1, 2, ... in the order given."""
    for number, section in enumerate(sections):
        if section.number != number:
            _change(section, {"number": number})


def _refuse_shared_banks(activities: Collection[Activity]) -> None:
    """Raise UsageError if an activity that stays uses questions from the banks of these activities."""
    contexts = [activity.contextid for activity in activities]
    users = activities_using(QuestionCategory.objects.filter(contextid__in=contexts), contexts)
    users = users.exclude(contextid__in=contexts)
    if names := ", ".join(f"“{activity.title}”" for activity in users):
        raise UsageError(f"{names} uses questions of what is to be removed. Remove its questions first.")


def _forget_opaque(top: Element, ids: list[int]) -> None:
    """Delete the opaque elements of the records of `top` and of all records nested in them."""
    if not OpaqueElement.objects.exists():
        return
    scopes = {"course_module": "activity", "block_instance": "block", "course_section": "section"}
    if (scope := scopes.get(top.item_type)) is not None:
        OpaqueElement.objects.filter(item_type__startswith=f"{scope}:", record__in=ids).delete()
    tops = [top]
    for member in structure.members_of(top.model):
        tops += structure.elements_of(structure.elements_in(top.model, member))
    with connection.cursor() as cursor:
        for chain in (chain for one in tops for chain in structure.chains(one)):
            first = chain[0]
            condition = (
                "t0.id = ANY(%(ids)s)"
                if first is top
                else f't0."{first.column}" IN (SELECT "{first.parent_column}" FROM "{top.table}" WHERE id = ANY(%(ids)s))'
            )
            row = f"t{len(chain) - 1}"
            cursor.execute(
                f"DELETE FROM courses_opaqueelement WHERE item_type = %(item_type)s AND record IN"
                f" (SELECT {row}.id FROM {structure.source(chain)} WHERE {condition})",
                {"ids": ids, "item_type": chain[-1].item_type},
            )
