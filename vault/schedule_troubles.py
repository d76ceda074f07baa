"""Troubles of schedules that are known before they run: the owner is gone, or lacks a right that the schedule takes."""

from __future__ import annotations

from courses.capabilities import courses_where
from vault.forms import BACK_UP, people_choice, without_right
from vault.models import Schedule
from vault.runs import OWNERLESS, courses_of


def troubles(schedule: Schedule) -> list[str]:
    """Return a sentence for each reason why the next run of a schedule fails, or leaves something out; none if it is off."""
    if not schedule.enabled:
        return []
    owner = schedule.owner
    if owner is None:
        return [OWNERLESS]
    if not owner.is_active:
        return [f"{owner}, who owns the schedule, may not sign in any more. Choose another owner."]
    if schedule.scope == Schedule.Scope.CATEGORY and schedule.category_id is None:
        return ["The category that the schedule backs up is gone. Choose another one."]
    found = []
    covered = courses_of(schedule)
    refused = covered.exclude(pk__in=courses_where(owner, BACK_UP).order_by().values("pk")).order_by().count()
    if refused:
        found.append(
            f"{owner}, who owns the schedule, may not back up {_courses(refused)} of it. Give the role back, or leave them out."
        )
    choice = people_choice(schedule.options)
    withheld = without_right(owner, choice, covered).order_by().count() if choice != "without" else 0
    if withheld > refused:
        found.append(
            f"{owner}, who owns the schedule, may not take people and their work from {_courses(withheld)} of it: "
            "their archives would be without people."
        )
    return found


def _courses(number: int) -> str:
    return "1 course" if number == 1 else f"{number:,} courses"
