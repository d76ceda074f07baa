"""Entries of sign-ins in the audit trail: who signed in or out, and which attempts failed, with their address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from audit.trail import record
from config.sign_in import REFUSED, address_of
from courses.models import User


@receiver(user_logged_in, dispatch_uid="audit")
def record_sign_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """Record that a person has signed in."""
    _record("sign-in", user, request)


@receiver(user_logged_out, dispatch_uid="audit")
def record_sign_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    """Record that a person has signed out; nothing if nobody had signed in."""
    if user is not None:
        _record("sign-out", user, request)


@receiver(user_login_failed, dispatch_uid="audit")
def record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record an attempt to sign in whose name or password was wrong.

    A refused attempt is not recorded: their number has no bound. A name that no account has is not stored, as people type their
    password there by mistake.
    """
    if request is not None and REFUSED in request.META:
        return
    name = str(credentials.get("username", "")).strip()
    account = User.objects.filter(username__in={name, name.lower()}).first() if name else None
    record(
        "sign-in-failed",
        by=None,
        subject="account",
        subject_id=account.pk if account else None,
        title=str(account) if account else "an account that is not there",
        outcome="failed",
        address=address_of(request) if request is not None else "",
    )


def _record(action: str, user: User, request: HttpRequest | None) -> None:
    record(
        action,
        by=user,
        subject="account",
        subject_id=user.pk,
        title=str(user),
        address=address_of(request) if request is not None and request.META else "",
    )
