"""Passwords that an LDAP directory checks, through django-auth-ldap. Imported only where the site has a directory.

The package escapes names in filters and refuses empty passwords, with which a directory lets anybody in. Accounts are matched
by our rules, and never changed by what the directory says later.
"""

from __future__ import annotations

import base64
import logging
import re
import time
from typing import Any

import ldap
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend, _LDAPUser, ldap_error
from django_auth_ldap.config import LDAPSearch, LDAPSettings

from courses.models import User
from sign_in.attempts import REFUSAL
from sign_in.backends import DIRECTORY_SILENT
from sign_in.identities import Claims, SignInRefused, account_for
from sign_in.options import LDAP, DirectoryOptions

LOG = logging.getLogger(__name__)
TIMEOUT = 5
"""Seconds that the directory has to take a connection, and to answer a question."""

SLOW, PAUSE = 0.5, 30
"""Seconds after which a failure is one that lets others wait too; seconds for which the directory is not asked after it."""

_slow: dict[DirectoryOptions, float] = {}

NAME = re.compile(r"[!-~]+(?: [!-~]+)*\Z")
LONGEST_NAME = 100
"""Characters of a user name. Names with other letters are not asked for: a directory folds them in ways of its own."""


AWAY = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.UNAVAILABLE, ldap.BUSY)
"""Errors of a directory that has not looked at a password."""


class Directory(LDAPBackend):  # type: ignore[misc]  # the package has no types
    """The directory of the site. It is no backend of sessions: `SignInBackend` asks it when its own accounts do not match."""

    def __init__(self) -> None:
        """Take the options of the site."""
        options: DirectoryOptions | None = settings.DIRECTORY
        assert options is not None
        self._options = options
        self.settings = LDAPSettings("COURSEKEEP_DIRECTORY_", package_settings(options))

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the account of the person whose password the directory takes, None otherwise."""
        name = (username or "").strip()
        if not password or len(name) > LONGEST_NAME or not NAME.match(name):
            return None
        begun = time.monotonic()
        noted = _slow.get(self._options)
        if request is not None and noted is not None and begun - noted <= PAUSE:
            # Each attempt that waits holds a thread of the site.
            request.META[DIRECTORY_SILENT] = True
            return None
        try:
            found: User | None = super().authenticate(request, username=name, password=password)
        except SignInRefused as refused:
            if request is not None:
                request.META[REFUSAL] = refused
            return None
        if request is not None and DIRECTORY_SILENT in request.META and time.monotonic() - begun > SLOW:
            _slow[self._options] = time.monotonic()
        return found

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
        """Return the account of a person whose password was right, and that it is not to be filled. Raises SignInRefused."""
        attributes = ldap_user.attrs or {}
        claims = Claims(
            provider=LDAP,
            subject=_subject(attributes, self._options.identifier),
            username=_name(attributes, self._options.name, typed=username),
            email=_first(attributes, "mail"),
            firstname=_first(attributes, "givenName"),
            lastname=_first(attributes, "sn"),
        )
        if not claims.subject:
            LOG.error(
                "%s has no attribute %s. Set COURSEKEEP_LDAP_ID_ATTRIBUTE to an attribute that everybody has.",
                ldap_user.dn,
                self._options.identifier,
            )
        return account_for(claims, self._options.first), False


def search_anybody() -> None:
    """Look for somebody in the directory, as a sign-in does before it tries the password. Raises an error of `ldap`."""
    asked = _LDAPUser(Directory(), username="coursekeep-doctor")
    base = asked.settings.USER_SEARCH.base_dn
    asked.connection.search_s(base, ldap.SCOPE_BASE, attrlist=["1.1"])


def package_settings(options: DirectoryOptions) -> dict[str, Any]:
    """Return the settings of django-auth-ldap. The order of the options of a connection counts: the TLS context is the last."""
    attributes = ["mail", "givenName", "sn", options.identifier, options.name]
    connection: dict[int, Any] = {
        ldap.OPT_PROTOCOL_VERSION: 3,
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: TIMEOUT,
        ldap.OPT_TIMEOUT: TIMEOUT,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if options.authorities:
        connection[ldap.OPT_X_TLS_CACERTFILE] = options.authorities
    connection[ldap.OPT_X_TLS_NEWCTX] = 0
    return {
        "SERVER_URI": options.url,
        "START_TLS": options.start_tls,
        "BIND_DN": options.bind_dn,
        "BIND_PASSWORD": options.bind_password,
        "USER_SEARCH": LDAPSearch(options.base, ldap.SCOPE_SUBTREE, options.search, attributes),
        "USER_ATTRLIST": attributes,
        "CONNECTION_OPTIONS": connection,
        "ALWAYS_UPDATE_USER": False,
        "NO_NEW_USERS": True,
        "PERMIT_EMPTY_PASSWORD": False,
        "CACHE_TIMEOUT": 0,
    }


@receiver(ldap_error, dispatch_uid="sign_in.directory")
def note_silence(
    context: str, exception: ldap.LDAPError, request: HttpRequest | None = None, **_: Any
) -> None:
    """Note that the directory did not answer: then the person is told so, and only a wrong password of the site is counted.

    An error about the password of one account is no silence: that attempt counts.
    """
    searching = context == "search_for_user_dn"
    if request is not None and (searching or isinstance(exception, AWAY)):
        request.META[DIRECTORY_SILENT] = True


def _first(attributes: Any, name: str) -> str:
    """Return the first value of an attribute that is a text; "" if there is none."""
    values = attributes.get(name) or [""]
    return values[0].strip() if isinstance(values[0], str) and values[0].isprintable() else ""


def _name(attributes: Any, attribute: str, *, typed: str) -> str:
    """Return the user name that the directory says; of several the one that was typed. "" if it says none.

    What was typed may be something else: a filter can look for addresses too, and those of one person are names of others.
    """
    names = [
        one.strip() for one in attributes.get(attribute) or [] if isinstance(one, str) and one.isprintable()
    ]
    if len(names) == 1:
        return names[0]
    return next((one for one in names if one.lower() == typed.lower()), "")


def _subject(attributes: Any, name: str) -> str:
    """Return the stable id of a person; one of bytes (`objectGUID`) as base64. "" if the person has none."""
    values = attributes.get(name) or [""]
    value = values[0]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
