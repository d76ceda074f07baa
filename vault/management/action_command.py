"""The base of the commands `jobs`, `archives` and `schedules`: an action, the numbers of rows or `--all`, filters and pages."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import Model, QuerySet

from archive.errors import NotFound, UsageError
from jobs.commands import Answer
from jobs.job_command import OperationCommand
from vault.models import Schedule

MOST = 1000
"""The most rows of a page."""

USUAL = 50
"""The rows of a page where `--limit` is not given."""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """One page of rows, the newest first; `following` is the `--before` of the next page, None on the last one."""

    rows: list[Row]
    following: int | None


class ActionCommand(OperationCommand):
    """A command with actions: `manage.py jobs list`. A subclass has a method `do_<action>` for each of `actions`.

    `noun` is what one row is called. `only_with` are the actions of each option that others do not have, by its name.
    """

    noun: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]
    only_with: ClassVar[dict[str, tuple[str, ...]]] = {}

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=self.actions)
        parser.add_argument(
            "numbers",
            type=int,
            nargs="*",
            metavar="ID",
            help=f"the number of a {self.noun}, as `list` shows it",
        )
        parser.add_argument(
            "--limit", type=int, metavar="N", help=f"with `list`: rows of a page; {USUAL} if not given"
        )
        parser.add_argument(
            "--before",
            type=int,
            metavar="ID",
            help="with `list`: only rows before this one, for the next page",
        )
        if any("all" in name for name in self.only_with):
            parser.add_argument(
                "--all", action="store_true", help="all rows that the filters find, instead of numbers"
            )
        self.filters(parser)

    def filters(self, parser: ArgumentParser) -> None:
        """Add the filters, and the options of single actions."""

    def answer(self, options: dict[str, Any]) -> Answer:
        action = options["action"]
        for name, actions in {"limit": ("list",), "before": ("list",), **self.only_with}.items():
            given = options[name] is not None and options[name] is not False
            if action not in actions and given:
                flag = name.replace("_", "-")
                raise UsageError(
                    f"--{flag} says nothing with `{action}`.", hint=f"It is for {' and '.join(actions)}."
                )
        found: Answer = getattr(self, f"do_{action}")(options)
        return found

    def page(self, found: QuerySet[Row], options: dict[str, Any]) -> RowPage[Row]:
        """Return a page of rows by their numbers, the highest first. Raises UsageError for a size that no page has."""
        limit = USUAL if options["limit"] is None else options["limit"]
        if not 1 <= limit <= MOST:
            raise UsageError(f"--limit is {limit}, and it may be 1 to {MOST}.")
        if options["numbers"]:
            raise UsageError("`list` takes no numbers.", hint="`show` shows one row.")
        if options["before"] is not None:
            found = found.filter(pk__lt=options["before"])
        rows = list(found.order_by("-pk")[: limit + 1])
        following = rows[limit - 1].pk if len(rows) > limit else None
        return RowPage(rows[:limit], following)

    def listed(self, lines: Sequence[str], data: Sequence[dict[str, Any]], following: int | None) -> Answer:
        """Return the answer of `list` for a page: the lines and the data of its rows, and how the next page is shown."""
        shown = [*lines] or [f"No {self.noun}."]
        if following:
            shown.append(f"More: --before {following}")
        return Answer({f"{self.noun}s": data, "next": following}, shown)

    def one(self, found: QuerySet[Row], options: dict[str, Any]) -> Row:
        """Return the row of the one number that was given. Raises UsageError and NotFound."""
        if len(options["numbers"]) != 1:
            raise UsageError(
                f"`{options['action']}` wants the number of one {self.noun}.", hint="`list` shows them."
            )
        return self.named(found, options)[0]

    def named(self, found: QuerySet[Row], options: dict[str, Any]) -> list[Row]:
        """Return the rows whose numbers were given, in that order. Raises UsageError for none and NotFound."""
        numbers: Sequence[int] = list(dict.fromkeys(options["numbers"]))
        if not numbers:
            instead = "Or say --all." if "all" in options else "`list` shows them."
            raise UsageError(f"`{options['action']}` wants the numbers of {self.noun}s.", hint=instead)
        rows = found.in_bulk(list(numbers))
        if missing := [number for number in numbers if number not in rows]:
            raise NotFound(
                f"There is no {self.noun} {missing[0]}.", hint=f"`manage.py {self.noun}s list` shows them."
            )
        return [rows[number] for number in numbers]

    def chosen(self, found: QuerySet[Row], options: dict[str, Any]) -> QuerySet[Row]:
        """Return the rows that an action is for: those with the numbers given, or with `--all` those that the filters find."""
        if options["all"] and options["numbers"]:
            raise UsageError("Numbers and --all exclude each other.")
        if not options["all"]:
            found = found.filter(
                pk__in=[row.pk for row in self.named(found.model._default_manager.all(), options)]
            )
        return found.order_by("pk")


def schedule_with(number: int) -> Schedule:
    """Return a schedule. Raises NotFound."""
    found = Schedule.objects.filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no schedule {number}.", hint="`manage.py schedules list` shows them.")
    return found
