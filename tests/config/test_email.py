"""The mail server that an address stands for."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.email import email_from_url


def test_without_an_address_no_email_leaves_the_site() -> None:
    assert email_from_url("") == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "", "", False, False)),
        ("smtp://ann:p%40ss@mail.example:587?tls=1", ("mail.example", 587, "ann", "p@ss", False, True)),
        ("smtps://ann:x@[::1]", ("::1", 465, "ann", "x", True, False)),
    ],
)
def test_an_address_says_server_account_and_encryption(url: str, expected: tuple[object, ...]) -> None:
    found = email_from_url(url)
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_SSL", "USE_TLS")
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected
    assert found["EMAIL_TIMEOUT"] > 0


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://m:99999",
        "smtp://m?tls=yes",
        "smtp://m?x=1",
        "smtp://m?tls",
    ],
)
def test_any_other_address_is_refused_with_the_way_to_write_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="smtp://user:password@host"):
        email_from_url(url)
