"""Accounts of identities: the one that is linked, at the first sign-in the one that matches, or a new one.

An identity is what a provider vouches for: its own stable id of a person. Names and e-mail addresses change and are given to
others, so they are looked at once at most, and only where a setting allows it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from archive.errors import NotAllowed, UsageError
from courses import account_changes
from courses.locks import lock_until_commit
from courses.models import User
from sign_in.models import Identity
from sign_in.options import FirstSignIn

LOG = logging.getLogger(__name__)
LONGEST = 255
"""Characters of a stable id; OpenID Connect allows no more."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a provider about a person. `email` is "" unless the provider says that it is verified.

    `administrator` is None if the provider has no say in who administers the site.
    """

    provider: str
    subject: str
    username: str = ""
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    administrator: bool | None = None


class SignInRefused(NotAllowed):
    """The provider's person is not let in. `account` is the one concerned, if any, `claims` are what the provider said."""

    def __init__(self, message: str, *, hint: str = "", account: User | None = None) -> None:
        super().__init__(message, hint=hint)
        self.account = account
        self.claims: Claims | None = None

    def details(self) -> dict[str, str]:
        """Return the details of an entry in the audit trail: the reason, and whom an administrator can link."""
        found = {"reason": self.message}
        if self.claims is not None:
            found |= {"provider": self.claims.provider, "person": self.claims.subject}
        return found


def account_for(claims: Claims, first: FirstSignIn) -> User:
    """Return the account that an identity may sign in to. Raises SignInRefused.

    An account that is found or made at the first sign-in is linked to the identity.
    """
    try:
        return _account_for(claims, first)
    except SignInRefused as refused:
        refused.claims = claims
        raise


def _account_for(claims: Claims, first: FirstSignIn) -> User:
    if not 0 < len(claims.subject) <= LONGEST:
        raise SignInRefused(
            "The provider does not say who you are.", hint="Ask the administrator of this site."
        )
    with transaction.atomic():
        # Two first sign-ins of the same person at the same time wait for each other here.
        lock_until_commit(f"identity {claims.provider} {claims.subject}")
        found = Identity.objects.select_related("account").filter(
            provider=claims.provider, subject=claims.subject
        )
        linked = found.first()
        account = linked.account if linked is not None else _first_account(claims, first)
        if not account.is_active:
            raise SignInRefused(
                f"The account of {account} may not sign in.",
                hint="Ask the administrator of this site.",
                account=account,
            )
        _follow_group(account, claims)
    return account


def link(account: User, provider: str, subject: str, *, by: User | None) -> None:
    """Link an account to an identity. Raises UsageError if either is linked to another one."""
    if not 0 < len(subject) <= LONGEST:
        raise UsageError("The id of a person at a provider has 1 to 255 characters.")
    try:
        with transaction.atomic():
            Identity.objects.create(account=account, provider=provider, subject=subject)
            account_changes.record_of_account(
                "identity-linked", account, by=by, provider=provider, person=subject
            )
    except IntegrityError as clash:
        raise UsageError(
            f"{account} has an identity at {provider} already, or this identity belongs to another account.",
            hint="Unlink it first.",
        ) from clash


@transaction.atomic
def unlink(account: User, *, by: User | None) -> int:
    """Remove all identities of an account, so that it is matched anew, and return how many there were.

    If there were some, the sessions of the account end, whatever let them in, and so do its password links.
    """
    found = list(Identity.objects.filter(account=account))
    for one in found:
        one.delete()
        account_changes.record_of_account(
            "identity-unlinked", account, by=by, provider=one.provider, person=one.subject
        )
    if found:
        account_changes.revoke(account)
    return len(found)


def _first_account(claims: Claims, first: FirstSignIn) -> User:
    """Return the account that a new identity is linked to. Raises SignInRefused."""
    account = _match(claims, first)
    if account is None and first.create:
        account = _create(claims)
    if account is None:
        raise SignInRefused(
            "This site has no account for you.",
            hint="Ask the administrator of this site to link or make one.",
        )
    if account.is_active:
        link(account, claims.provider, claims.subject, by=account)
    return account


def _match(claims: Claims, first: FirstSignIn) -> User | None:
    """Return the account that matches, None if there is none. Raises SignInRefused if it may not be linked by a match."""
    others = User.objects.filter(deleted=0)
    if first.match == "email" and claims.email:
        found = [
            one for one in others.filter(email__iexact=claims.email) if _same_text(one.email, claims.email)
        ]
    elif first.match == "username" and claims.username:
        found = [
            one
            for one in others.filter(username__iexact=claims.username)
            if _same_text(one.username, claims.username)
        ]
    else:
        return None
    if not found:
        return None
    account = found[0]
    others_there = account.identities.all()
    if first.match == "username":
        others_there = others_there.filter(provider=claims.provider)
    # An address that another provider gave the account may be one that nobody has verified.
    if len(found) > 1 or others_there.exists():
        raise SignInRefused(
            "The account with your name or address belongs to another identity.",
            hint="Ask the administrator of this site.",
            account=account,
        )
    if account.is_superuser and not claims.administrator:
        raise SignInRefused(
            "An administrator's account is not linked by a name or an address.",
            hint="Run `manage.py accounts link` on the server.",
            account=account,
        )
    return account


def _same_text(one: str, other: str) -> bool:
    """Whether two names or addresses are the same. Only ASCII letters of different case are: others fold into strange ones."""
    if one.isascii() and other.isascii():
        return one.lower() == other.lower()
    return one == other


def _create(claims: Claims) -> User:
    """Make an account without a password. Raises SignInRefused if its name or address is taken or cannot be."""
    values = {
        "username": claims.username.lower(),
        "email": claims.email,
        "firstname": claims.firstname[:100] or claims.username[:100],
        "lastname": claims.lastname[:100],
    }
    try:
        return account_changes.create_vouched_person(values, provider=claims.provider)
    except UsageError as error:
        raise SignInRefused(
            f"No account could be made for you: {error.message}", hint="Ask the administrator of this site."
        ) from error


def _follow_group(account: User, claims: Claims) -> None:
    """Make or unmake an administrator as the provider's group says. The last administrator stays one."""
    if claims.administrator is None or claims.administrator == account.is_superuser:
        return
    try:
        account_changes.set_administrator(account, claims.administrator, by=None)
    except UsageError as error:
        LOG.warning("%s is not in the provider's group of administrators, and stays one: %s", account, error)
