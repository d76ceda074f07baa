"""Delivery of notices: e-mails by the site's mail server, web hooks by a signed POST; what fails is tried again later."""

from __future__ import annotations

import hmac
import http.client
import json
import logging
import ssl
import time
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.db.models.functions import Now

from courses.encryption import reveal
from jobs.clock import database_now
from notices.deadline import within
from notices.models import Notice, WebHook

log = logging.getLogger(__name__)

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
"""Times to wait after each attempt that failed. A notice is given up if it fails once more after the last one."""

TIMEOUT = 10.0
"""Seconds in which a web hook has to accept a connection and to answer, however many parts it sends."""

SECONDS = 45.0
"""Time after which `deliver` begins no other notice, so that it ends before it is called again."""

SIGNATURE = "X-Coursekeep-Signature"


class Undelivered(Exception):
    """A receiver did not take a notice; the message says why."""


def deliver(*, now: datetime | None = None, most: int = 200) -> tuple[int, int]:
    """Send the notices whose time has come; return how many were sent and how many failed. Processes share the work.

    A notice is claimed by counting the attempt, before it is sent. If the process dies in between, it is sent again later:
    a receiver of a web hook tells a second one by its `id`. After a failure the receiver's other notices fail without a
    request in this call.
    """
    moment = now or database_now()
    end = time.monotonic() + SECONDS
    sent = failed = 0
    away: dict[tuple[str, int | None], str] = {}
    # What waits for a web hook that is off waits until it is on again, and uses up no attempts.
    on = Q(hook=None) | Q(hook__enabled=True)
    waiting = Notice.objects.filter(on, sent=None, given_up=None, next_try__lte=moment).select_related("hook")
    for notice in waiting.order_by("next_try", "pk")[:most]:
        if time.monotonic() > end:
            break
        wait = WAITS[min(notice.attempts, len(WAITS) - 1)]
        mine = Notice.objects.filter(pk=notice.pk, attempts=notice.attempts, sent=None)
        if not mine.update(attempts=notice.attempts + 1, next_try=moment + wait):
            continue
        receiver = (notice.address, notice.hook_id)
        if problem := _attempt(notice, away.get(receiver, "")):
            failed += 1
            away[receiver] = problem
        else:
            sent += 1
    return sent, failed


def _attempt(notice: Notice, known: str) -> str:
    """Send one notice, and note how that went; return why it failed, empty if it was sent.

    `known` is why another notice to the receiver has just failed: then this one fails too, without a request.
    """
    row = Notice.objects.filter(pk=notice.pk)
    try:
        if known:
            raise Undelivered(known)
        if notice.hook is not None:
            post(notice.hook, notice)
        else:
            _mail(notice)
    except (Undelivered, OSError, http.client.HTTPException, ValueError) as problem:
        # smtplib's errors are OSErrors.
        log.warning("Notice %s was not delivered in attempt %s: %s", notice.pk, notice.attempts + 1, problem)
        said = str(problem)[:1000] or type(problem).__name__
        row.update(error=said)
        if notice.attempts + 1 > len(WAITS):
            row.update(given_up=Now())
        return said
    row.update(sent=Now(), error="")
    return ""


def _mail(notice: Notice) -> None:
    if not settings.EMAIL_IS_SET:
        raise Undelivered("The site has no mail server any more (COURSEKEEP_EMAIL_URL).")
    # The same id for each attempt, so that mail programs show the message once.
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {"Message-ID": f"<notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    EmailMessage(notice.subject, notice.text, to=[notice.address], headers=headers).send()


def post(hook: WebHook, notice: Notice) -> None:
    """Send a notice to a web hook, without following redirects. Raises Undelivered unless the status is 200 to 299."""
    secret = reveal(hook.secret)
    if secret is None:
        raise Undelivered(
            "The site's key was changed, and the web hook's secret cannot be read. Remove the web hook and make it again."
        )
    body = json.dumps(
        {"id": notice.pk, "site": settings.SITE_URL, "created": notice.created.isoformat(), **notice.data}
    ).encode()
    address = urlsplit(hook.url)
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    host, secure = address.hostname or "", address.scheme == "https"
    with within(TIMEOUT, host) as deadline:
        connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(
            host, address.port
        )
        with closing(connection), deadline.connect(host, connection.port) as raw:
            connection.sock = (
                ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
            )
            connection.request("POST", target, body, _headers(secret, body))
            status = connection.getresponse().status
        if not deadline.left:
            # A connection that was ended looks like headers that end.
            raise TimeoutError
    if not 200 <= status < 300:
        raise Undelivered(f"{host} answered with the status {status}.")


def _headers(secret: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Coursekeep",
        SIGNATURE: signature(secret, body, int(time.time())),
    }


def signature(secret: str, body: bytes, moment: int) -> str:
    """Return the header that proves who sent a body and when: `t=<seconds>,sha256=<HMAC of "<seconds>.<body>">`."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    return f"t={moment},sha256={digest}"
