"""Badges: their criteria, and who has been awarded them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import natural, whole_or
from courses.models.badges import (
    Badge,
    BadgeAlignment,
    BadgeAward,
    BadgeCriterion,
    BadgeEndorsement,
    BadgeParameter,
    BadgeTag,
    RelatedBadge,
)
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation
from viewer.words import duration_text

STATES = {
    0: "Not available",
    1: "Available",
    2: "Not available, given out",
    3: "Available, given out",
    4: "Archived",
}
CRITERIA = {
    0: "Overall",
    1: "Activities completed",
    2: "Given by a role",
    3: "Social",
    4: "Course completed",
    5: "Courses completed",
    6: "Profile filled in",
    7: "Badges earned",
    8: "Member of a cohort",
    9: "Competencies reached",
}
METHODS = {1: "all of", 2: "any of"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the badges, each with its criteria, awards and all other details."""
    badges = Badge._base_manager.filter(course=page.course).order_by("name", "pk")
    yield page.listed("Badges", badges, lambda rows: _badges(page, rows), size=10)


def _badges(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    criteria = page.below(BadgeCriterion, "badge", rows, order=("criteriatype", "pk"))
    parameters = page.below(BadgeParameter, "criterion", [one for some in criteria.values() for one in some])
    endorsed = page.below(BadgeEndorsement, "badge", rows)
    aligned = page.below(BadgeAlignment, "badge", rows)
    related = page.below(RelatedBadge, "badge", rows)
    tags = page.below(BadgeTag, "badge", rows)
    given = page.counts(BadgeAward, "badge", rows)
    awards = page.below(BadgeAward, "badge", rows) if page.people else {}
    for row in rows:
        below = [_criterion(page, one, parameters.get(one.pk, ())) for one in criteria.get(row.pk, ())]
        below += [
            Entry(
                title="Endorsed by",
                who=one.issuername,
                when=one.dateissued,
                texts=(page.text("", one.claimcomment, 2),),
                facts=facts(
                    fact("Page", one.issuerurl),
                    fact("Address", one.issueremail),
                    fact("Claim", one.claimid),
                ),
            )
            for one in endorsed.get(row.pk, ())
        ]
        below += [
            Entry(
                title="Stands for",
                who=one.targetname,
                texts=(page.text("", one.targetdescription, 2),),
                facts=facts(
                    fact("At", one.targeturl),
                    fact("Framework", one.targetframework),
                    fact("Code", one.targetcode),
                ),
            )
            for one in aligned.get(row.pk, ())
        ]
        if row.pk in awards:
            people = tuple(
                Entry(who=page.person(one.recipientid), when=one.datemet) for one in awards[row.pk]
            )
            below.append(Entry(title="Given by hand to", below=people))
        yield Entry(
            title=row.name,
            when=row.timecreated,
            marks=(STATES.get(row.status, ""), *(f"#{one.rawname}" for one in tags.get(row.pk, ()))),
            texts=(page.text("", row.description, 2), page.text("Message", row.message)),
            files=page.files(row.pk, "badges/badgeimage", contextid=page.course.contextid),
            facts=facts(
                fact("From", row.issuername),
                fact("Page of the issuer", row.issuerurl),
                fact("Contact", row.issuercontact),
                fact("Version", row.version),
                fact("Language", row.language),
                fact("Expires", row.expiredate or "", "moment"),
                fact("Lasts", duration_text(row.expireperiod) if row.expireperiod else ""),
                fact("Given by hand", given.get(row.pk, "")),
                fact("Picture", row.imagecaption),
                fact("Picture by", row.imageauthorname),
                fact("Address of the author", row.imageauthoremail),
                fact("Page of the author", row.imageauthorurl),
                fact("Subject", row.messagesubject),
                *(
                    fact("Related", page.named("badge", one.relatedbadgeid))
                    for one in related.get(row.pk, ())
                ),
            ),
            below=tuple(below),
        )


PARAMETER_ITEM_TYPES = {"module": "course_module", "role": "role", "course": "course", "badge": "badge"}


def _criterion(page: PageContext, row: Any, parameters: Iterable[Any]) -> Entry:
    said = []
    for one in parameters:
        name, _, number = one.name.partition("_")
        item_type = PARAMETER_ITEM_TYPES.get(name)
        if item_type and natural(number) is not None:
            said.append(fact(name.capitalize(), page.named(item_type, whole_or(number), instead=one.value)))
        elif name == "bydate" and natural(str(one.value or "")) is not None:
            said.append(fact("By", whole_or(one.value), "moment"))
        else:
            said.append(fact(name.capitalize(), one.value or ""))
    return Entry(
        title=CRITERIA.get(row.criteriatype or 0, f"Criterion {row.criteriatype}"),
        marks=(METHODS.get(row.method, ""),),
        texts=(page.text("", row.description, row.descriptionformat),),
        facts=tuple(said),
    )


PRESENTATION = Presentation(present, title="Badges", order=60, holds=lambda: Badge._base_manager.order_by())
