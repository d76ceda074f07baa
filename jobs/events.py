"""What an operation tells while it runs: progress, findings and lines of its log."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from archive.findings import Finding, Level


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` units of the whole job (None: unknown), and the records so far."""

    step: str
    done: int = 0
    total: int | None = None
    records: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line for the job's log; `step` is empty for the step that is under way."""

    message: str
    level: Level = "info"
    step: str = ""


Event = Progress | Finding | Line


Steps = Generator[Event, None, dict[str, Any] | None]
"""An operation under way: its events, and at the end its result."""
