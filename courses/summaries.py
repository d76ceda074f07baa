"""Summaries: the number of records of each kind in each activity, in words for pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.db.models import Count, ForeignKey, Model, Q
from django.utils.text import capfirst

from courses import registry
from courses.archived import ArchivedModel
from courses.content import Content
from courses.models import Activity, Course, File
from courses.structure import Element, element, model_of_item_type


def counts(course: Course) -> dict[int, str]:
    """Return a summary of each activity of a course, by the activity's id: “3 discussions, 12 posts”.

    It takes two queries for each type at most, and one for files, however many activities there are.
    """
    found: dict[int, list[str]] = {}
    present = set(Activity.objects.filter(course=course).values_list("modulename", flat=True).distinct())
    for name, model in registry.activity_types().items():
        for one, path in _main_elements(model) if name in present else ():
            noun = _noun(one.model, name)
            rows = one.model._base_manager.filter(Q((f"{path}__owner__course", course)))
            for owner, number in rows.values_list(f"{path}__owner").annotate(Count("pk")):
                found.setdefault(owner, []).append(f"{number:,} {noun if number == 1 else plural(noun)}")
    held = (
        File.objects.filter(course=course)
        .exclude(filename=".")
        .values_list("contextid")
        .annotate(Count("pk"))
    )
    files = dict(held)
    for pk, contextid in Activity.objects.filter(course=course, contextid__in=files).values_list(
        "pk", "contextid"
    ):
        number = files[contextid]
        found.setdefault(pk, []).append(f"{number:,} {'file' if number == 1 else 'files'}")
    return {pk: ", ".join(parts) for pk, parts in found.items()}


def _main_elements(model: type[ArchivedModel]) -> list[tuple[Element, str]]:
    """Return the first two elements inside a content that have an item type, each with its query path."""
    return [(one, path) for one, path in _nested_elements(model) if one.model.archive_meta.item_type][:2]


def content_of(activity: Activity) -> Content | None:
    """Return the record of the activity's own type; None if the type is not described or the record is missing."""
    model = registry.activity_types().get(activity.modulename)
    return model._base_manager.filter(owner=activity).first() if model else None


def list_title(model: type[Model], prefix: str = "") -> str:
    """Return the title for a list of a model's records: “Discussions”, “Chapter tags”."""
    return str(capfirst(plural(_noun(model, prefix))))


def _noun(model: type[Model], prefix: str) -> str:
    """Return the noun for one record, without the activity type's name: “discussion” of “forum discussion”."""
    words = str(model._meta.verbose_name)
    if words in _NOUNS:
        return _NOUNS[words]
    return words.removeprefix(prefix).strip() or words


_NOUNS = {
    "activity viewed": "view",
    "activity completion": "completion",
    "enrol": "enrolment method",
    "bank content": "item of the content bank",
    "grouping group": "group of a grouping",
    "filter active": "filter",
    "filter config": "filter setting",
    "forum discussion sub": "follower of discussions",
    "forum read": "post read",
    "forum track": "read tracking",
    "grade grade": "grade",
    "grade history": "earlier grade",
    "assign pdf files": "annotated document",
    "assign plugin config": "plugin setting",
    "xapi state": "saved state",
    "big blue button bn log": "log entry",
    "big blue button bn recording": "recording",
    "h5p activity attempt": "attempt",
    "h5p activity result": "result",
    "feedback completed": "response",
    "feedback value": "answer",
    "feedback item": "question",
    "scorm sco": "item",
    "scorm sco property": "property of item",
    "question bank entry": "entry of the question bank",
}
"""Nouns for records whose model has another name."""


def number_with_noun(item_type: str, number: int) -> str:
    """Return a number with the noun of an item type: “1 grade category”, “3 grade categories”."""
    model = model_of_item_type(item_type)
    noun = str(model._meta.verbose_name) if model else item_type.replace("_", " ")
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def numbers_with_nouns(counts: Mapping[str, int]) -> str:
    """Return numbers by item type with their nouns: “1 event, 3 submissions”."""
    return ", ".join(number_with_noun(item_type, number) for item_type, number in sorted(counts.items()))


def plural(words: str) -> str:
    """Return the plural of an English noun: entry, entries; branch, branches; criterion, criteria; post, posts."""
    noun, of, rest = words.partition(" of ")
    if of:
        return f"{plural(noun)}{of}{rest}"
    if words.endswith("criterion"):
        return f"{words.removesuffix('on')}a"
    if words == "post read":
        return "posts read"
    if re.search(r"[^aeiou]y\Z", words):
        return f"{words[:-1]}ies"
    if re.search(r"(s|x|ch|sh)\Z", words):
        return words if words.endswith("s") else f"{words}es"
    return f"{words}s"


def _nested_elements(model: type[ArchivedModel]) -> Iterator[tuple[Element, str]]:
    """Yield each element inside a content, with the query path from it to the content."""
    yield from _below(element(model), "")


def _below(parent: Element, path: str) -> Iterator[tuple[Element, str]]:
    for child in parent.children():
        link = next((f for f in child.model._meta.concrete_fields if f.column == child.column), None)
        if not isinstance(link, ForeignKey):
            continue
        way = f"{link.name}__{path}" if path else link.name
        yield child, way
        yield from _below(child, way)
