"""Competencies of the course and its activities, and who has reached them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from courses.models.competencies import (
    ActivityCompetency,
    CompetencySettings,
    CourseCompetency,
    UserCompetency,
)
from viewer.page_context import PageContext, fact, table
from viewer.panels import Panel, Table
from viewer.presentation import Presentation

RULES = {0: "nothing", 1: "attaches evidence", 2: "recommends it", 3: "completes it"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the competencies of the course and of its activities, the people's results, and the settings."""
    held = CourseCompetency._base_manager.filter(course=page.course).order_by("sortorder", "pk")
    yield page.listed("Competencies of the course", held, lambda rows: _course(rows), name="course", size=50)
    inside = ActivityCompetency._base_manager.filter(activity__course=page.course).order_by(
        "activity_id", "sortorder", "pk"
    )
    yield page.listed(
        "Competencies of activities", inside, lambda rows: _activities(page, rows), name="activities", size=50
    )
    reached = UserCompetency._base_manager.filter(course=page.course).order_by("userid", "competencyid", "pk")
    yield page.listed(
        "What people reached",
        reached,
        lambda rows: _reached(page, rows),
        name="reached",
        size=50,
        userdata=True,
    )
    for row in CompetencySettings._base_manager.filter(course=page.course):
        yield Panel(
            "Settings",
            facts=(fact("Ratings update learning plans", "yes" if row.pushratingstouserplans else "no"),),
        )


def _course(rows: list[Any]) -> Table:
    return table(
        "Competency | Framework | Completing the course",
        ((row.idnumber, row.frameworkidnumber, RULES.get(row.ruleoutcome, row.ruleoutcome)) for row in rows),
    )


def _activities(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Activity | Competency | Framework | Completing the activity",
        (
            (
                page.named("course_module", row.activity_id),
                row.idnumber,
                row.frameworkidnumber,
                RULES.get(row.ruleoutcome, row.ruleoutcome),
            )
            for row in rows
        ),
    )


def _reached(page: PageContext, rows: list[Any]) -> Table:
    names = dict(
        CourseCompetency._base_manager.filter(course=page.course).values_list("competencyid", "idnumber")
    )
    return table(
        "Person | Competency | Grade | Proficient",
        (
            (
                page.person(row.userid),
                names.get(row.competencyid, row.competencyid),
                "" if row.grade is None else row.grade,
                {None: "", 0: "no"}.get(row.proficiency, "yes"),
            )
            for row in rows
        ),
    )


PRESENTATION = Presentation(
    present, title="Competencies", order=100, holds=lambda: CourseCompetency._base_manager.order_by()
)
