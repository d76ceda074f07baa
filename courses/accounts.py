"""The signed-in person of a page, and the guard of pages for administrators."""

from __future__ import annotations

from typing import Any

from archive.errors import NotAllowed
from courses.models import User


def person(user: object) -> User:
    """Return the user of a request as an account. Only for pages that one has to sign in for."""
    assert isinstance(user, User)
    return user


def require_administrator(user: Any) -> None:
    """Raise NotAllowed unless the person administers the site."""
    if not user.is_superuser:
        raise NotAllowed("This page is for the site's administrators.")
