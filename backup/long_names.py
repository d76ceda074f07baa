"""Names that are too long for the Moodle that is written for: a finding for each, and a cut if that was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from django.db import connection, models
from django.db.models import Q, QuerySet

from archive.findings import Finding
from archive.numbers import whole_or
from backup.context import BackupContext
from backup.moodle_version import MoodleVersion
from backup.question_banks import used_contexts
from backup.substitutes import Substitutes
from courses import registry, structure
from courses.fields import LONGEST_NAME, ArchiveField
from courses.file_areas import path_to_course
from courses.models import Activity, Course, Section
from courses.models.questions import QuestionCategory
from courses.structure import Model
from selection.selection import Selection

CUT = "cut"
"""The value of the option `long_names` with which names that are too long are cut."""


def shorten_names(
    context: BackupContext, substitutes: Substitutes, new_names: Mapping[int, str]
) -> Iterator[Finding]:
    """Yield a finding for each name in the archive that is too long; let it be cut if that was asked for.

    `new_names` are those that question categories get in the archive, by the ids of the categories.
    """
    cut = context.selection.settings.text("long_names") == CUT
    version = context.version
    columns = dict(_long_columns())
    found = _too_long(context)
    of_categories = next((index for index, one in columns.items() if one[0] is QuestionCategory), 0)
    if any(index == of_categories for index, *_ in found):
        coming = _categories(context)
        found = [one for one in found if one[0] != of_categories or one[1] in coming]
    found += [
        (of_categories, number, len(name))
        for number, name in new_names.items()
        if len(name) > version.longest_name
    ]
    if cut:
        for model, column in {columns[index] for index, *_ in found}:
            substitutes.change(model, column, partial(_left, _most(version, model)))
    for index, number, characters in sorted(found):
        model, column = columns[index]
        most = _most(version, model)
        name = f"{structure.item_type_of(model)} {number}"
        yield Finding(
            "warning",
            "name-too-long",
            f"The {column} has {characters:,} characters; Moodle {version.release} takes {most}."
            f" It is {'cut' if cut else 'written whole, and that Moodle refuses it'}.",
            name,
            "Shorten it here."
            if cut
            else "Shorten it, ask for long_names=cut, or write for Moodle 5.3 (moodle=5.3).",
        )


def _categories(context: BackupContext) -> set[int]:
    """Return the ids of the question categories that come: those used, and of a whole course also those of no activity."""
    if not context.selection.allows("questionbank"):
        return set()
    comes = Q(contextid__in=[*used_contexts(context), *context.contexts])
    if context.archive_type == "course" and not context.selection.is_part:
        activities = Activity.objects.filter(course=context.course)
        comes |= ~Q(contextid__in=activities.values("contextid"))
    found = QuestionCategory.objects.filter(comes, course=context.course)
    return set(found.values_list("pk", flat=True))


def _most(version: MoodleVersion, model: Model) -> int:
    return version.longest_fullname if model is Course else version.longest_name


def _left(most: int, value: str) -> str:
    return f"left({value}, {most})"


@registry.derived
def _long_columns() -> tuple[tuple[int, tuple[Model, str]], ...]:
    """Return the columns that 4.5 has shorter, numbered: model and name; without those of banks, which it does not have."""
    found = [
        (model, one.name)
        for model in structure.archived_models()
        for one in model._meta.concrete_fields
        if isinstance(one, ArchiveField)
        and one.max_length == LONGEST_NAME
        and not one.omit
        and path_to_course(model)
        and model is not registry.activity_types().get(registry.type_of_banks())
    ]
    return tuple(enumerate(found))


def _too_long(context: BackupContext) -> list[tuple[int, int, int]]:
    """Return the names that come along and are too long, each by the number of its column, its id and its characters."""
    columns = dict(_long_columns())
    most = {f"most_{index}": _most(context.version, model) for index, (model, _) in columns.items()}
    with connection.cursor() as cursor:
        cursor.execute(_long_names(), {"course": context.course.pk, **most})
        of_course: list[tuple[int, int, int]] = cursor.fetchall()
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for index, number, _ in of_course:
        numbers[index].append(number)
    coming = {
        index: set(chosen_rows(context, columns[index][0]).filter(pk__in=theirs).values_list("pk", flat=True))
        for index, theirs in numbers.items()
    }
    return [one for one in of_course if one[1] in coming[one[0]]]


@registry.derived
def _long_names() -> str:
    """Return the SQL of all names of the course %(course)s that are too long: in column 7 longer than %(most_7)s.

    Its text depends on the models only. Django's queries of the same took longer to write than the server to answer.
    """
    parts = []
    for index, (model, name) in _long_columns():
        rows, course = _rows_in_courses(model)
        length = f"length(t0.{_column(model, name)})"
        parts.append(
            f"SELECT {index}, t0.{_column(model, 'pk')}, {length} FROM {rows}"  # noqa: S608  of models only
            f" WHERE {course} = %(course)s AND {length} > %(most_{index})s"
        )
    return " UNION ALL ".join(parts)


def _rows_in_courses(model: Model) -> tuple[str, str]:
    """Return the SQL of the rows of a model, `t0`, joined with those around them, and of the column of their course."""
    *outer, last = path_to_course(model).split("__")
    here: type[models.Model] = model
    rows, row = f'"{model._meta.db_table}" t0', "t0"
    for number, name in enumerate(outer, 1):
        around = cast("type[models.Model]", here._meta.get_field(name).related_model)
        on = f"t{number}.{_column(around, 'pk')} = {row}.{_column(here, name)}"
        rows += f' JOIN "{around._meta.db_table}" t{number} ON {on}'
        here, row = around, f"t{number}"
    return rows, f"{row}.{_column(here, last)}"


def _column(model: type[models.Model], name: str) -> str:
    """Return the column of a field, or of the key if that is named `pk`, quoted."""
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return f'"{cast(Any, field).column}"'


def chosen_rows(context: BackupContext, model: Model) -> QuerySet[Any, Any]:
    """Return the query of the rows of a model that come along by the options and the chosen sections and activities.

    Of the course's records that a part needs, such as scales, it has all.
    """
    selection, way, meta = context.selection, path_to_course(model), model.archive_meta
    rows: QuerySet[Any, Any] = model._base_manager.filter(**{way: context.course.pk})
    if not selection.comes(model) or (model is Course and selection.archive_type != "course"):
        return rows.none()
    if model is Section:
        return rows.filter(pk__in=_chosen(selection, "section", selection.includes))
    activity = f"{way.removesuffix('__course')}__in" if way.endswith("owner__course") else ""
    if activity:
        comes = selection.with_userdata if meta.userdata else selection.includes
        return rows.filter(
            **{activity: _chosen(selection, "activity", lambda one: selection.includes(one) and comes(one))}
        )
    if meta.userdata and not selection.people:
        return rows.none()
    if any(one.name == "activity" for one in model._meta.concrete_fields):
        chosen = _chosen(selection, "activity", selection.includes)
        return rows.filter(Q(activity=None) | Q(activity__in=chosen))
    return rows


def _chosen(selection: Selection, level: str, comes: Callable[[str], bool]) -> list[int]:
    """Return the ids of the sections or activities for whose owner a condition holds."""
    owners = {one.owner for one in selection.settings.values() if one.owner and one.option.level == level}
    return sorted(whole_or(one.rpartition("_")[2]) for one in owners if comes(one))
