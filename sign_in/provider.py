"""The provider of OpenID Connect: its addresses, as its discovery document names them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings

from archive.errors import CoursekeepError, NotFound
from sign_in.options import LOCAL, OidcOptions

PATH = "/.well-known/openid-configuration"
TIMEOUT = (3, 5)
"""Seconds that the provider has to take a connection, and to answer."""

LASTS = 3600
"""Seconds after which a discovery document is asked for again. Without an answer the old one is used on."""

PAUSE = 30
"""Seconds for which a provider that did not answer is not asked again: each request that waits for it holds a thread."""


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
_failed: dict[str, tuple[float, ProviderSilent]] = {}
_slow: dict[str, float] = {}
_asking = threading.Lock()


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
    if found is not None and time.monotonic() - asked <= LASTS:
        return found
    # One thread asks. The others use the old document meanwhile; where there is none they wait for the one.
    if not _asking.acquire(timeout=sum(TIMEOUT) if found is None else 0):
        if found is None:
            raise no_answer()
        return found
    try:
        return _asked(issuer)
    finally:
        _asking.release()


def _asked(issuer: str) -> Provider:
    """Return the provider: ask it unless it was asked a moment ago. Raises ProviderSilent where no document is known."""
    asked, found = _found.get(issuer, (0.0, None))
    if found is not None and time.monotonic() - asked <= LASTS:
        return found
    failed, fault = _failed.get(issuer, (0.0, None))
    if fault is None or time.monotonic() - failed > PAUSE:
        try:
            fresh = discover(issuer)
        except ProviderSilent as error:
            fault = error
            _failed[issuer] = (time.monotonic(), error)
        else:
            _failed.pop(issuer, None)
            _found[issuer] = (time.monotonic(), fresh)
            return fresh
    if found is None:
        raise fault.with_traceback(None)
    return found


def note_slow() -> None:
    """Note that the provider did not answer a question of a sign-in in time."""
    _slow[options().issuer] = time.monotonic()


def refuse_if_slow() -> None:
    """Raise ProviderSilent if the provider did not answer in time a moment ago, so that nobody else waits for it."""
    noted = _slow.get(options().issuer)
    if noted is not None and time.monotonic() - noted <= PAUSE:
        raise no_answer()


def no_answer(where: str = "") -> ProviderSilent:
    """Return the error of a provider that does not answer."""
    return ProviderSilent(
        "The provider of your sign-in does not answer.", where=where, hint="Try again later."
    )


def is_safe(address: str) -> bool:
    """Whether an address is of `https`, or of this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


def sign_out_address(end_session: str, token: str, back: str) -> str:
    """Return the address at which the provider ends the person's session, and leads `back`.

    `end_session` is the provider's address, `token` the id token, as the session has them. Nothing is asked: a sign-out here
    must not depend on another machine.
    """
    query = {"client_id": options().client_id, "post_logout_redirect_uri": back, "id_token_hint": token}
    return f"{end_session}{'&' if '?' in end_session else '?'}{urlencode(query)}"


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
        raise no_answer(address) from error
    addresses = (found.authorization, found.token, found.userinfo, found.keys, found.end_session)
    if found.issuer.rstrip("/") != issuer.rstrip("/") or not all(is_safe(one) for one in addresses if one):
        raise ProviderSilent(
            "The provider calls itself something else, or has addresses without TLS.",
            where=address,
            hint="Set COURSEKEEP_OIDC_ISSUER to the issuer that the provider names.",
        )
    return found
