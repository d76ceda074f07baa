"""Decisions about people in an archive: the same person, a new account under another user name, or left out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from typing import Literal, NamedTuple, get_args

from archive.errors import UsageError

Choice = Literal["new", "here", "out"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
ALL_OTHERS = "*"
"""The user name that stands for all people in conflict about whom nothing else is decided."""

LONGEST_USERNAME = 100
_VALID_NAME = re.compile(r"[-.@_a-z0-9]+\Z")
_SITE_HASH = re.compile(r"[0-9a-f]{32}\Z")
_LONGEST_START = 60
_HINT = "Write NAME=new, NAME=new:OTHER_NAME, NAME=here or NAME=out for each person, separated by commas."


class PersonDecision(NamedTuple):
    """The choice for a person, and for a new account the user name that was chosen; empty: one is made."""

    choice: Choice
    username: str = ""

    @property
    def text(self) -> str:
        """The decision as the option `accounts` has it: `new:anna2`."""
        return f"{self.choice}:{self.username}" if self.username else self.choice


@dataclass(frozen=True)
class Decisions:
    """The decision for each user name, and for all others in conflict under `*`; `site_hash` is that of the archive's site.

    `own_admin` is True if the `admin` of another site gets an account of its own (rule 2A2). If not `may_create`, the decision
    to leave all others out is also one about those who would need a new account.
    """

    by_name: Mapping[str, PersonDecision] = field(default_factory=dict)
    site_hash: str = ""
    own_admin: bool = False
    may_create: bool = True

    def about(self, username: str) -> PersonDecision | None:
        """Return the decision about this person, in conflict or not; None if nobody decided about them by name."""
        return self.by_name.get(username)

    def in_conflict(self, username: str) -> PersonDecision | None:
        """Return the decision about a person in conflict; None if nobody decided."""
        return self.by_name.get(username, self.by_name.get(ALL_OTHERS))

    @property
    def leaves_new_out(self) -> bool:
        """Whether people who would need a new account are left out."""
        others = self.by_name.get(ALL_OTHERS)
        return not self.may_create and others is not None and others.choice == "out"

    def new_name(self, username: str, decision: PersonDecision) -> str:
        """Return the user name of a new account: the chosen one, else the name in the archive and the mark of its site."""
        return decision.username or name_with_site(username, self.site_hash)


def name_with_site(username: str, site_hash: str) -> str:
    """Return a user name followed by the hash of a site: `admin_0123...`."""
    valid = _SITE_HASH.match(site_hash)
    mark = site_hash if valid else md5(site_hash.encode(), usedforsecurity=False).hexdigest()
    return f"{username[:_LONGEST_START]}_{mark}"


def read_decisions(text: str) -> dict[str, PersonDecision]:
    """Return the decisions of the option `accounts`: `anna=new:anna2, boris=out, *=here`. Raises UsageError for anything else.

    A part that holds a comma stands in double quotes.
    """
    found: dict[str, PersonDecision] = {}
    for line in csv.reader([text], skipinitialspace=True):
        for part in filter(None, (part.strip() for part in line)):
            name, _, choice = (each.strip() for each in part.rpartition("="))
            if not name or not choice:
                raise UsageError(f"The option accounts cannot hold “{part}”.", hint=_HINT)
            found[name] = decision_of(name, choice)
    return found


def decision_of(name: str, text: str) -> PersonDecision:
    """Return the decision of a text such as `new:anna2` about a person. Raises UsageError."""
    choice, colon, username = text.partition(":")
    if choice not in CHOICES or (colon and choice != "new") or (colon and not username):
        raise UsageError(f"The option accounts cannot hold “{name}={text}”.", hint=_HINT)
    if username and name == ALL_OTHERS:
        raise UsageError(
            f"The option accounts cannot give all others the one user name “{username}”.",
            hint="Write *=new, and each gets a name of their own.",
        )
    if username:
        require_user_name(username)
    return PersonDecision(CHOICES[CHOICES.index(choice)], username)


def require_user_name(username: str) -> None:
    """Raise UsageError if a text cannot be the user name of a new account."""
    if not _VALID_NAME.match(username) or len(username) > LONGEST_USERNAME:
        raise UsageError(
            f"The option accounts cannot hold “{username[:LONGEST_USERNAME]}” as a user name.",
            hint=f"User names have small letters, digits and the signs - . _ @, and {LONGEST_USERNAME} characters at most.",
        )


def decisions_text(decisions: Mapping[str, PersonDecision]) -> str:
    """Return decisions as the option `accounts` has them, so that `read_decisions` gives them again."""
    return in_one_line(f"{name}={decision.text}" for name, decision in decisions.items())


def in_one_line(parts: Iterable[str]) -> str:
    """Return texts in one line, separated by commas; those that hold a comma or a quotation mark are quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(list(parts))
    return line.getvalue()
