"""Advanced grading: rubrics and marking guides of an activity, and the forms that markers filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models.grading import (
    GradingDefinition,
    GradingInstance,
    GuideComment,
    GuideCriterion,
    GuideFilling,
    RubricCriterion,
    RubricFilling,
    RubricLevel,
)
from viewer.lookups import Phrase
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Panel
from viewer.words import DASH, number, points

METHODS = {"rubric": "Rubric", "guide": "Marking guide"}


def forms_of(page: PageContext) -> Iterator[Panel]:
    """Yield each rubric and marking guide of the activity with its criteria."""
    definitions = list(GradingDefinition._base_manager.filter(area__activity=page.activity).order_by("pk"))
    rubrics = page.below(RubricCriterion, "definition", definitions, order=("sortorder", "pk"))
    levels = page.below(
        RubricLevel, "criterion", [one for rows in rubrics.values() for one in rows], order=("score", "pk")
    )
    guides = page.below(GuideCriterion, "definition", definitions, order=("sortorder", "pk"))
    phrases = page.below(GuideComment, "definition", definitions, order=("sortorder", "pk"))
    for one in definitions:
        yield Panel(
            f"{METHODS.get(one.method, one.method)}: {one.name}",
            texts=facts(page.rich("", one, "description", area="grading/description", item=one.pk))
            if one.description
            else (),
            entries=(
                *(_rubric(page, row, levels.get(row.pk, ())) for row in rubrics.get(one.pk, ())),
                *(_guide(page, row) for row in guides.get(one.pk, ())),
                *(
                    Entry(
                        title="Frequent comment",
                        texts=(page.text("", row.description, row.descriptionformat),),
                    )
                    for row in phrases.get(one.pk, ())
                ),
            ),
        )


def _rubric(page: PageContext, row: Any, levels: Iterable[Any]) -> Entry:
    said = tuple(fact(points(level.score), level.definition) for level in levels)
    return Entry(texts=(page.text("", row.description, row.descriptionformat),), facts=said)


def _guide(page: PageContext, row: Any) -> Entry:
    return Entry(
        title=row.shortname,
        marks=(f"up to {number(row.maxscore)}",),
        texts=(
            page.text("", row.description, row.descriptionformat),
            page.text("For markers", row.descriptionmarkers, row.descriptionmarkersformat),
        ),
    )


def fillings(page: PageContext, items: list[int], area: str) -> dict[int, list[Entry]]:
    """Return the filled-in grading forms for items of a grading area, by item id."""
    rows = list(
        GradingInstance._base_manager.filter(
            itemid__in=items, definition__area__activity=page.activity, definition__area__areaname=area
        ).order_by("pk")
    )
    levels = page.below(RubricFilling, "instance", rows)
    scores = page.below(GuideFilling, "instance", rows)
    chosen = RubricLevel._base_manager.in_bulk(
        {one.levelid for some in levels.values() for one in some if one.levelid}
    )
    found: dict[int, list[Entry]] = {}
    for row in rows:
        said = [_level(page, one, chosen.get(one.levelid)) for one in levels.get(row.pk, ())]
        said += [
            fact(
                "Criterion",
                Phrase(
                    page.named("gradingform_guide_criterion", one.criterionid),
                    f": {number(one.score)}",
                    _remark(one.remark),
                ),
            )
            for one in scores.get(row.pk, ())
        ]
        entry = Entry(
            title="Grading form",
            who=page.person(row.raterid),
            when=row.timemodified,
            marks=(number(row.rawgrade),) if row.rawgrade is not None else (),
            texts=(page.text("", row.feedback, row.feedbackformat),) if row.feedback else (),
            facts=tuple(said),
        )
        found.setdefault(row.itemid, []).append(entry)
    return found


def _level(page: PageContext, one: Any, level: Any) -> Any:
    chosen = f": {points(level.score)}, {level.definition}" if level else ""
    return fact(
        "Criterion",
        Phrase(page.named("gradingform_rubric_criterion", one.criterionid), chosen, _remark(one.remark)),
    )


def _remark(text: str | None) -> str:
    return f" {DASH} {text}" if text else ""
