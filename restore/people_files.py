"""Files of the command line about people: decisions that it reads, and the report that it writes, both as CSV.

The report has every person of the archive. Its first three columns are those of the decisions, so a report in which somebody
has filled in the decisions is a file of decisions.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archive.errors import NotFound, UsageError
from archive.limits import in_units
from courses.models import User
from restore import services
from restore.context import RestoreContext
from restore.match import Match
from restore.match.decisions import ALL_OTHERS, CHOICES, PersonDecision, decision_of, decisions_text
from restore.people import matches_of, read_people, user_names
from restore.request import RestoreRequest
from vault.models import StoredArchive

COLUMNS = ("username", "decision", "new_username")
REPORT_COLUMNS = (*COLUMNS, "outcome", "account", "why")
MOST_BYTES = 16 * 1024 * 1024
"""The largest file of decisions that is read."""

OUTCOMES = {"map": "matched", "create": "created", "conflict": "conflict", "out": "left out"}


def decided_in(
    source: StoredArchive | str | Path, decisions: Path, *, by: User | None, target: Mapping[str, Any]
) -> str:
    """Return the option `accounts` of a CSV file with decisions about the people of an archive. Raises as `request_restore`.

    Raises UsageError with the line for a row that cannot be.
    """
    with services.opened(source) as archive:
        context = services.prepare(archive, RestoreRequest(source, by, target, {}))
        return _read_decisions(decisions, people=user_names(context))


def report_people(
    source: StoredArchive | str | Path,
    report: Path,
    *,
    by: User | None,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
) -> None:
    """Write a CSV file about the people of an archive with the columns REPORT_COLUMNS, also if some are in conflict.

    Raises as `request_restore` does, and UsageError if the file cannot be written.
    """
    with services.opened(source) as archive:
        _write_report(services.prepare(archive, RestoreRequest(source, by, target, options)), report)


def _read_decisions(path: Path, *, people: Collection[str]) -> str:
    """Return the decisions in a CSV file as the option `accounts` has them. Rows without a decision are skipped.

    `people` are the user names in the archive.

    The first row has the names of the columns: `username`, `decision` (new, here or out) and, if wanted, `new_username`; other
    columns are ignored. Raises NotFound if there is no such file, UsageError with the line for a row that cannot be.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"The file of decisions is larger than {in_units(MOST_BYTES)}.", where=str(path))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise NotFound("There is no such file.", where=str(path)) from None
    except (UnicodeDecodeError, OSError) as error:
        raise UsageError(f"The file of decisions cannot be read: {error}.", where=str(path)) from None
    return decisions_text(dict(_decisions(lines, path, people)))


def _decisions(lines: list[str], path: Path, people: Collection[str]) -> Iterator[tuple[str, PersonDecision]]:
    """Yield user names with the decision about each."""
    reader = csv.DictReader(lines)
    for column in COLUMNS[:2]:
        if column not in (reader.fieldnames or ()):
            raise UsageError(
                f"The column {column} is missing.",
                where=f"{path}, line 1",
                hint=f"The first line is: {','.join(COLUMNS)}",
            )
    seen: dict[str, int] = {}
    for row in reader:
        place = f"{path}, line {reader.line_num}"
        if None in row:
            raise UsageError("The line has more values than there are columns.", where=place)
        username, choice, new = ((row.get(column) or "").strip() for column in COLUMNS)
        if not choice and not new:
            continue
        _require_row(username, choice, new, place)
        if username != ALL_OTHERS and username not in people:
            raise UsageError(
                f"Nobody in the archive has the user name “{username}”.",
                where=place,
                hint="--people-report writes a file with all of them.",
            )
        if username in seen:
            raise UsageError(
                f"“{username}” is decided about in line {seen[username]} already.",
                where=place,
                hint="Leave one of them out.",
            )
        seen[username] = reader.line_num
        try:
            yield username, decision_of(username, f"{choice}:{new}" if new else choice)
        except UsageError as error:
            raise UsageError(error.message, where=place, hint=error.hint) from None


def _require_row(username: str, choice: str, new: str, place: str) -> None:
    """Raise UsageError for a row without a user name, and for a decision that there is not."""
    if not username:
        raise UsageError("The user name is missing.", where=place, hint="Say about whom the decision is.")
    if choice not in CHOICES or (new and choice != "new"):
        raise UsageError(
            f"The decision about “{username}” cannot be “{choice}”{' with a new user name' if new else ''}.",
            where=place,
            hint="It is new, here or out, and a new user name is for new only.",
        )


def _write_report(context: RestoreContext, path: Path) -> None:
    """Write the report about all people of an archive: who they are here, and what was decided. Raises UsageError."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(REPORT_COLUMNS)
            if context.selection.people:
                rows.writerows(_rows(context))
    except OSError as error:
        raise UsageError(f"The report about people cannot be written: {error}.", where=str(path)) from None


def _rows(context: RestoreContext) -> Iterable[tuple[str, ...]]:
    """Yield the rows of the report, in the order of the archive."""
    matches = [match for match, _ in matches_of(context)]
    there = User.objects.filter(pk__in=[match.target for match in matches if match.action == "map"])
    accounts = dict(there.values_list("pk", "username"))
    names = (person.username for person, _ in read_people(context))
    for username, match in zip(names, matches, strict=True):
        yield _row(username, match, accounts)


def _row(username: str, match: Match, accounts: Mapping[int, str]) -> tuple[str, ...]:
    """Return one row: the decision that leads to the same match again, the outcome and its reason."""
    choice = match.rule if match.rule in CHOICES else ""
    new = match.username if choice == "new" else ""
    account = match.username if match.action == "create" else accounts.get(match.target or 0, "")
    return username, choice, new, OUTCOMES[match.action], account, match.sentence
