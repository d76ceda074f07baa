"""When schedules are due, worked out minute by minute: what the product's timetable is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def dues(
    after: datetime, until: datetime, *, weekdays: Collection[int], hour: int, minute: int, zone: str
) -> Iterator[datetime]:
    """Yield the moments after one and up to another at which a clock on the wall shows the time, on the days of the week.

    A time that occurs twice counts once, the first time; one that the clock skips is taken as long after midnight as it would
    have been without the change.
    """
    place = ZoneInfo(zone)
    day = after.astimezone(place).date() - timedelta(days=1)
    while True:
        midnight = datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC)
        if midnight > until:
            return
        if day.weekday() in weekdays:
            shown = _moment(midnight, place, hour, minute)
            if after < shown <= until:
                yield shown
        day += timedelta(days=1)


def _moment(midnight: datetime, place: ZoneInfo, hour: int, minute: int) -> datetime:
    """Return the first moment of the day that begins at `midnight` at which the clock shows a time, as `dues` says."""
    moment = midnight
    day = midnight.astimezone(place).date()
    while (shown := moment.astimezone(place)).date() == day:
        if (shown.hour, shown.minute) == (hour, minute):
            return moment
        moment += MINUTE
    return midnight + timedelta(hours=hour, minutes=minute)
