"""Options of identity providers and of the second factor, as `settings.OIDC`, `settings.DIRECTORY` and others hold them."""

from __future__ import annotations

from dataclasses import dataclass, field

LDAP = "ldap"
"""The provider of identities of the directory."""


LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are this machine: the way to them needs no TLS."""


@dataclass(frozen=True, slots=True)
class FirstSignIn:
    """Accounts that a new identity gets: the one with the same `match` ("none", "email", "username"), else a new one."""

    match: str = "none"
    create: bool = False


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """The provider of OpenID Connect, and this site as its client.

    `administrators` is the group that administers the site; "" if the provider has no say in that.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: str = "openid email profile"
    algorithm: str = "RS256"
    username_claim: str = "preferred_username"
    groups_claim: str = "groups"
    administrators: str = ""
    first: FirstSignIn = FirstSignIn()


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    """The LDAP directory that checks passwords. `search` is a filter with `%(user)s` in it.

    `identifier` is the attribute of the stable id, `name` that of the user name, which people may type in some other way.
    """

    url: str
    base: str
    search: str = "(uid=%(user)s)"
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    start_tls: bool = False
    authorities: str = ""
    identifier: str = "entryUUID"
    name: str = "uid"
    first: FirstSignIn = FirstSignIn()
