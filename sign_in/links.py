"""Links to sign in once, which a command makes on the server: the way in where no password and no provider helps."""

from __future__ import annotations

from django.core import signing
from django.db import transaction
from django.utils.crypto import salted_hmac

from archive.errors import UsageError
from courses.account_changes import record_of_account
from courses.models import User

LASTS = 600
"""Seconds for which a link can be used."""

_SALT = "sign_in.links"


@transaction.atomic
def make_token(account: User) -> str:
    """Return the token of a link. Raises UsageError if the person may not sign in."""
    if not account.is_active:
        raise UsageError(f"{account} may not sign in.", hint="Reactivate the account first.")
    record_of_account("sign-in-link", account, by=None)
    return signing.dumps([account.pk, _state(account)], salt=_SALT)


def account_of(token: str, *, lock: bool = False) -> User | None:
    """Return the person whom a link lets in; None if it was used, is too old, or the person may not sign in.

    With `lock`, in a transaction, others who have the same link wait until that ends, and find it used.
    """
    try:
        pk, state = signing.loads(token, salt=_SALT, max_age=LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    people = User.objects.select_for_update() if lock else User.objects.all()
    account = people.filter(pk=pk).first()
    if account is None or not account.is_active or state != _state(account):
        return None
    return account


def _state(account: User) -> str:
    """Return a digest that changes when the person signs in, gets another password, or is suspended."""
    text = f"{account.last_login}:{account.get_session_auth_hash()}"
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()
