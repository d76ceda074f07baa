"""Tokens of the links by which people set a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator


class PasswordTokens(PasswordResetTokenGenerator):
    """Tokens that end with the next password, e-mail address, sign-in or revocation of the account, or by their age."""

    key_salt = "courses.password_tokens.PasswordTokens"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.revocations}:{super()._make_hash_value(user, timestamp)}"


password_tokens = PasswordTokens()
