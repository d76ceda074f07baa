"""Decisions about people in an archive whose user name belongs to somebody else here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from typing import Literal, get_args

from archive.errors import UsageError

Decision = Literal["new", "here"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

_SITE_HASH = re.compile(r"[0-9a-f]{32}\Z")
_LONGEST_START = 60


@dataclass(frozen=True)
class Decisions:
    """The choice for each user name, and for all others under `*`; `site_hash` is that of the archive's site.

    `own_admin` is True if the `admin` of another site gets an account of its own (rule 2A2).
    """

    by_name: Mapping[str, Decision] = field(default_factory=dict)
    site_hash: str = ""
    own_admin: bool = False

    def of(self, username: str) -> Decision | None:
        """Return the decision about a person; None if nobody decided."""
        return self.by_name.get(username, self.by_name.get("*"))

    def new_name(self, username: str) -> str:
        """Return the user name that a person gets here whose name is taken: the name, and the mark of the site."""
        return name_with_site(username, self.site_hash)


def name_with_site(username: str, site_hash: str) -> str:
    """Return a user name followed by the hash of a site: `admin_0123...`."""
    valid = _SITE_HASH.match(site_hash)
    mark = site_hash if valid else md5(site_hash.encode(), usedforsecurity=False).hexdigest()
    return f"{username[:_LONGEST_START]}_{mark}"


def read_decisions(text: str) -> dict[str, Decision]:
    """Return the decisions of the option `accounts`: `anna=new, *=here`. Raises UsageError for anything else."""
    found: dict[str, Decision] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, choice = (each.strip() for each in part.rpartition("="))
        if not name or choice not in DECISIONS:
            raise UsageError(
                f"The option accounts cannot hold “{part}”.",
                hint="Write NAME=new or NAME=here for each person, separated by commas.",
            )
        found[name] = DECISIONS[DECISIONS.index(choice)]
    return found
