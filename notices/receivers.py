"""Receivers of notices: administrators' addresses, people who want them, and web hooks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from courses.models import User
from notices.models import NoticeChoice, WebHook

Wish = Literal["failures", "summaries"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """An e-mail address, of a person or of the site's administration, or a web hook."""

    address: str = ""
    person: User | None = None
    hook: WebHook | None = None


def administrators(wish: Wish) -> list[Receiver]:
    """Return the addresses of the setting ADMINISTRATOR_ADDRESSES; without one, those of the administrators who want it.

    Empty if the site sends no e-mail.
    """
    if not settings.EMAIL_IS_SET:
        return []
    if settings.ADMINISTRATOR_ADDRESSES:
        return [Receiver(address) for address in settings.ADMINISTRATOR_ADDRESSES]
    return people(User.objects.filter(is_superuser=True), wish)


def people(accounts: Iterable[User | None], wish: Wish) -> list[Receiver]:
    """Return those of the people who may sign in, have an address, and did not turn these notices off."""
    if not settings.EMAIL_IS_SET:
        return []
    found = {one.pk: one for one in accounts if one is not None and one.is_active and one.email}
    off = set(
        NoticeChoice.objects.filter(person__in=found, **{wish: False}).values_list("person_id", flat=True)
    )
    return [Receiver(one.email, one) for one in found.values() if one.pk not in off]


def hooks() -> list[Receiver]:
    """Return the web hooks that are on."""
    return [Receiver(hook=hook) for hook in WebHook.objects.filter(enabled=True)]


def without_repeats(receivers: Iterable[Receiver]) -> list[Receiver]:
    """Return the receivers, each address once, however it is written."""
    found: dict[tuple[str, int | None], Receiver] = {}
    for one in receivers:
        found.setdefault((one.address.casefold(), one.hook.pk if one.hook else None), one)
    return list(found.values())


def not_among(receivers: Iterable[Receiver], others: Iterable[Receiver]) -> list[Receiver]:
    """Return the receivers whose address or web hook none of the others has, each once."""
    return without_repeats([*others, *receivers])[len(without_repeats(others)) :]
