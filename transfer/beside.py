"""Records that a removal takes along and no archive of a section or activity holds: criteria of the course, grade categories.

The entry of the recycle bin keeps them, as JSON, and a return puts them back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from archive.numbers import whole_or
from courses.changes import move_section, owned_sections
from courses.models import Activity, Section, User
from courses.models.completion import CompletionCriterion, CriterionCompletion
from courses.models.grades import GradeCategory, GradeItem
from restore.context import RestoreContext


def beside(owner: Section | Activity) -> dict[str, Any]:
    """Return what a removal of a section or activity takes along beside its archive, as JSON; `put_beside_back` takes it.

    `criteria` are the criteria for completing the course that name the activities, with who has met them; `items` the
    categories of their grade items; `numbers` the numbers of the sections that the activities own. All keys are ids.
    """
    activities = [owner] if isinstance(owner, Activity) else list(Activity.objects.filter(section=owner))
    numbers: dict[int, int] = {}
    for one in activities:
        # The list grows by the activities that are found in the sections of others.
        for section in owned_sections(one):
            numbers[section.pk] = section.number
            activities += Activity.objects.filter(section=section)
    ids = [one.pk for one in activities]
    criteria = CompletionCriterion.objects.filter(within=owner.course_id, moduleinstance__in=ids)
    items = GradeItem.objects.filter(activity__in=ids).exclude(categoryid=None)
    found = {
        "criteria": list(criteria.order_by("pk").values()),
        "met": list(CriterionCompletion.objects.filter(criterion__in=criteria).order_by("pk").values()),
        "items": dict(items.values_list("pk", "categoryid")),
        "numbers": numbers,
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, cls=DjangoJSONEncoder))
    return plain


def put_beside_back(context: RestoreContext, kept: Mapping[str, Any]) -> None:
    """Put back what a removal took along, for the activities that are back."""
    assert context.course is not None
    course = context.course.pk
    for pk, category in kept.get("items", {}).items():
        if GradeCategory.objects.filter(course=course, pk=category).exists():
            new = context.known("grade_item", whole_or(pk))
            GradeItem.objects.filter(course=course, pk=new or 0).update(categoryid=category)
    for pk, number in sorted(kept.get("numbers", {}).items(), key=lambda item: item[1]):
        new = context.known("course_section", whole_or(pk))
        section = Section.objects.filter(course=course, pk=new or 0).first()
        if section is not None:
            last = Section.objects.filter(course=course).count() - 1
            move_section(section, max(1, min(number, last)))
    _put_criteria_back(context, course, kept)


def _put_criteria_back(context: RestoreContext, course: int, kept: Mapping[str, Any]) -> None:
    """Create the criteria again that name the activities that are back, with who has met them, if the course has none such."""
    met: dict[int, list[dict[str, Any]]] = {}
    for row in kept.get("met", []):
        met.setdefault(row["criterion_id"], []).append(row)
    people = set(
        User.objects.filter(pk__in=[row["userid"] for row in kept.get("met", [])]).values_list(
            "pk", flat=True
        )
    )
    there = set(
        CompletionCriterion.objects.filter(within=course).values_list("criteriatype", "moduleinstance")
    )
    for row in kept.get("criteria", []):
        named = context.known("course_module", row["moduleinstance"])
        if named is None or (row["criteriatype"], named) in there:
            continue
        taken = CompletionCriterion.objects.filter(pk=row["id"]).exists()
        values = {**row, "id": None if taken else row["id"], "moduleinstance": named, "within_id": course}
        criterion = CompletionCriterion.objects.create(**values)
        CriterionCompletion.objects.bulk_create(
            CriterionCompletion(**{**one, "id": None, "criterion_id": criterion.pk})
            for one in met.get(row["id"], [])
            if one["userid"] in people
        )
