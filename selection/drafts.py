"""Drafts: the choices that somebody has made so far in a wizard, kept in the session between its pages."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

KEPT = 12
"""Drafts that a session holds at most; the oldest go first."""


class Draft:
    """The choices of one wizard for one thing: `asked` are options, `facts` all else (a destination)."""

    def __init__(self, session: MutableMapping[str, Any], name: str) -> None:
        self._session = session
        self._name = name
        kept = session.get("drafts", {}).get(name, {})
        self.asked: dict[str, str] = dict(kept.get("asked", {}))
        self.facts: dict[str, Any] = dict(kept.get("facts", {}))

    def save(self) -> None:
        """Keep the choices as they are now."""
        drafts = dict(self._session.get("drafts", {}))
        drafts.pop(self._name, None)
        drafts[self._name] = {"asked": self.asked, "facts": self.facts}
        self._session["drafts"] = dict(list(drafts.items())[-KEPT:])

    def forget(self) -> None:
        """Drop the draft: it has become a job."""
        drafts = dict(self._session.get("drafts", {}))
        drafts.pop(self._name, None)
        self._session["drafts"] = drafts
