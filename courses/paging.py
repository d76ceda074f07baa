"""Pages of long lists: a page begins after the last row of the one before, so that a late page costs as much as the first.

Nothing is skipped and nothing is counted to the end. The rows need an index in the order of the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from courses.fields.texts import LONGEST_NAME

M = TypeVar("M", bound=Model)

NEWEST_FIRST = ("-created", "-pk")
BY_NAME = ("fullname", "pk")

AFTER, BEFORE = "after", "before"
"""Parameters of an address: the key of the row after which a page begins, or before which it ends."""

LONGEST_KEY = LONGEST_NAME + len("~9223372036854775807")
"""Characters of a key: the longest name by which a list is ordered, and an id. Longer ones are of no row's."""

MOST_LISTED = 2_000
"""Rows that are listed by their ids in a query, at most."""

MOST_COUNTED = 10_000
"""Rows that are counted at most."""


@dataclass(frozen=True, slots=True)
class KeyPage(Generic[M]):
    """A page of a list. `following` and `preceding` are the keys of its last and first row; "" if no page is beyond them."""

    rows: Sequence[M]
    following: str = ""
    preceding: str = ""

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_other_pages(self) -> bool:
        """Whether the list has more than this page."""
        return bool(self.following or self.preceding)


def key_page(
    found: QuerySet[M], sent: Mapping[str, str], *, size: int, order: Sequence[str] = NEWEST_FIRST
) -> KeyPage[M]:
    """Return the page of a list that the parameters `after` or `before` of an address ask for, by one or two statements.

    `order` names one or two columns of the rows, all upwards or all downwards; together they are unique and not NULL. A key
    that is none, as somebody has changed the address, asks for the first page, and so does one beyond which no row is left.
    """
    columns = [_column(found, name) for name in order]
    key = _read(columns, sent.get(AFTER, ""))
    before = _read(columns, sent.get(BEFORE, "")) if key is None else None
    down = order[0].startswith("-")
    rows = found.order_by(*order)
    if key is not None:
        rows = rows.filter(_beyond(columns, key, down=down))
    if before is not None:
        rows = found.filter(_beyond(columns, before, down=not down)).order_by(*order).reverse()
    taken = list(rows[: size + 1])
    more, shown = len(taken) > size, taken[:size]
    if (before is not None and not more) or (key is not None and not taken):
        # The first page is shown whole, whatever was added to it since; and if no row is left beyond the key, others may be.
        return key_page(found, {}, size=size, order=order)
    if before is not None:
        shown.reverse()
    following = shown and (more or before is not None)
    return KeyPage(
        shown,
        _written(columns, shown[-1]) if following else "",
        _written(columns, shown[0]) if shown and (key is not None or before is not None) else "",
    )


def _column(found: QuerySet[Any], name: str) -> Any:
    name = name.lstrip("-")
    return found.model._meta.pk if name == "pk" else found.model._meta.get_field(name)


def _beyond(columns: Sequence[Any], key: Sequence[Any], *, down: bool) -> Q:
    """Return the condition for rows that come after a key, by an index of the first column."""
    than = "lt" if down else "gt"
    first = columns[0].name
    if len(columns) == 1:
        return Q(**{f"{first}__{than}": key[0]})
    # The range of the first column alone is what an index can answer.
    within = Q(**{f"{first}__{than}e": key[0]})
    return within & (Q(**{f"{first}__{than}": key[0]}) | Q(**{f"{columns[1].name}__{than}": key[1]}))


def _written(columns: Sequence[Any], row: Any) -> str:
    """Return the key of a row as text: its values, separated by `~`."""
    values = (getattr(row, column.attname) for column in columns)
    return "~".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)


def _read(columns: Sequence[Any], text: str) -> list[Any] | None:
    """Return the values of a key; None if the text is no key."""
    parts = text.rsplit("~", len(columns) - 1)
    if not text or len(text) > LONGEST_KEY or len(parts) != len(columns):
        return None
    try:
        values = [column.to_python(part) for column, part in zip(columns, parts, strict=True)]
        for column, value in zip(columns, values, strict=True):
            column.run_validators(value)
    except (ValidationError, ValueError, OverflowError):
        return None
    naive = any(isinstance(value, datetime) and value.tzinfo is None for value in values)
    return None if naive or None in values else values


def listed_if_few(found: QuerySet[M], *, most: int = MOST_LISTED) -> QuerySet[M]:
    """Return the rows by their ids if they are no more than `most`, which takes a statement without an order; else `found`.

    For conditions that may hold for few of very many rows: the planner would read all rows in the order of the list, in the
    hope that a page is full soon.
    """
    ids = list(found.order_by().values_list("pk", flat=True)[: most + 1])
    return found.filter(pk__in=ids) if len(ids) <= most else found


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of rows, of which no more than a bound were counted: `more` says that there are more than `number`."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"more than {self.number:,}" if self.more else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0

    @property
    def short(self) -> str:
        """The number for narrow places: 37, or 1,000+."""
        return f"{self.number:,}{'+' if self.more else ''}"


def counted(found: QuerySet[Any], *, most: int = MOST_COUNTED) -> Counted:
    """Return the number of rows, counted up to `most`."""
    number = found.order_by()[: most + 1].count()
    return Counted(min(number, most), number > most)
