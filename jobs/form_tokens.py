"""Tokens of forms that ask for a job: a form that is sent twice, as by a double click, makes one job."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.utils.html import format_html

FIELD = "token"


def token_field() -> str:
    """Return the hidden field with a new token, as HTML."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, secrets.token_hex(16))


def sent_token(fields: Mapping[str, str]) -> str:
    """Return the token among the fields of the form that was sent; "" if it has none, and then each form makes a job."""
    token = fields.get(FIELD, "")
    return token if len(token) <= 64 and token.isascii() and token.isalnum() else ""
