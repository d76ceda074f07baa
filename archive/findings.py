"""Findings of prechecks, verification and restores, as data that pages and commands show alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Level = Literal["error", "warning", "info"]


def level_named(name: str) -> Level:
    """Return the level of that name. Raises ValueError if there is none."""
    levels: tuple[Level, ...] = get_args(Level)
    return levels[levels.index(name)]


@dataclass(frozen=True, slots=True)
class Finding:
    """One message of a precheck, a verification or a run.

    `code` is stable and machine-readable, `place` says where in the archive (member, element, id),
    `hint` what to do about it. An error stops a restore before anything is written. `about` is the section or activity that it
    is about, by its name as an owner (`forum_7`), and `bring` the activity that would mend it if it came along.
    """

    level: Level
    code: str
    message: str
    place: str = ""
    hint: str = ""
    about: str = ""
    bring: str = ""

    def sentence(self) -> str:
        """Return one line: the place, the message and the hint."""
        place = f"{self.place}: " if self.place else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"

    def as_dict(self) -> dict[str, str]:
        """Return the finding for JSON."""
        return asdict(self)


def errors_among(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings of level "error", which stop an operation."""
    return [finding for finding in findings if finding.level == "error"]
