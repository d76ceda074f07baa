"""Sign-in with limits: after some failures for an account or from an address, no password is looked at for a while.

The counters are rows of the database, so that all processes and machines of a site count together.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterator
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

from config.models import SignInCounter
from courses.capabilities import CapabilityBackend
from courses.models import User
from jobs.clock import database_now

WINDOW = timedelta(minutes=15)
"""Time after the first failure for which failures are counted and, at the limit, attempts are refused."""

LIMITS = {"address": 50, "account": 20, "both": 5}
"""Failures in a window: from an address (a school may share one), for an account, for an account from an address."""

Answer = Callable[[HttpRequest], HttpResponse]


class SignInBackend(CapabilityBackend):
    """Authentication backend that counts each attempt before it looks at the password, and refuses it at a limit."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, None if name or password are wrong. Raises PermissionDenied at a limit.

        Without a request somebody on the server asks, whom nothing slows down.
        """
        if request is None or username is None:
            return super().authenticate(request, username, password, **kwargs)
        keys = list(_keys(username, address_of(request)))
        _forget()
        for limit, key in keys:
            wait = _count(key, limit)
            if wait:
                request.META[REFUSED] = wait
                raise PermissionDenied("Too many attempts to sign in failed.")
        user: User | None = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            _take_back(keys)
        return user


REFUSED = "coursekeep.sign_in_refused"
"""Key in `request.META` of the seconds to wait, if the attempt of this request was refused."""


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


def _keys(username: str, address: str) -> Iterator[tuple[int, str]]:
    """Yield (limit, key) of each counter of an attempt. That of the address is the first, as anybody can name any account."""
    name = username.strip().casefold()
    for scope, text in (("address", address), ("account", name), ("both", f"{address}\n{name}")):
        yield LIMITS[scope], salted_hmac(f"config.sign_in.{scope}", text, algorithm="sha256").hexdigest()


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


def _take_back(keys: list[tuple[int, str]]) -> None:
    """Forget the failures for the account from this address, and do not count this attempt elsewhere."""
    *others, (_, both) = keys
    SignInCounter.objects.filter(key=both).delete()
    SignInCounter.objects.filter(key__in=[key for _, key in others], failures__gt=0).update(
        failures=F("failures") - 1
    )


def _forget() -> None:
    """Delete the counters whose time is over."""
    SignInCounter.objects.filter(since__lte=Now() - WINDOW).delete()
