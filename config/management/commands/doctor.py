"""manage.py doctor: whether everything that the site needs is well, and what to do where it is not."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from archive.errors import UsageError
from config.doctor import Diagnosis, examine
from jobs import limits
from jobs.commands import Answer, JsonCommand

HOURS = limits.BY_NAME["backup_hours"].default
"""The age that a backup may have where none is given: that of the site's limit before it is changed."""

MARKS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}


class Command(JsonCommand):
    """Examine the site; exit code 1 if something is wrong. Warnings alone are exit code 0."""

    help = (
        "Look at database, storages, queue, workers, clocks, space, settings and backups, and say what to do."
    )

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--backup-hours",
            type=int,
            default=HOURS,
            metavar="N",
            help="the age that the newest good backup of courses on a schedule may have; %(default)s if not given",
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        hours = options["backup_hours"]
        if hours < 1:
            raise UsageError(f"--backup-hours is {hours}, and it may be 1 or more.")
        found = list(examine(backup_hours=hours))
        wrong = any(one.state == "error" for one in found)
        data = {"ok": not wrong, "parts": [one.as_dict() for one in found]}
        return Answer(data, _lines(found), exit_code=1 if wrong else 0)


def _lines(found: list[Diagnosis]) -> Iterator[str]:
    for one in found:
        yield f"{MARKS[one.state]}  {one.part}: {one.fact}"
        if one.mend:
            yield f"         {one.mend}"
    errors, warnings = (sum(one.state == state for one in found) for state in ("error", "warning"))
    yield "Everything is well." if not errors + warnings else f"{errors} errors, {warnings} warnings."
