"""A glossary: its terms in the order of the alphabet, and its categories."""

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
from viewer.page_context import Desk, fact, facts, marks, table
from viewer.panels import Entry, Panel, Spot, Table
from viewer.presentation import Form


def present(desk: Desk) -> Iterator[Panel]:
    """The terms with all that belongs to them, then the categories."""
    yield desk.listed("Terms", _entries_of(desk), lambda rows: _terms(desk, rows), work=True)
    categories = GlossaryCategory._base_manager.filter(glossary=desk.content).order_by("name", "pk")
    yield desk.listed("Categories", categories, lambda rows: _categories(desk, rows), size=100)


def _entries_of(desk: Desk) -> Any:
    return GlossaryEntry._base_manager.filter(glossary=desk.content).order_by(Lower("concept"), "pk")


def _place(desk: Desk, number: int) -> Spot:
    numbers = _entries_of(desk).values_list("pk", flat=True)
    return desk.spot(desk.here, "Terms", numbers, number, anchor=f"entry{number}")


def _categories(desk: Desk, rows: list[Any]) -> Table:
    inside = desk.counts(GlossaryCategoryEntry, "category", rows)
    return table("Category | Terms", ((row.name, inside.get(row.pk, 0)) for row in rows), numeric=[1])


def _terms(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    aliases = desk.below(GlossaryAlias, "entry", rows)
    ratings = desk.below(GlossaryRating, "entry", rows)
    numbers = [row.pk for row in rows]
    categories: dict[int, list[str]] = {}
    placed = GlossaryCategoryEntry._base_manager.filter(entryid__in=numbers, category__glossary=desk.content)
    for number, name in placed.values_list("entryid", "category__name"):
        categories.setdefault(number, []).append(name)
    tags: dict[int, list[str]] = {}
    used = GlossaryEntryTag._base_manager.filter(glossary=desk.content, itemid__in=numbers)
    for number, name in used.values_list("itemid", "rawname"):
        tags.setdefault(number, []).append(name)
    for row in rows:
        yield Entry(
            title=row.concept,
            name=f"entry{row.pk}",
            who=desk.person(row.userid),
            when=row.timecreated,
            marks=(
                *marks(Not_approved=not row.approved, By_a_teacher=row.teacherentry),
                *(f"#{name}" for name in tags.get(row.pk, ())),
            ),
            texts=(desk.rich("", row, "definition"),),
            files=desk.files(row.pk, "mod_glossary/attachment"),
            facts=facts(
                fact("Also", ", ".join(one.alias_text for one in aliases.get(row.pk, ()))),
                fact("Category", ", ".join(categories.get(row.pk, ()))),
                fact("From", desk.named("glossary", row.sourceglossaryid)),
                *desk.ratings(ratings.get(row.pk, ())),
            ),
            comments=desk.comments(row.pk, "mod_glossary/glossary_entry"),
        )


FORM = Form(
    present,
    covers=(
        GlossaryEntry,
        GlossaryAlias,
        GlossaryRating,
        GlossaryCategory,
        GlossaryCategoryEntry,
        GlossaryEntryTag,
    ),
    places={"glossary_entry": _place},
)
