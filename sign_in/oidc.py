"""The authentication backend of OpenID Connect: mozilla-django-oidc, with claims that are checked and matched by our rules.

The package checks state, signature and nonce, and speaks to the provider. It leaves audience and issuer unchecked, takes any
account with the same e-mail address, and signs suspended people in; all that is done here.
"""

from __future__ import annotations

import hmac
import logging
from typing import Any

import jwt
import requests
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from archive.errors import CoursekeepError
from courses.models import User
from sign_in.attempts import PROVIDER, REFUSAL, UNSEEN, count_attempt, leave_out
from sign_in.identities import Claims, SignInRefused, account_for
from sign_in.provider import TIMEOUT, ProviderSilent, no_answer, note_slow, options, provider, refuse_if_slow

LOG = logging.getLogger(__name__)
OUT_OF_ORDER = 500
"""The lowest status of an answer that says that the provider, or the proxy before it, is out of order."""

SKEW = 60
"""Seconds by which the clocks of the provider and of this machine may differ."""

PROOF = "coursekeep.id_token"
"""Key in `request.META` of the id token of a person who may sign in by this request."""

NEEDED = ("exp", "iat", "iss", "aud", "sub", "nonce")


DISCOVERED = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization",
    "OIDC_OP_TOKEN_ENDPOINT": "token",
    "OIDC_OP_USER_ENDPOINT": "userinfo",
    "OIDC_OP_JWKS_ENDPOINT": "keys",
    "OIDC_TOKEN_USE_BASIC_AUTH": "basic",
}
"""Settings of mozilla-django-oidc that the discovery document has: the attribute of `Provider`."""


def client_setting(name: str, *default: Any) -> Any:
    """Return a setting of mozilla-django-oidc from the options of the site and the discovery document."""
    if name in DISCOVERED:
        return getattr(provider(), DISCOVERED[name])
    chosen = options()
    ours: dict[str, Any] = {
        "OIDC_RP_CLIENT_ID": chosen.client_id,
        "OIDC_RP_CLIENT_SECRET": chosen.client_secret,
        "OIDC_RP_SIGN_ALGO": chosen.algorithm,
        "OIDC_RP_SCOPES": chosen.scopes,
        "OIDC_AUTHENTICATION_CALLBACK_URL": "oidc-callback",
        "OIDC_USE_PKCE": True,
        "OIDC_USE_NONCE": True,
        "OIDC_TIMEOUT": TIMEOUT,
        "LOGIN_REDIRECT_URL": "/",
    }
    # Whatever else the package asks for has the package's own default.
    return ours.get(name, default[0] if default else None)


class OidcBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # the package has no types
    """Authentication backend of the provider's answers. What people may do is asked of `SignInBackend` alone."""

    def __init__(self) -> None:
        """Take the settings when somebody signs in: every request makes this object, and the provider may be silent."""
        self.UserModel = User

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Return a setting of the package."""
        return client_setting(attr, *args)

    def authenticate(self, request: HttpRequest, *, nonce: str, code_verifier: str) -> User:
        """Return the person whom the provider's answer is about. Raises PermissionDenied, with the reason in the request.

        Django leaves the backend out unless both arguments are there: a code in the address of another page is not for it.
        """
        counted = count_attempt(request, PROVIDER, None)
        try:
            refuse_if_slow()
            super().__init__()
            if not nonce or not code_verifier:
                raise SuspiciousOperation("The session has no nonce and no verifier.")
            found = self._ask(request, nonce, code_verifier)
            if not isinstance(found, User):
                raise SuspiciousOperation("The answer is about nobody.")
        except CoursekeepError as error:
            # Who is not let in was vouched for by the provider, and has guessed nothing.
            leave_out(counted)
            request.META[REFUSAL] = error
            if isinstance(error, ProviderSilent):
                request.META[UNSEEN] = True
            raise PermissionDenied(error.message) from error
        except Exception as error:
            # The answer is from outside, and the package lets errors of many kinds through: none of them signs anybody in.
            LOG.warning("The answer of the provider was refused: %s", type(error).__name__, exc_info=error)
            request.META[REFUSAL] = SignInRefused(
                "The answer of the provider could not be verified.", hint="Sign in again."
            )
            raise PermissionDenied("The answer of the provider was refused.") from error
        leave_out(counted)
        return found

    def _ask(self, request: HttpRequest, nonce: str, code_verifier: str) -> object:
        """Return whom the provider's answer is about. Raises ProviderSilent if it does not answer, and other errors."""
        try:
            found: object = super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        except requests.Timeout as error:
            note_slow()
            raise no_answer() from error
        except requests.ConnectionError as error:
            raise no_answer() from error
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code >= OUT_OF_ORDER:
                raise no_answer() from error
            raise
        return found

    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Keep the id token for the session of the person, if there will be one."""
        self.request.META[PROOF] = id_token

    def _verify_jws(self, payload: str, key: Any) -> dict[str, Any]:
        """Return the claims of an id token. Raises SuspiciousOperation or an error of PyJWT."""
        if jwt.get_unverified_header(payload).get("alg") != self.OIDC_RP_SIGN_ALGO:
            raise SuspiciousOperation("The id token is signed by another algorithm.")
        claims: dict[str, Any] = jwt.decode(
            payload,
            key,
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            audience=self.OIDC_RP_CLIENT_ID,
            issuer=provider().issuer,
            leeway=SKEW,
            options={"require": list(NEEDED)},
        )
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("The id token was made for another client.")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """Return the account of the claims. Raises SignInRefused, and SuspiciousOperation for claims of two people."""
        said = self.get_userinfo(access_token, id_token, payload)
        if not hmac.compare_digest(str(said.get("sub", "")).encode(), str(payload["sub"]).encode()):
            raise SuspiciousOperation("The user info is about another person than the id token.")
        return account_for(claims_of(together(said, payload)), options().first)

    def get_user(self, user_id: Any) -> User | None:
        """Return the user of a session, None if the person may not sign in any more."""
        found = User.objects.filter(pk=user_id).first()
        return found if found is not None and found.is_active else None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return False: capabilities are asked of the backend of passwords, once."""
        return False

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return False, as `has_perm` does."""
        return False


def together(information: dict[str, Any], token: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of the user info and of the id token, which counts more, together.

    The e-mail address and whether it is verified come from the same one: one may know another address than the other.
    """
    said = {**information, **token}
    source = token if "email" in token else information
    for name in ("email", "email_verified"):
        said[name] = source.get(name)
    return said


def claims_of(said: dict[str, Any]) -> Claims:
    """Return the claims of an id token and the user info together, as far as this site looks at them."""
    chosen = options()
    groups = said.get(chosen.groups_claim)
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    # Some providers write their truth as a text; any other text is none.
    verified = said.get("email_verified") is True or said.get("email_verified") == "true"
    first, _, last = _text(said, "name").rpartition(" ")
    return Claims(
        provider=provider().issuer,
        subject=said["sub"] if isinstance(said["sub"], str) else "",
        username=_text(said, chosen.username_claim),
        email=_text(said, "email") if verified else "",
        firstname=_text(said, "given_name") or first,
        lastname=_text(said, "family_name") or last,
        administrator=chosen.administrators in listed if chosen.administrators else None,
    )


def _text(said: dict[str, Any], name: str) -> str:
    """Return a claim that is a text without control characters; "" for any other."""
    found = said.get(name)
    return found.strip() if isinstance(found, str) and found.isprintable() else ""
