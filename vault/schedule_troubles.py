"""Troubles of schedules that are known before they run: the owner is gone, or lacks a right that the schedule takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from courses.capabilities import courses_where
from courses.models import User
from vault.forms import BACK_UP, RIGHTS, people_choice
from vault.models import Schedule
from vault.runs import OWNERLESS, covered_by


def troubles(schedule: Schedule) -> list[str]:
    """Return a sentence for each reason why the next run of a schedule fails, or leaves something out; none if it is off."""
    return troubles_of([schedule])[schedule.pk]


def troubles_of(schedules: Iterable[Schedule]) -> dict[int, list[str]]:
    """Return the troubles of each schedule, by its id. Statements grow with the number of owners, not of schedules."""
    listed = list(schedules)
    rights = cache(_courses_where)
    wanted = [one for one in listed if one.enabled and not _of_owner(one)]
    covered = covered_by(wanted)
    found: dict[int, list[str]] = {}
    for schedule in listed:
        said = _of_owner(schedule) if schedule.enabled else []
        if schedule.pk in covered and schedule.owner is not None and not schedule.owner.is_superuser:
            by_right = {name: rights(schedule.owner, name) for name in _rights(schedule)}
            said = _of_courses(schedule, covered[schedule.pk], by_right)
        found[schedule.pk] = said
    return found


def _courses_where(owner: User, right: str) -> frozenset[int]:
    """Return the ids of the courses in which a person has a right."""
    return frozenset(courses_where(owner, right).order_by().values_list("pk", flat=True))


def _rights(schedule: Schedule) -> tuple[str, ...]:
    """Return the rights that the backups of a schedule take: first that to back up."""
    return BACK_UP, *RIGHTS[people_choice(schedule.options)]


def _of_owner(schedule: Schedule) -> list[str]:
    """Return the trouble for which no course of a schedule is looked at: with its owner, or its category; none usually."""
    owner = schedule.owner
    if owner is None:
        return [OWNERLESS]
    if not owner.is_active:
        return [f"{owner}, who owns the schedule, may not sign in any more. Choose another owner."]
    if schedule.scope == Schedule.Scope.CATEGORY and schedule.category_id is None:
        return ["The category that the schedule backs up is gone. Choose another one."]
    return []


def _of_courses(
    schedule: Schedule, covered: frozenset[int], by_right: Mapping[str, frozenset[int]]
) -> list[str]:
    """Return the troubles with courses that a schedule covers: those where its owner lacks one of the rights."""
    found = []
    refused = len(covered - by_right[BACK_UP])
    if refused:
        found.append(
            f"{schedule.owner}, who owns the schedule, may not back up {_courses(refused)} of it. "
            "Give the role back, or leave them out."
        )
    others = [courses for right, courses in by_right.items() if right != BACK_UP]
    withheld = len(covered - frozenset.intersection(*others)) if others else 0
    if withheld > refused:
        found.append(
            f"{schedule.owner}, who owns the schedule, may not take people and their work from {_courses(withheld)} of it: "
            "their archives would be without people."
        )
    return found


def _courses(number: int) -> str:
    return "1 course" if number == 1 else f"{number:,} courses"
