"""Events: what an operation yields while it runs, namely progress, findings and lines for its log."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from archive.findings import Finding, Level


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: the current step, `done` of `total` steps (None: unknown), and the records so far."""

    step: str
    done: int = 0
    total: int | None = None
    records: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line for the job's log. An empty `step` stands for the current one."""

    message: str
    level: Level = "info"
    step: str = ""


Event = Progress | Finding | Line


Steps = Generator[Event, None, dict[str, Any] | None]
"""An operation under way: its events, and at the end its result."""
