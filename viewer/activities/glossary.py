"""Glossary: its terms in alphabetical order, and its categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models.functions import Lower

from courses.activities.glossary import (
    GlossaryAlias,
    GlossaryCategory,
    GlossaryCategoryEntry,
    GlossaryEntry,
    GlossaryEntryTag,
    GlossaryRating,
)
from viewer.page_context import PageContext, fact, facts, marks, table
from viewer.panels import Entry, Location, Panel, Table
from viewer.presentation import Presentation


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the terms with their aliases, comments and other details, then the categories."""
    yield page.listed("Terms", _entries_of(page), lambda rows: _terms(page, rows), userdata=True)
    categories = GlossaryCategory._base_manager.filter(glossary=page.content).order_by("name", "pk")
    yield page.listed("Categories", categories, lambda rows: _categories(page, rows), size=100)


def _entries_of(page: PageContext) -> Any:
    return GlossaryEntry._base_manager.filter(glossary=page.content).order_by(Lower("concept"), "pk")


def _location(page: PageContext, number: int) -> Location:
    numbers = _entries_of(page).values_list("pk", flat=True)
    return page.location(page.here, "Terms", numbers, number, anchor=f"entry{number}")


def _categories(page: PageContext, rows: list[Any]) -> Table:
    inside = page.counts(GlossaryCategoryEntry, "category", rows)
    return table("Category | Terms", ((row.name, inside.get(row.pk, 0)) for row in rows), numeric=[1])


def _terms(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    aliases = page.below(GlossaryAlias, "entry", rows)
    ratings = page.below(GlossaryRating, "entry", rows)
    numbers = [row.pk for row in rows]
    categories: dict[int, list[str]] = {}
    elements_in = GlossaryCategoryEntry._base_manager.filter(
        entryid__in=numbers, category__glossary=page.content
    )
    for number, name in elements_in.values_list("entryid", "category__name"):
        categories.setdefault(number, []).append(name)
    tags: dict[int, list[str]] = {}
    used = GlossaryEntryTag._base_manager.filter(glossary=page.content, itemid__in=numbers)
    for number, name in used.values_list("itemid", "rawname"):
        tags.setdefault(number, []).append(name)
    for row in rows:
        yield Entry(
            title=row.concept,
            name=f"entry{row.pk}",
            who=page.person(row.userid),
            when=row.timecreated,
            marks=(
                *marks(Not_approved=not row.approved, By_a_teacher=row.teacherentry),
                *(f"#{name}" for name in tags.get(row.pk, ())),
            ),
            texts=(page.rich("", row, "definition"),),
            files=page.files(row.pk, "mod_glossary/attachment"),
            facts=facts(
                fact("Also", ", ".join(one.alias_text for one in aliases.get(row.pk, ()))),
                fact("Category", ", ".join(categories.get(row.pk, ()))),
                fact("From", page.named("glossary", row.sourceglossaryid)),
                *page.ratings(ratings.get(row.pk, ())),
            ),
            comments=page.comments(row.pk, "mod_glossary/glossary_entry"),
        )


MEANINGS: dict[str, dict[Any, str]] = {
    "glossary.rsstype": {1: "with authors", 2: "without authors"},
}

PRESENTATION = Presentation(
    present,
    covers=(
        GlossaryEntry,
        GlossaryAlias,
        GlossaryRating,
        GlossaryCategory,
        GlossaryCategoryEntry,
        GlossaryEntryTag,
    ),
    locations={"glossary_entry": _location},
    meanings=MEANINGS,
)
