"""Drafts: the choices that a person has made so far in a wizard, saved in the session between its pages."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

MOST_DRAFTS = 12
"""Most drafts that a session holds; the oldest are dropped first."""


class Draft:
    """The choices of one wizard for one course or archive.

    `asked` are the values of options by name, `facts` everything else, such as the target of a restore. `job` is the id of
    the last job that was requested with them; the choices stay until it has succeeded.
    """

    def __init__(self, session: MutableMapping[str, Any], name: str) -> None:
        self._session = session
        self._name = name
        saved = session.get("drafts", {}).get(name, {})
        self.asked: dict[str, str] = dict(saved.get("asked", {}))
        self.facts: dict[str, Any] = dict(saved.get("facts", {}))
        self.job: int | None = saved.get("job")

    def save(self) -> None:
        """Save the choices in the session."""
        drafts = dict(self._session.get("drafts", {}))
        drafts.pop(self._name, None)
        drafts[self._name] = {"asked": self.asked, "facts": self.facts, "job": self.job}
        self._session["drafts"] = dict(list(drafts.items())[-MOST_DRAFTS:])

    def requested(self, job: int) -> None:
        """Save that a job was requested with these choices."""
        self.job = job
        self.save()

    def forget(self) -> None:
        """Forget all choices."""
        drafts = dict(self._session.get("drafts", {}))
        drafts.pop(self._name, None)
        self._session["drafts"] = drafts
        self.asked, self.facts, self.job = {}, {}, None
