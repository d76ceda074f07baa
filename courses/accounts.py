"""Accounts in views: the signed-in user of a request, and the check for administrators' pages."""

from __future__ import annotations

from typing import Any

from archive.errors import NotAllowed
from courses.models import User


def person(user: object) -> User:
    """Return the user of a request as an account. The view must require a sign-in; AssertionError otherwise."""
    assert isinstance(user, User)
    return user


def require_administrator(user: Any) -> None:
    """Raise NotAllowed unless the person administers the site."""
    if not user.is_superuser:
        raise NotAllowed("This page is for the site's administrators.")
