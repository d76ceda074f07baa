"""When a schedule is due next: week days, an hour and a minute on the clock of a place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_moment(
    after: datetime, *, weekdays: Collection[int], hour: int, minute: int, zone: str
) -> datetime | None:
    """The first moment after `after` (aware) at which the timetable strikes, in UTC; None without week days.

    Week days count from 0, Monday. A time that the clock leaps over in spring strikes as much later as the
    clock leaps (02:30 becomes 03:30); a time that comes twice in autumn strikes the first time only.
    """
    place = ZoneInfo(zone)
    day = after.astimezone(place).date()
    # Nine days: today's time may be over, and a zone may skip one whole day (Samoa did in 2011).
    for _ in range(9):
        if day.weekday() in weekdays:
            moment = datetime.combine(day, time(hour, minute), tzinfo=place).astimezone(UTC)
            if moment > after:
                return moment
        day += timedelta(days=1)
    return None
