"""The authentication backend of passwords: those of the site, then those of the directory, with limits of attempts."""

from __future__ import annotations

import importlib
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from courses.capabilities import CapabilityBackend
from courses.models import User
from sign_in.attempts import PASSWORD, REFUSAL, UNSEEN, Counter, count_attempt, leave_out, take_back

DIRECTORY_SILENT = "coursekeep.directory_silent"
"""Key in `request.META` that is set if the directory did not answer the attempt of this request."""


class SignInBackend(CapabilityBackend):
    """Authentication backend that counts each attempt before it looks at the password, and refuses it at a limit."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        *,
        own_only: bool = False,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, None if name or password are wrong. `own_only` leaves the directory out.

        Raises PermissionDenied at a limit, and where the site takes no passwords. Without a request somebody on the server
        asks, whom nothing slows down.
        """
        if request is None or username is None:
            return super().authenticate(request, username, password, **kwargs)
        if not settings.PASSWORD_SIGN_IN:
            request.META[UNSEEN] = True
            raise PermissionDenied("This site takes no passwords.")
        counted = count_attempt(request, PASSWORD, username)
        user: User | None = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            take_back(counted)
        elif settings.DIRECTORY is not None and not own_only:
            user = _ask_directory(request, username, password, counted)
        return user


def _ask_directory(
    request: HttpRequest, username: str, password: str | None, counted: list[Counter]
) -> User | None:
    """Return the person whose password the directory takes, None otherwise, and take back what is no failure."""
    # The package is installed only where there is a directory.
    directory = importlib.import_module("sign_in.directory")
    user: User | None = directory.Directory().authenticate(request, username=username, password=password)
    name = username.strip()
    if user is not None and user.username.lower() == name.lower():
        take_back(counted)
    elif user is not None or REFUSAL in request.META:
        leave_out(counted)
    elif DIRECTORY_SILENT in request.META and not _has_own_password(name):
        request.META[UNSEEN] = True
        leave_out(counted)
    return user


def _has_own_password(name: str) -> bool:
    """Whether an account of that name has a password of the site, which was looked at then."""
    return any(one.has_usable_password() for one in User.objects.filter(username__iexact=name))
