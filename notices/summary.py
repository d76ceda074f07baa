"""The daily summary: what ended since yesterday, what failed, what is overdue, and which schedules will fail next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from courses.capabilities import courses_where
from courses.models import User
from jobs import limits
from jobs.clock import database_now
from jobs.models import Job
from jobs.trail import ONLY_LOOKS
from notices import outbox, receivers
from notices.models import Notice
from notices.overdue import Overdue, overdue
from vault.email_texts import link, text_of
from vault.forms import BACK_UP
from vault.models import GOOD, Schedule, StoredArchive
from vault.schedule_troubles import troubles

NAMED = 20
"""Failures that a summary names; the others are counted."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Summary:
    """The content of a summary, of the site or of the schedules of one person.

    `counts` has the number of jobs by state, `failures` the first failed jobs, `troubled` schedules with their sentences.
    """

    since: datetime
    counts: dict[str, int]
    failures: tuple[Job, ...]
    late: tuple[Overdue, ...]
    troubled: tuple[tuple[Schedule, list[str]], ...]
    damaged: int = 0
    undelivered: int = 0

    @property
    def more(self) -> int:
        """The number of failed jobs that are not named."""
        return self.counts.get("failed", 0) - len(self.failures)

    @property
    def well(self) -> bool:
        """Whether nothing needs attention."""
        return not (
            self.failures or self.more or self.late or self.troubled or self.damaged or self.undelivered
        )

    @property
    def overdue(self) -> int:
        """The number of courses whose backups are overdue, counted once for each schedule."""
        return sum(one.number for one in self.late)


def send_summaries(*, now: datetime | None = None) -> int:
    """Put the summaries of today into the outbox, once a day from the hour of the site's limit on; return how many.

    Administrators and web hooks get one each day, as a sign of life; an owner of schedules if something needs attention.
    """
    moment = now or database_now()
    key = f"summary:{moment:%Y-%m-%d}"
    if moment.hour < limits.value("digest_hour"):
        return 0
    if Notice.objects.filter(kind=Notice.Kind.SUMMARY, key=key, created__gte=moment - 2 * DAY).exists():
        return 0
    schedules = list(Schedule.objects.filter(enabled=True).select_related("owner", "category"))
    owners = receivers.people((one.owner for one in schedules), "summaries")
    site = receivers.without_repeats([*receivers.administrators("summaries"), *receivers.hooks()])
    if not (owners or site):
        return 0
    late = tuple(overdue(schedules, now=moment))
    troubled = tuple((one, said) for one in schedules if (said := troubles(one)))
    made = []
    if site:
        summary = of_site(late, troubled, now=moment)
        made.append((site, _text(summary), facts(summary)))
    told = {one.address.casefold() for one in site}
    for owner in owners:
        if owner.address.casefold() in told:
            continue
        assert owner.person is not None
        summary = of_owner(owner.person, late, troubled, now=moment)
        if not summary.well:
            made.append(([owner], _text(summary), {}))
    # The first row of a day says that the day is done, so all are inserted or none.
    with transaction.atomic():
        return sum(outbox.put(Notice.Kind.SUMMARY, key, *one) for one in made)


def of_site(
    late: Sequence[Overdue], troubled: Sequence[tuple[Schedule, list[str]]], *, now: datetime
) -> Summary:
    """Return the summary of the whole site for the 24 hours before a moment."""
    gave_up = Notice.objects.filter(given_up__gte=now - DAY).count()
    damaged = StoredArchive.objects.exclude(GOOD).count()
    return _summary(Job.objects.all(), late, troubled, now, damaged=damaged, undelivered=gave_up)


def of_owner(
    owner: User,
    late: Sequence[Overdue],
    troubled: Sequence[tuple[Schedule, list[str]]],
    *,
    now: datetime,
) -> Summary:
    """Return the summary of a person's schedules for the 24 hours before a moment.

    It names only the courses that the person may back up; the others are counted.
    """
    own = Job.objects.filter(schedule_entry__run__schedule__owner=owner)
    return _summary(
        own,
        [named_for(owner, one) for one in late if one.schedule.owner_id == owner.pk],
        [(one, said) for one, said in troubled if one.owner_id == owner.pk],
        now,
        named=own.filter(course__in=courses_where(owner, BACK_UP).order_by().values("pk")),
    )


