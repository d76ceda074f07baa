"""Question banks of which an archive for Moodle 5 has only the questions that are used: those that belong to no activity in it.

Of such a bank come the entries that a slot names, that the filter of a random question finds, that an attempt has, and those of
questions inside them; of its categories those of these entries, those that random questions are drawn from, and what is above.
Banks and quizzes in the archive are whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import QuerySet

from archive.json_text import parse_json
from archive.numbers import natural
from backup.context import BackupContext
from backup.question_banks import chosen_users, random_references, used_contexts, used_entries
from backup.substitutes import Substitutes
from courses.file_areas import models_of_area, path_to_course
from courses.models.question_extras import QuestionTag
from courses.models.questions import Question, QuestionBankEntry, QuestionCategory
from courses.structure import Model

OF_ENTRY = "entry__category__course"
"""The end of the query path from a record of a question to the course."""

ANY, ALL = 1, 2
"""How the values of a filter are joined, as in Moodle."""


@dataclass(frozen=True, slots=True)
class RandomFilter:
    """The conditions of a random question: the categories that are named, whether those below count, and the tags.

    `categories` is None if the conditions cannot be read: any question of the bank may be drawn. `all_tags` says whether a
    question needs all of the tags, or one of them.
    """

    categories: frozenset[int] | None = None
    below: bool = True
    tags: frozenset[int] = field(default_factory=frozenset)
    all_tags: bool = False


def read_filter(text: str) -> RandomFilter:
    """Return the conditions of a random question. What this does not know narrows nothing."""
    try:
        tree = parse_json(text)
    except ValueError:
        return RandomFilter()
    if not isinstance(tree, dict):
        return RandomFilter()
    filters = tree.get("filter")
    if not isinstance(filters, dict):  # before 4.3
        number = natural(tree.get("questioncategoryid", ""))
        return RandomFilter(frozenset({number}) if number else None)
    category = filters.get("category")
    named = _ids(category)
    if not named or not isinstance(category, dict) or category.get("jointype", ANY) != ANY:
        return RandomFilter()
    options = category.get("filteroptions")
    below = options.get("includesubcategories") if isinstance(options, dict) else False
    tags = filters.get("qtagids")
    join = tags.get("jointype", ANY) if isinstance(tags, dict) else None
    return RandomFilter(
        named,
        below not in (None, False, 0, "0", "", "false"),
        _ids(tags) if join in (ANY, ALL) else frozenset(),
        join == ALL,
    )


def _ids(condition: Any) -> frozenset[int]:
    values = condition.get("values") if isinstance(condition, dict) else None
    found = (natural(one) for one in values if isinstance(one, str | int)) if isinstance(values, list) else ()
    return frozenset(one for one in found if one)


class UsedQuestions(NamedTuple):
    """The entries and categories of some contexts that the chosen activities use.

    `categories` are those of the entries and those that random questions are drawn from, with all above. `tree` has the parent
    and the context of each category there, used or not.
    """

    tree: dict[int, tuple[int, int]]
    entries: set[int]
    categories: set[int]


def used_questions(context: BackupContext, contexts: Collection[int]) -> UsedQuestions:
    """Return what the chosen activities use of the categories of some contexts."""
    rows = QuestionCategory.objects.filter(course=context.course, contextid__in=contexts)
    tree = {number: (parent, bank) for number, parent, bank in rows.values_list("pk", "parent", "contextid")}
    entries, categories = used_entries(context), set[int]()
    for bank, one in _filters(chosen_users(context)["contexts"]):
        drawn = _categories(tree, bank, one)
        categories |= drawn
        entries |= _entries_in(drawn, one)
    entries |= _inner(entries)
    held = QuestionBankEntry.objects.filter(pk__in=entries, category__in=tree)
    categories.update(held.values_list("category_id", flat=True))
    for number in list(categories):
        above = tree[number][0]
        while above in tree and above not in categories:
            categories.add(above)
            above = tree[above][0]
    return UsedQuestions(tree, entries, categories)


def leave_out_unused(context: BackupContext, substitutes: Substitutes, *, whole: Iterable[int]) -> None:
    """Leave out the entries and categories of which nothing is used, of banks that belong to no activity in the archive.

    `whole` are contexts whose categories come as they are.
    """
    if context.archive_type == "course" and not context.selection.is_part:
        return
    elsewhere = used_contexts(context).difference(chosen_users(context)["contexts"], whole)
    if not elsewhere:
        return
    used = used_questions(context, elsewhere)
    substitutes.leave_out(
        QuestionBankEntry, f"category_id = {ids_in(used.tree)} AND NOT id = {ids_in(used.entries)}"
    )
    substitutes.leave_out(QuestionCategory, f"id = {ids_in(used.tree.keys() - used.categories)}")
    context.has_question_file = QuestionFiles(context.course.pk)


def _filters(contexts: list[int]) -> set[tuple[int, RandomFilter]]:
    """Return the conditions of the random questions of some contexts, each with the context of its bank."""
    return {
        (bank, read_filter(text or ""))
        for model in random_references()
        for bank, text in chosen(model, usingcontextid__in=contexts).values_list(
            "questionscontextid", "filtercondition"
        )
    }


def chosen(model: Model, **conditions: Any) -> QuerySet[Any, Any]:
    """Return the query of the rows of a model for which conditions hold."""
    return model._base_manager.filter(**conditions)


def _categories(tree: dict[int, tuple[int, int]], bank: int, one: RandomFilter) -> set[int]:
    """Return the categories that a random question is drawn from; `tree` has parent and context of each category."""
    if one.categories is None:
        return {number for number, (_, contextid) in tree.items() if contextid == bank}
    inside: dict[int, list[int]] = defaultdict(list)
    for number, (parent, _) in tree.items():
        inside[parent].append(number)
    found, waiting = set[int](), [number for number in one.categories if number in tree]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += inside[number] if one.below else ()
    return found


def _entries_in(categories: set[int], one: RandomFilter) -> set[int]:
    """Return the entries in some categories that have the tags of a random question."""
    entries = QuestionBankEntry.objects.filter(category__in=categories)
    if not one.tags:
        return set(entries.values_list("pk", flat=True))
    tagged = QuestionTag.objects.filter(question__version__entry__in=entries, tagid__in=one.tags)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for entry, tag in tagged.values_list("question__version__entry", "tagid"):
        found[entry].add(tag)
    return {entry for entry, tags in found.items() if not one.all_tags or tags == one.tags}


def _inner(entries: set[int]) -> set[int]:
    """Return the entries of the questions that are inside those of some entries."""
    around = Question.objects.filter(version__entry__in=entries)
    inner = Question.objects.exclude(parent=0).filter(parent__in=around.values("pk"))
    return set(inner.values_list("version__entry", flat=True))


class QuestionFiles:
    """Says whether the archive has the record of a question that a file belongs to; asked when the unused are left out."""

    def __init__(self, course: int) -> None:
        self._course = course
        self._there: dict[Model, frozenset[int]] = {}

    def __call__(self, component: str, area: str, item: int) -> bool:
        """Return whether a record with the id `item` comes; True for an area that no model declares."""
        models = [one for one in models_of_area(component, area) if path_to_course(one).endswith(OF_ENTRY)]
        return not models or any(item in self._ids(one) for one in models)

    def _ids(self, model: Model) -> frozenset[int]:
        if model not in self._there:
            rows = chosen(model, **{path_to_course(model): self._course})
            self._there[model] = frozenset(rows.values_list("pk", flat=True))
        return self._there[model]


def ids_in(numbers: Iterable[int]) -> str:
    """Return the SQL of a set of ids, to compare one with."""
    return f"ANY('{{{','.join(map(str, sorted(numbers)))}}}'::bigint[])"
