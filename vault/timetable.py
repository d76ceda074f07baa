"""Timetables: the next moment of given week days at a time of day in a time zone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_moment(
    after: datetime, *, weekdays: Collection[int], hour: int, minute: int, zone: str
) -> datetime | None:
    """Return the first scheduled moment after `after` (aware), in UTC; None without week days.

    Week days count from 0, Monday. A time that the change to summer time skips is moved by the length of the
    change (02:30 becomes 03:30); of a time that occurs twice in autumn only the first counts.
    """
    zone_info = ZoneInfo(zone)
    day = after.astimezone(zone_info).date()
    # Nine days: today's time may be over, and a zone may skip one whole day (Samoa did in 2011).
    for _ in range(9):
        if day.weekday() in weekdays:
            moment = datetime.combine(day, time(hour, minute), tzinfo=zone_info).astimezone(UTC)
            if moment > after:
                return moment
        day += timedelta(days=1)
    return None


def last_moment(following: Callable[[datetime], datetime | None], due: datetime, until: datetime) -> datetime:
    """Return the last of the moments `due`, `following(due)`, ... that is not after `until`; `due` if none is."""
    while (moment := following(due)) is not None and moment <= until:
        due = moment
    return due