def named_for(owner: User, late: Overdue) -> Overdue:
    """Return what is overdue with the names of only those courses that a person may back up; the number stays."""
    known = courses_where(owner, BACK_UP).filter(pk__in=[pk for pk, _ in late.first]).order_by()
    seen = set(known.values_list("pk", flat=True))
    return replace(late, first=tuple(one for one in late.first if one[0] in seen))


def _summary(
    jobs: QuerySet[Job],
    late: Sequence[Overdue],
    troubled: Sequence[tuple[Schedule, list[str]]],
    now: datetime,
    *,
    named: QuerySet[Job] | None = None,
    **counts: int,
) -> Summary:
    """Return the summary of some jobs. `named` are those of which failures may be named; None: all of them."""
    since = now - DAY
    # `created` has an index; a job that ended since yesterday began within the longest time of a job before, and a margin.
    longest = timedelta(seconds=limits.scaled("job_minutes")) + 7 * DAY
    ended = jobs.filter(created__gte=since - longest, finished__gte=since).exclude(operation__in=ONLY_LOOKS)
    states = ended.order_by().values("state").annotate(number=Count("pk"))
    failed = ended.filter(state=Job.State.FAILED).order_by("-pk")
    if named is not None:
        failed = failed.filter(pk__in=named.order_by().values("pk"))
    return Summary(
        since=since,
        counts={row["state"]: row["number"] for row in states},
        failures=tuple(failed.select_related("course", "requested_by")[:NAMED]),
        late=tuple(late),
        troubled=tuple(troubled),
        **counts,
    )


def facts(summary: Summary) -> dict[str, Any]:
    """Return what a web hook is told: numbers and ids, nothing about people."""
    return {
        "kind": "summary",
        "since": summary.since.isoformat(),
        "jobs": summary.counts,
        "failed": [job.pk for job in summary.failures],
        "overdue": [{"schedule": one.schedule.pk, "courses": one.number} for one in summary.late],
        "troubled": [schedule.pk for schedule, _ in summary.troubled],
        "damaged": summary.damaged,
        "undelivered": summary.undelivered,
        "address": link("administration"),
    }


def _text(summary: Summary) -> Any:
    return text_of("summary", summary=summary, address=link("schedules"))


def tell_overdue(*, now: datetime | None = None) -> int:
    """Put notices about overdue backups into the outbox, at most one a day for each schedule and receiver; return how many."""
    moment = now or database_now()
    today = Notice.objects.filter(kind=Notice.Kind.OVERDUE, created__gte=moment - 2 * DAY)
    told = set(today.values_list("key", flat=True))
    keys = {
        one.pk: f"overdue:{one.pk}:{moment:%Y-%m-%d}"
        for one in Schedule.objects.filter(enabled=True).order_by()
    }
    waiting = [pk for pk, key in keys.items() if key not in told]
    site = [*receivers.administrators("summaries"), *receivers.hooks()]
    number = 0
    for late in overdue(Schedule.objects.filter(pk__in=waiting).select_related("owner"), now=moment):
        schedule = late.schedule
        own = receivers.not_among(receivers.people([schedule.owner], "summaries"), site)
        data = {
            "kind": "overdue",
            "schedule": schedule.pk,
            "courses": late.number,
            "since": late.since.isoformat(),
            "first": [pk for pk, _ in late.first],
            "address": link("schedule", schedule.pk),
        }
        with transaction.atomic():
            number += _put_overdue(keys[schedule.pk], site, late, data)
            if own and schedule.owner is not None:
                number += _put_overdue(keys[schedule.pk], own, named_for(schedule.owner, late), data)
    return number


def _put_overdue(key: str, chosen: Sequence[receivers.Receiver], late: Overdue, data: dict[str, Any]) -> int:
    address = link("schedule", late.schedule.pk)
    text = text_of("overdue", late=late, schedule=late.schedule, address=address)
    return outbox.put(Notice.Kind.OVERDUE, key, chosen, text, data)
