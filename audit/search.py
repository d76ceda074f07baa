"""Search in the audit trail: filters, pages by key, and the rows of an export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from archive.errors import UsageError
from archive.numbers import whole_or
from audit.actions import ACTIONS
from audit.models import LANGUAGE, NAMES, AuditEntry

CHUNK = 2000
"""Rows of an export that are in memory at the same time."""

MOST_LISTED = 2_000
"""Entries with rare words that are listed by their ids, at most."""

COLUMNS = (
    "id", "at", "action", "outcome", "actor", "actor_name", "subject", "subject_id", "title", "course", "address", "details",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute; such a text gets an apostrophe in front."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The entries that are looked for. Empty values do not restrict.

    `words` are whole words of names of people and things, `first` and `last` days in UTC, both included.
    """

    action: str = ""
    outcome: str = ""
    words: str = ""
    actor: int | None = None
    course: int | None = None
    first: date | None = None
    last: date | None = None

    def entries(self) -> QuerySet[AuditEntry]:
        """Return the entries that match, newest first."""
        found = AuditEntry.objects.order_by("-id")
        for name in ("action", "outcome", "actor", "course"):
            if value := getattr(self, name):
                found = found.filter(**{name: value})
        if self.words:
            found = found.annotate(words=NAMES).filter(words=SearchQuery(self.words, config=LANGUAGE))
            # The planner takes words for more common than they are, and would read the whole trail for a rare one.
            ids = list(found.order_by().values_list("pk", flat=True)[: MOST_LISTED + 1])
            found = found.filter(pk__in=ids) if len(ids) <= MOST_LISTED else found
        if self.first:
            found = found.filter(at__gte=datetime.combine(self.first, time.min, UTC))
        if self.last:
            found = found.filter(at__lt=datetime.combine(self.last, time.min, UTC) + timedelta(days=1))
        return found

    def page(self, *, before: int = 0, size: int) -> tuple[list[AuditEntry], int]:
        """Return a page of entries and the id before which the next page begins; 0 if there is none.

        `before` is the id that the page begins after, 0 for the first page. One statement, whatever the number of entries.
        """
        found = self.entries()
        rows = list((found.filter(id__lt=before) if before else found)[: size + 1])
        return rows[:size], rows[size - 1].pk if len(rows) > size else 0

    def stream(self) -> Iterator[AuditEntry]:
        """Yield all entries that match, newest first, some at a time."""
        before = 0
        while True:
            rows, before = self.page(before=before, size=CHUNK)
            yield from rows
            if not before:
                return


def read_filter(given: Mapping[str, Any]) -> AuditFilter:
    """Return the filter that texts ask for, as those of a form or of a command's options.

    Raises UsageError for an unknown action or outcome, a number that is none, and a day that is not written as 2026-05-31.
    """
    texts = {name: str(given.get(name) or "").strip() for name in AuditFilter.__dataclass_fields__}
    if texts["action"] and texts["action"] not in ACTIONS:
        raise UsageError(
            f"“{texts['action'][:40]}” is no action.", hint=f"Choose one of {', '.join(ACTIONS)}."
        )
    if texts["outcome"] and texts["outcome"] not in AuditEntry.Outcome.values:
        raise UsageError(
            f"“{texts['outcome'][:40]}” is no outcome.",
            hint=f"Choose one of {', '.join(AuditEntry.Outcome.values)}.",
        )
    return AuditFilter(
        action=texts["action"],
        outcome=texts["outcome"],
        words=texts["words"][:200],
        actor=_number("actor", texts["actor"]),
        course=_number("course", texts["course"]),
        first=_day("first", texts["first"]),
        last=_day("last", texts["last"]),
    )


def _number(name: str, text: str) -> int | None:
    number = whole_or(text, 0) if text else None
    if number is not None and number <= 0:
        raise UsageError(
            f"“{text[:40]}” is no id of the {name}.", hint="Enter a whole number, such as 1000002."
        )
    return number


def _day(name: str, text: str) -> date | None:
    try:
        # The last day of all has no day after it.
        return min(date.fromisoformat(text), date(9998, 12, 31)) if text else None
    except ValueError:
        raise UsageError(f"“{text[:40]}” is no {name} day.", hint="Write it as 2026-05-31.") from None


def values_of(entry: AuditEntry) -> dict[str, Any]:
    """Return the values of an entry by column, as JSON knows them."""
    return {name: getattr(entry, name) for name in COLUMNS} | {"at": entry.at.isoformat()}


def json_lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    """Yield an entry a line as a JSON object."""
    for entry in entries:
        yield json.dumps(values_of(entry), ensure_ascii=False) + "\n"


def csv_lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    """Yield a line with the names of the columns, then an entry a line, as CSV."""
    yield _csv_line(list(COLUMNS))
    for entry in entries:
        values = values_of(entry) | {
            "details": json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
        }
        yield _csv_line(["" if value is None else value for value in values.values()])


def _csv_line(values: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(
        [f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value for value in values]
    )
    return line.getvalue()


EXPORTS = {"csv": (csv_lines, "text/csv; charset=utf-8"), "jsonl": (json_lines, "application/x-ndjson")}
"""The formats of an export by name: the function that yields its lines, and its media type."""
