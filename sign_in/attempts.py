"""Limits of attempts to sign in: after some failures for an account or from an address, nothing is looked at for a while.

The counters are rows of the database, so that all processes and machines of a site count together.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from audit.trail import record
from courses.models import User
from jobs.clock import database_now
from sign_in.models import SignInCounter

WINDOW = timedelta(minutes=15)
"""Time after the first failure for which failures are counted and, at the limit, attempts are refused."""

LIMITS = {"address": 50, "account": 20, "both": 5}
"""Failures in a window: from an address (a school may share one), for an account, for an account from an address."""

PASSWORD, CODE, PROVIDER = "password", "code", "provider"
"""Kinds of attempts. Each has its own counters of accounts; that of an address counts all kinds together."""

REFUSED = "coursekeep.sign_in_refused"
"""Key in `request.META` of the seconds to wait, if the attempt of this request was refused."""

UNSEEN = "coursekeep.sign_in_unseen"
"""Key in `request.META` that is set if nobody looked at the attempt of this request, which is not recorded then."""

REFUSAL = "coursekeep.sign_in_refusal"
"""Key in `request.META` of the error that says why the provider's person was not let in."""

Answer = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of an attempt: whether it is that of the address, the account or both, and its key in the table."""

    scope: str
    key: str


def count_attempt(request: HttpRequest, kind: str, name: str | None) -> list[Counter]:
    """Count an attempt of a kind before anything is looked at, and return its counters for `take_back`.

    `name` is what the attempt says of the account, None if only the address is known. Raises PermissionDenied at a limit:
    the answer of the request is then that of `throttled`.
    """
    counters = list(_counters(kind, name, address_of(request)))
    _forget()
    for counter in counters:
        wait = _count(counter.key, LIMITS[counter.scope])
        if wait:
            request.META[REFUSED] = wait
            # What is refused at this address is no failure of the account: else one address could close it for all.
            if counter.scope == "both":
                leave_out([one for one in counters if one.scope == "account"])
            raise PermissionDenied("Too many attempts to sign in failed.")
    return counters


def take_back(counters: list[Counter]) -> None:
    """Forget the failures for the account from this address, and do not count this attempt elsewhere.

    Only for an attempt that signed in to the account that it named: else somebody could make room for guesses of its password.
    """
    SignInCounter.objects.filter(key__in=[one.key for one in counters if one.scope == "both"]).delete()
    leave_out([one for one in counters if one.scope != "both"])


def leave_out(counters: list[Counter]) -> None:
    """Do not count this one attempt. Earlier failures stay."""
    keys = [one.key for one in counters]
    SignInCounter.objects.filter(key__in=keys, failures__gt=0).update(failures=F("failures") - 1)


def record_attempt(
    action: str,
    account: User | None,
    request: HttpRequest | None,
    *,
    by: User | None,
    outcome: str = "done",
    **details: Any,
) -> None:
    """Record an attempt to sign in, or a sign-out, with its address. `account` is None if no account is known."""
    record(
        action,
        by=by,
        subject="account",
        subject_id=account.pk if account is not None else None,
        title=str(account) if account is not None else "an account that is not there",
        outcome=outcome,
        # A sign-in without a real request, as tests and commands make it, is from nowhere.
        address=address_of(request) if request is not None and request.META else "",
        **details,
    )


def throttled(get_response: Answer) -> Answer:
    """Middleware that answers a refused attempt with a page that says how long to wait, status 429."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        wait = request.META.get(REFUSED)
        if wait is None:
            return response
        response = render(request, "429.html", {"minutes": math.ceil(wait / 60)}, status=429)
        response.headers["Retry-After"] = str(wait)
        return response

    return answer


def address_of(request: HttpRequest) -> str:
    """Return the address that attempts are counted for: that of the sender; of IPv6 the network."""
    text = sender_of(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text[:100]
    # One customer of a provider has a whole network of 64 bits.
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else text


def sender_of(request: HttpRequest) -> str:
    """Return the address that a request comes from: behind a proxy the one that the proxy saw. It may be no address at all.

    A proxy appends what it saw to `X-Forwarded-For`; whatever stands before it is the sender's own claim.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        text = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or text
    return text


def _counters(kind: str, name: str | None, address: str) -> Iterator[Counter]:
    """Yield the counters of an attempt. That of the address is the first, as anybody can name any account."""
    yield _counter("address", "any", address)
    if name is not None:
        # A directory takes names that differ in case and spaces for the same one.
        said = " ".join(name.split()).casefold()
        yield _counter("account", kind, said)
        yield _counter("both", kind, f"{address}\n{said}")


def _counter(scope: str, kind: str, text: str) -> Counter:
    digest = salted_hmac(f"sign_in.attempts.{scope}.{kind}", text, algorithm="sha256").hexdigest()
    return Counter(scope, digest)


def _count(key: str, limit: int) -> int:
    """Count an attempt in one statement; return the seconds to wait if it is one too many, else 0."""
    now = database_now()
    table = connection.ops.quote_name(SignInCounter._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} AS counter (key, failures, since) VALUES (%s, 1, %s)
                ON CONFLICT (key) DO UPDATE SET
                    failures = CASE WHEN counter.since <= %s THEN 1 ELSE least(counter.failures, %s) + 1 END,
                    since = CASE WHEN counter.since <= %s THEN excluded.since ELSE counter.since END
                RETURNING failures, since""",
            [key, now, now - WINDOW, limit, now - WINDOW],
        )
        failures, since = cursor.fetchone()
    return max(1, math.ceil((since + WINDOW - now).total_seconds())) if failures > limit else 0


def _forget() -> None:
    """Delete the counters whose time is over."""
    SignInCounter.objects.filter(since__lte=Now() - WINDOW).delete()
