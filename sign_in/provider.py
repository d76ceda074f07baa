"""The provider of OpenID Connect: its addresses, as its discovery document names them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings

from archive.errors import CoursekeepError, NotFound
from sign_in.options import OidcOptions

PATH = "/.well-known/openid-configuration"
TIMEOUT = 10
"""Seconds that the provider has to answer."""

LASTS = 3600
"""Seconds for which a discovery document is used."""

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are this machine: the way to them needs no TLS."""


class ProviderSilent(CoursekeepError):
    """The provider did not answer, or answered something that is no OpenID Connect."""

    code = "provider-silent"


@dataclass(frozen=True, slots=True)
class Provider:
    """The addresses of a provider. `end_session` is "" if it has no sign-out. `basic` is how a client says its secret."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    keys: str
    end_session: str
    basic: bool


_found: dict[str, tuple[float, Provider]] = {}


def options() -> OidcOptions:
    """Return the options of the provider. Raises NotFound where the site has none."""
    found: OidcOptions | None = settings.OIDC
    if found is None:
        raise NotFound("This site has no sign-in by OpenID Connect.")
    return found


def provider() -> Provider:
    """Return the provider of the site, asked once an hour. Raises NotFound and ProviderSilent."""
    issuer = options().issuer
    asked, found = _found.get(issuer, (0.0, None))
    if found is None or time.monotonic() - asked > LASTS:
        found = discover(issuer)
        _found[issuer] = (time.monotonic(), found)
    return found


def is_safe(address: str) -> bool:
    """Whether an address is of `https`, or of this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


def sign_out_address(token: str, back: str) -> str:
    """Return the address at which the provider ends the person's session, and leads `back`; "" if it has none.

    `token` is the id token of the session, "" if it is not known.
    """
    try:
        found = provider()
    except CoursekeepError:
        # A sign-out here must not depend on another machine.
        return ""
    if not found.end_session:
        return ""
    query = {"client_id": options().client_id, "post_logout_redirect_uri": back}
    if token:
        query["id_token_hint"] = token
    return f"{found.end_session}{'&' if '?' in found.end_session else '?'}{urlencode(query)}"


def discover(issuer: str) -> Provider:
    """Ask a provider for its discovery document. Raises ProviderSilent."""
    address = issuer.rstrip("/") + PATH
    try:
        answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        document: Any = answer.json()
        found = Provider(
            issuer=str(document["issuer"]),
            authorization=str(document["authorization_endpoint"]),
            token=str(document["token_endpoint"]),
            userinfo=str(document["userinfo_endpoint"]),
            keys=str(document["jwks_uri"]),
            end_session=str(document.get("end_session_endpoint") or ""),
            basic="client_secret_basic"
            in (document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]),
        )
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderSilent(
            "The provider of your sign-in does not answer.", where=address, hint="Try again later."
        ) from error
    addresses = (found.authorization, found.token, found.userinfo, found.keys, found.end_session)
    if found.issuer.rstrip("/") != issuer.rstrip("/") or not all(is_safe(one) for one in addresses if one):
        raise ProviderSilent(
            "The provider calls itself something else, or has addresses without TLS.",
            where=address,
            hint="Set COURSEKEEP_OIDC_ISSUER to the issuer that the provider names.",
        )
    return found
