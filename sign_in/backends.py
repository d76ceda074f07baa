"""The authentication backend of passwords: those of the site, then those of the directory, with limits of attempts."""

from __future__ import annotations

import importlib
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from courses.capabilities import CapabilityBackend
from courses.models import User
from sign_in.attempts import PASSWORD, count_attempt, take_back

DIRECTORY_SILENT = "coursekeep.directory_silent"
"""Key in `request.META` that is set if the directory did not answer the attempt of this request."""


class SignInBackend(CapabilityBackend):
    """Authentication backend that counts each attempt before it looks at the password, and refuses it at a limit."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, None if name or password are wrong.

        Raises PermissionDenied at a limit, and where the site takes no passwords. Without a request somebody on the server
        asks, whom nothing slows down.
        """
        if request is None or username is None:
            return super().authenticate(request, username, password, **kwargs)
        if not settings.PASSWORD_SIGN_IN:
            raise PermissionDenied("This site takes no passwords.")
        counted = count_attempt(request, PASSWORD, username)
        user: User | None = super().authenticate(request, username, password, **kwargs)
        if user is None and settings.DIRECTORY is not None:
            # The package is installed only where there is a directory.
            directory = importlib.import_module("sign_in.directory")
            user = directory.Directory().authenticate(request, username=username, password=password)
        if user is not None or DIRECTORY_SILENT in request.META:
            take_back(counted)
        return user
