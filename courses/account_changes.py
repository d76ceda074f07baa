"""Changes to accounts: make, change, suspend and reactivate people, make administrators, and links to set a password.

Each function is one transaction and leaves an entry in the audit trail. Callers check that `by` is an administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from archive.errors import UsageError
from audit.trail import record
from courses.locks import lock_until_commit
from courses.models import User
from courses.password_tokens import password_tokens

USERNAME = re.compile(r"[a-z0-9._@-]{1,100}\Z")
EDITABLE = ("username", "firstname", "lastname", "email", "idnumber")
"""The columns of an account that the page of administrators shows and changes."""


@dataclass(frozen=True, slots=True)
class AccountFault:
    """A value that an account cannot have: the column, and the sentence that says why."""

    column: str
    sentence: str


def faults(values: dict[str, str], *, account: User | None = None) -> list[AccountFault]:
    """Return what is wrong with the values of an account; `account` is the one that is changed, None for a new one."""
    found = []
    # A deleted account keeps its user name, which no other one can have then.
    names = User.objects.exclude(pk=account.pk) if account is not None else User.objects.all()
    others = names.filter(deleted=0)
    name, address = values.get("username", ""), values.get("email", "")
    # Only a name that is entered now has to follow the rule: those of restored accounts are as they were elsewhere.
    if (account is None or name != account.username) and not USERNAME.match(name):
        found.append(
            AccountFault(
                "username", "Enter a user name of small letters, digits and the characters . _ @ - only."
            )
        )
    elif names.filter(username__iexact=name).exists():
        found.append(AccountFault("username", f"The user name {name} is taken. Choose another one."))
    try:
        validate_email(address)
    except ValidationError:
        found.append(AccountFault("email", "Enter the e-mail address, such as ada@example.org."))
    else:
        if others.filter(email__iexact=address).exists():
            found.append(
                AccountFault("email", f"The address {address} belongs to another account. Enter another one.")
            )
    for column, label in (("firstname", "first name"), ("lastname", "last name")):
        if not values.get(column):
            found.append(AccountFault(column, f"Enter the {label}."))
    for column in EDITABLE:
        length = getattr(User._meta.get_field(column), "max_length", None)
        if length and len(values.get(column, "")) > length:
            found.append(AccountFault(column, f"At most {length} characters fit here. Shorten it."))
    return found


def create_person(values: dict[str, str], *, by: User | None) -> User:
    """Make an account without a password; the person sets one by a link. Raises UsageError for values it cannot have."""
    _refuse(faults(values))
    with _taken_name(values), transaction.atomic():
        made = User.objects.create_user(**{name: values.get(name, "") for name in EDITABLE})
        record_of_account("account-created", made, by=by)
    return made


def create_vouched_person(values: dict[str, str], *, provider: str) -> User:
    """Make an account without a password for a person whom a provider of identities knows.

    The address and the last name may be missing: the provider may not know them. Raises UsageError as `create_person` does.
    """
    optional = {column for column in ("email", "lastname") if not values.get(column)}
    _refuse([fault for fault in faults(values) if fault.column not in optional])
    with _taken_name(values), transaction.atomic():
        made = User.objects.create_user(**{name: values.get(name, "") for name in EDITABLE})
        record_of_account("account-created", made, by=None, provider=provider)
    return made


def change_person(account: User, values: dict[str, str], *, by: User | None) -> list[str]:
    """Change columns of an account; return the names of those that changed. Raises UsageError as `create_person` does.

    A new e-mail address ends the account's sessions and password links for good: who reads the old one has no way in any more.
    """
    _refuse(faults(values, account=account))
    changed = [name for name in EDITABLE if getattr(account, name) != values.get(name, "")]
    with _taken_name(values), transaction.atomic():
        for name in changed:
            setattr(account, name, values.get(name, ""))
        if changed:
            account.save(update_fields=changed)
            if "email" in changed:
                revoke(account)
            record_of_account("account-changed", account, by=by, fields=changed)
    return changed


@contextmanager
def _taken_name(values: dict[str, str]) -> Iterator[None]:
    """Raise UsageError if another process took the user name meanwhile."""
    try:
        yield
    except IntegrityError as clash:
        raise UsageError(
            f"The user name {values['username']} is taken.", hint="Choose another one."
        ) from clash


@transaction.atomic
def set_suspended(account: User, suspended: bool, *, by: User | None) -> None:
    """Suspend an account, which ends its sessions and password links for good, or reactivate it.

    Raises UsageError for one's own account, and for the last administrator.
    """
    if suspended:
        _refuse_loss(account, by=by, what="suspend")
    if User.objects.filter(pk=account.pk, suspended=not suspended).update(suspended=suspended):
        if suspended:
            revoke(account)
        record_of_account("account-suspended" if suspended else "account-reactivated", account, by=by)
    account.suspended = suspended


@transaction.atomic
def set_administrator(account: User, administrator: bool, *, by: User | None) -> None:
    """Make somebody an administrator of the site, or end that. Raises UsageError as `set_suspended` does."""
    if not administrator:
        _refuse_loss(account, by=by, what="take the administration from")
    if User.objects.filter(pk=account.pk, is_superuser=not administrator).update(is_superuser=administrator):
        record_of_account("administrator-made" if administrator else "administrator-unmade", account, by=by)
    account.is_superuser = administrator


def revoke(account: User) -> None:
    """End the sessions and the password links of an account for good."""
    User.objects.filter(pk=account.pk).update(revocations=F("revocations") + 1)
    account.refresh_from_db(fields=["revocations"])


def password_link(account: User, *, by: User | None, how: str) -> tuple[str, str]:
    """Return the two parts of the address by which a person sets a password once: the coded id and the token.

    `how` it gets to the person is recorded: "mail" or "shown". Raises UsageError if the person may not sign in.
    """
    if not account.is_active:
        raise UsageError(f"{account} may not sign in.", hint="Reactivate the account first.")
    record_of_account("password-link", account, by=by, how=how)
    return urlsafe_base64_encode(force_bytes(account.pk)), password_tokens.make_token(account)


def record_password(account: User, *, by: User | None) -> None:
    """Record that a person has set a password."""
    record_of_account("password-changed", account, by=by)


def _refuse_loss(account: User, *, by: User | None, what: str) -> None:
    """Raise UsageError if the change would lock the person out who makes it, or leave the site without an administrator."""
    if by is not None and account.pk == by.pk:
        raise UsageError(f"You cannot {what} your own account.", hint="Ask another administrator.")
    # Two administrators who suspend one another at the same time wait for each other here.
    lock_until_commit("administrators")
    others = User.objects.filter(is_superuser=True, suspended=False, deleted=0).exclude(confirmed=0)
    if account.is_superuser and not others.exclude(pk=account.pk).exists():
        raise UsageError(
            f"{account} is the only administrator of the site.",
            hint="Make somebody else an administrator first.",
        )


def _refuse(found: list[AccountFault]) -> None:
    if found:
        raise UsageError(found[0].sentence)


def record_of_account(action: str, account: User, *, by: User | None, **details: Any) -> None:
    """Record an action on an account in the audit trail. `details` are values that JSON knows."""
    record(action, by=by, subject="account", subject_id=account.pk, title=str(account), **details)
