"""`manage.py accounts`: the ways in for somebody who cannot sign in, and the identities of accounts."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.urls import reverse

from archive.errors import NotFound, UsageError
from courses.models import User
from jobs.commands import Answer, JsonCommand
from sign_in import identities, links, second_factor
from sign_in.options import LDAP
from sign_in.provider import provider

ACTIONS = ("show", "sign-in-link", "reset-second-factor", "link", "unlink")


class Command(JsonCommand):
    """Show how a person signs in, let the person in once, remove a second factor, or link and unlink identities."""

    help = "Help somebody who cannot sign in: a link to sign in once, without the lost second factor, by another identity."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("username", metavar="USERNAME", help="the user name of the account")
        parser.add_argument(
            "--provider",
            metavar="PROVIDER",
            help=f"for link: {LDAP}, or the issuer; the issuer of the settings if not given",
        )
        parser.add_argument(
            "--person",
            metavar="ID",
            help="for link: the id of the person at the provider, as the audit trail has it after a refused sign-in",
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        """Do the action. Raises NotFound for an account that is not there, UsageError for what cannot be done."""
        if options["action"] != "link" and (options["provider"] or options["person"]):
            raise UsageError("--provider and --person are for `link`.")
        account = User.objects.filter(username=options["username"], deleted=0).first()
        if account is None:
            raise NotFound(f"There is no account “{options['username']}”.")
        if options["action"] == "link":
            return _link(account, options)
        return _DOORS[options["action"]](account)


def _show(account: User) -> Answer:
    device = second_factor.device_of(account)
    found = list(account.identities.order_by("provider"))
    data = {
        "username": account.username,
        "may_sign_in": account.is_active,
        "administrator": account.is_superuser,
        "password": account.has_usable_password(),
        "second_factor": device is not None,
        "recovery_codes": account.recovery_codes.count(),
        "identities": [{"provider": one.provider, "person": one.subject} for one in found],
    }
    lines = [
        f"{account} ({account.username}): {'may' if account.is_active else 'may not'} sign in",
        f"administrator: {'yes' if account.is_superuser else 'no'}",
        f"password: {'yes' if data['password'] else 'no'}",
        f"second factor: {'yes' if device else 'no'}, {data['recovery_codes']} recovery codes left",
        *(f"identity: {one}" for one in found),
    ]
    return Answer(data, lines)


def _sign_in_link(account: User) -> Answer:
    address = settings.SITE_URL + reverse("sign-in-link", args=[links.make_token(account)])
    minutes = links.LASTS // 60
    return Answer(
        {"address": address, "seconds": links.LASTS},
        [f"{account} signs in with this address, once, within {minutes} minutes:", address],
    )


def _reset_second_factor(account: User) -> Answer:
    removed = second_factor.remove(account, by=None)
    said = "was removed" if removed else "was not there"
    return Answer({"removed": removed}, [f"The second factor of {account} {said}."])


def _link(account: User, options: dict[str, Any]) -> Answer:
    issuer = _as_the_provider_says(options["provider"] or (settings.OIDC.issuer if settings.OIDC else ""))
    if not issuer or not options["person"]:
        raise UsageError(
            "`link` wants the provider and the person.",
            hint="Say --person, and --provider where OpenID Connect is not set up.",
        )
    identities.link(account, issuer, options["person"], by=None)
    return Answer(
        {"provider": issuer, "person": options["person"]},
        [f"{account} is {options['person']} at {issuer} now."],
    )


def _as_the_provider_says(issuer: str) -> str:
    """Return an issuer as the provider writes itself, which identities have: the settings may lack a slash at its end.

    Raises ProviderSilent where it is that of the settings, and does not answer.
    """
    if settings.OIDC is None or issuer.rstrip("/") != settings.OIDC.issuer.rstrip("/"):
        return issuer
    return provider().issuer


def _unlink(account: User) -> Answer:
    number = identities.unlink(account, by=None)
    return Answer({"unlinked": number}, [f"{number} identities of {account} were unlinked."])


_DOORS = {
    "show": _show,
    "sign-in-link": _sign_in_link,
    "reset-second-factor": _reset_second_factor,
    "unlink": _unlink,
}
