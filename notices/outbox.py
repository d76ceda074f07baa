"""The outbox: notices are rows until they are sent, so that whoever has something to tell never waits for a mail server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from jobs import limits
from jobs.clock import database_now
from notices.email_texts import EmailText
from notices.models import Notice
from notices.receivers import Receiver, without_repeats
from vault.expiry import expiring


def put(kind: str, key: str, receivers: Iterable[Receiver], text: EmailText, data: Mapping[str, Any]) -> int:
    """Put a notice for each receiver into the outbox; return how many. Who has one with the same key gets no other.

    E-mails get `text`, web hooks `data`, in which no detail of a person may be. Nobody gets more notices of failures in an hour
    than the site's limit.
    """
    chosen = without_repeats(receivers)
    if kind == Notice.Kind.FAILURE:
        chosen = _below_limit(chosen)
    rows = [
        Notice(
            kind=kind,
            key=key,
            person=one.person,
            address=one.address,
            hook=one.hook,
            subject=text.subject,
            text=text.body if one.address else "",
            data={} if one.address else dict(data),
        )
        for one in chosen
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True, unique_fields=None)
    return len(rows)


def put_test(receiver: Receiver, text: EmailText) -> Notice:
    """Put a test for one receiver into the outbox, and return it."""
    moment = database_now()
    return Notice.objects.create(
        kind=Notice.Kind.TEST,
        key=f"test:{moment.isoformat()}",
        person=receiver.person,
        address=receiver.address,
        hook=receiver.hook,
        subject=text.subject,
        text=text.body if receiver.address else "",
        data={} if receiver.address else {"kind": "test"},
    )


def _below_limit(receivers: list[Receiver]) -> list[Receiver]:
    """Return the receivers who got fewer notices of failures in the last hour than the limit says."""
    most = limits.value("notices_per_hour")
    since = database_now() - timedelta(hours=1)
    recent = Notice.objects.filter(kind=Notice.Kind.FAILURE, created__gte=since)
    return [
        one
        for one in receivers
        if recent.filter(address=one.address, hook=one.hook).order_by().values("pk")[:most].count() < most
    ]


@expiring("notices", "notice_days")
def remove_notices(before: datetime, most: int) -> int:
    """Remove the oldest notices that were sent or given up."""
    old = Notice.objects.filter(Q(sent__isnull=False) | Q(given_up__isnull=False), created__lt=before)
    return Notice.objects.filter(
        pk__in=list(old.order_by("pk").values_list("pk", flat=True)[:most])
    ).delete()[0]
