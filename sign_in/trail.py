"""Entries of sign-ins in the audit trail: who signed in or out, and which attempts failed, with their address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from courses.models import User
from sign_in.attempts import REFUSAL, REFUSED, UNSEEN, record_attempt
from sign_in.identities import SignInRefused
from sign_in.second_factor import OIDC_BACKEND, due, forget_session

BY_LINK = "coursekeep.sign_in_link"
"""Key in `request.META` of a request that signs in by a link, and in the session that this makes."""

PROVIDER_TOKEN, PROVIDER_END = "oidc_id_token", "oidc_end_session"
"""Keys in the session of the id token, and of the provider's address to sign out, of a person who came from the provider."""


@receiver(user_logged_in, dispatch_uid="audit")
def record_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    """Record that a person has signed in, or has begun to, if a code is awaited: it is recorded again when that was right.

    So a password that somebody else knows leaves a trace also without the code.
    """
    forget_session(request.session)
    for key in (BY_LINK, PROVIDER_TOKEN, PROVIDER_END):
        request.session.pop(key, None)
    if BY_LINK in request.META:
        request.session[BY_LINK] = True
    if due(request, user) == "code":
        record_attempt("sign-in-begun", user, request, by=user, factor="awaited", **way_of(request))
    else:
        record_attempt("sign-in", user, request, by=user, **way_of(request))


@receiver(user_logged_out, dispatch_uid="audit")
def record_sign_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    """Record that a person has signed out; nothing if nobody had signed in."""
    if user is not None:
        record_attempt("sign-out", user, request, by=user)


@receiver(user_login_failed, dispatch_uid="audit")
def record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record an attempt to sign in whose name or password was wrong, or whose provider's person was not let in.

    An attempt that was refused, or that nobody looked at, is not recorded: their number has no bound. A name that no account
    has is not stored, as people type their password there by mistake.
    """
    meta = request.META if request is not None else {}
    if REFUSED in meta or UNSEEN in meta:
        return
    refusal = meta.get(REFUSAL)
    name = str(credentials.get("username", "")).strip()
    account = User.objects.filter(username__in={name, name.lower()}).first() if name else None
    details: dict[str, Any] = {}
    if isinstance(refusal, SignInRefused):
        account, details = refusal.account or account, refusal.details()
    record_attempt("sign-in-failed", account, request, by=None, outcome="failed", **details)


def way_of(request: HttpRequest) -> dict[str, str]:
    """Return the detail of a sign-in that says its way: `oidc` for the provider, `link` for a link; empty for a password."""
    if request.session.get(BACKEND_SESSION_KEY) == OIDC_BACKEND:
        return {"way": "oidc"}
    return {"way": "link"} if request.session.get(BY_LINK) else {}
