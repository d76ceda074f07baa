"""Advanced grading: rubrics and guides of an activity, and what markers filled in."""

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
from viewer.page_context import Desk, fact, facts
from viewer.panels import Entry, Panel
from viewer.words import DASH, number, points

METHODS = {"rubric": "Rubric", "guide": "Marking guide"}


def forms_of(desk: Desk) -> Iterator[Panel]:
    """Each rubric and guide of the activity with its criteria."""
    definitions = list(GradingDefinition._base_manager.filter(area__activity=desk.activity).order_by("pk"))
    rubrics = desk.below(RubricCriterion, "definition", definitions, order=("sortorder", "pk"))
    levels = desk.below(
        RubricLevel, "criterion", [one for rows in rubrics.values() for one in rows], order=("score", "pk")
    )
    guides = desk.below(GuideCriterion, "definition", definitions, order=("sortorder", "pk"))
    phrases = desk.below(GuideComment, "definition", definitions, order=("sortorder", "pk"))
    for one in definitions:
        yield Panel(
            f"{METHODS.get(one.method, one.method)}: {one.name}",
            texts=facts(desk.rich("", one, "description", area="grading/description", item=one.pk))
            if one.description
            else (),
            entries=(
                *(_rubric(desk, row, levels.get(row.pk, ())) for row in rubrics.get(one.pk, ())),
                *(_guide(desk, row) for row in guides.get(one.pk, ())),
                *(
                    Entry(
                        title="Frequent comment",
                        texts=(desk.text("", row.description, row.descriptionformat),),
                    )
                    for row in phrases.get(one.pk, ())
                ),
            ),
        )


def _rubric(desk: Desk, row: Any, levels: Iterable[Any]) -> Entry:
    said = tuple(fact(points(level.score), level.definition) for level in levels)
    return Entry(texts=(desk.text("", row.description, row.descriptionformat),), facts=said)


def _guide(desk: Desk, row: Any) -> Entry:
    return Entry(
        title=row.shortname,
        marks=(f"up to {number(row.maxscore)}",),
        texts=(
            desk.text("", row.description, row.descriptionformat),
            desk.text("For markers", row.descriptionmarkers, row.descriptionmarkersformat),
        ),
    )


def fillings(desk: Desk, items: list[int], area: str) -> dict[int, list[Entry]]:
    """The forms that were filled in for records of a grading area, by the number of the record."""
    rows = list(
        GradingInstance._base_manager.filter(
            itemid__in=items, definition__area__activity=desk.activity, definition__area__areaname=area
        ).order_by("pk")
    )
    levels = desk.below(RubricFilling, "instance", rows)
    scores = desk.below(GuideFilling, "instance", rows)
    chosen = RubricLevel._base_manager.in_bulk(
        {one.levelid for some in levels.values() for one in some if one.levelid}
    )
    found: dict[int, list[Entry]] = {}
    for row in rows:
        said = [_level(desk, one, chosen.get(one.levelid)) for one in levels.get(row.pk, ())]
        said += [
            fact(
                "Criterion",
                Phrase(
                    desk.named("gradingform_guide_criterion", one.criterionid),
                    f": {number(one.score)}",
                    _remark(one.remark),
                ),
            )
            for one in scores.get(row.pk, ())
        ]
        entry = Entry(
            title="Grading form",
            who=desk.person(row.raterid),
            when=row.timemodified,
            marks=(number(row.rawgrade),) if row.rawgrade is not None else (),
            texts=(desk.text("", row.feedback, row.feedbackformat),) if row.feedback else (),
            facts=tuple(said),
        )
        found.setdefault(row.itemid, []).append(entry)
    return found


def _level(desk: Desk, one: Any, level: Any) -> Any:
    chosen = f": {points(level.score)}, {level.definition}" if level else ""
    return fact(
        "Criterion",
        Phrase(desk.named("gradingform_rubric_criterion", one.criterionid), chosen, _remark(one.remark)),
    )


def _remark(text: str | None) -> str:
    return f" {DASH} {text}" if text else ""
