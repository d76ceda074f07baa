"""Fixtures of sign-in: a provider of OpenID Connect, and the way of a browser through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from sign_in import provider as discovery
from sign_in.options import OidcOptions
from tests.sign_in.oidc_provider import CLIENT, SECRET, SUBJECT, OidcProvider

Walk = Callable[..., Any]


@pytest.fixture
def provider(settings: Any) -> Iterator[OidcProvider]:
    """A provider at which Tess signs in. The site knows it as “Example University”."""
    person = {
        "sub": SUBJECT,
        "preferred_username": "tess",
        "email": "tess@example.org",
        "email_verified": True,
        "given_name": "Tess",
        "family_name": "Tester",
    }
    made = OidcProvider(person)
    # The port may be that of the provider of another test.
    for kept in (discovery._found, discovery._failed, discovery._slow):
        kept.clear()
    settings.OIDC = OidcOptions(made.issuer, CLIENT, SECRET, "Example University")
    settings.AUTHENTICATION_BACKENDS = ["sign_in.backends.SignInBackend", "sign_in.oidc.OidcBackend"]
    yield made
    made.stop()


@pytest.fixture
def walk(provider: OidcProvider) -> Walk:
    """Return a function that takes a client to the provider and back, and gives the answer of the way back."""

    def go(client: Client, following: str = "") -> Any:
        begun = client.get("/accounts/oidc/", {"next": following} if following else {})
        assert begun.status_code == 302, begun.content.decode()
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(begun.headers["Location"]).query).items()
        }
        return client.get(provider.approve(query).partition("testserver")[2])

    return go
