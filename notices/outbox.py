"""The outbox: notices are rows until they are sent, so that whoever has something to tell never waits for a mail server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from courses.models import User
from jobs import limits
from jobs.clock import database_now
from notices.models import Notice
from notices.receivers import Receiver, without_repeats
from vault.email_texts import EmailText
from vault.expiry import expiring

RUN = "run:"
"""How the key of a notice begins that is about a run of a schedule."""


def put(
    kind: str,
    key: str,
    receivers: Iterable[Receiver],
    text: EmailText,
    data: Mapping[str, Any],
    *,
    requester: User | None = None,
) -> int:
    """Insert a notice for each receiver, to be sent by `deliver`; return how many. A receiver gets one notice of each key.

    E-mails get `text`, web hooks `data`, in which no detail of a person may be. A receiver gets at most the site's limit of
    notices of failures in an hour from the jobs of one `requester`; those of runs of schedules are not limited.
    """
    chosen = without_repeats(receivers)
    if _is_limited(kind, key):
        chosen = _below_limit(chosen, requester)
    rows = [_notice(kind, key, one, text, data, requester) for one in chosen]
    Notice.objects.bulk_create(rows, ignore_conflicts=True, unique_fields=None)
    return len(rows)


def put_test(receiver: Receiver, text: EmailText) -> Notice:
    """Put a test for one receiver into the outbox, and return it."""
    key = f"test:{database_now().isoformat()}"
    notice = _notice(Notice.Kind.TEST, key, receiver, text, {"kind": Notice.Kind.TEST}, None)
    notice.save()
    return notice


def _notice(
    kind: str,
    key: str,
    receiver: Receiver,
    text: EmailText,
    data: Mapping[str, Any],
    requester: User | None,
) -> Notice:
    """Return the row of a notice, not saved: with the text if it is an e-mail, with the data if it goes to a web hook."""
    return Notice(
        kind=kind,
        key=key,
        person=receiver.person,
        address=receiver.address,
        hook=receiver.hook,
        requester=requester,
        subject=text.subject,
        text=text.body if receiver.address else "",
        data={} if receiver.address else dict(data),
    )


def _is_limited(kind: str, key: str) -> bool:
    """Return whether the hourly limit counts a notice: one of a failed job, but not the one of a run."""
    return kind == Notice.Kind.FAILURE and not key.startswith(RUN)


def _below_limit(receivers: list[Receiver], requester: User | None) -> list[Receiver]:
    """Return the receivers who got fewer notices of failures of one requester in the last hour than the limit says.

    One statement for all receivers, so that one person's failures use up nobody else's notices and cost no more with many.
    """
    most, since = limits.value("notices_per_hour"), database_now() - timedelta(hours=1)
    recent = Notice.objects.filter(kind=Notice.Kind.FAILURE, created__gte=since, requester=requester)
    counted = (
        recent.exclude(key__startswith=RUN).order_by().values_list("address", "hook").annotate(Count("pk"))
    )
    numbers = {(address, hook): number for address, hook, number in counted}
    return [
        one for one in receivers if numbers.get((one.address, one.hook.pk if one.hook else None), 0) < most
    ]


@expiring("notices", "notice_days")
def remove_notices(before: datetime, most: int) -> int:
    """Remove the oldest notices that were sent or given up."""
    old = Notice.objects.filter(Q(sent__isnull=False) | Q(given_up__isnull=False), created__lt=before)
    return Notice.objects.filter(
        pk__in=list(old.order_by("pk").values_list("pk", flat=True)[:most])
    ).delete()[0]
