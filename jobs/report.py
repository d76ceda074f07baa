"""Progress and findings of a job, in the form in which pages and commands show them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from django.db.models import Model, QuerySet

from jobs.models import Job

M = TypeVar("M", bound=Model)

SHOWN_OF_A_KIND = 20
"""Findings of one group that are shown; the others are counted."""


StepState = Literal["ok", "run", "bad"]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a job: its state, its duration so far in seconds, its number of records, and the icon's name."""

    title: str
    state: StepState
    seconds: float
    records: int
    symbol: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a job's log: when it was written, its level, and its text."""

    at: datetime | None
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings with the same level and hint: `title` is the hint, `more` the number of findings that are not shown."""

    level: str
    code: str
    title: str
    findings: tuple[Any, ...]
    more: int = 0


def step_lines(job: Job, *, now: float | None = None) -> list[StepLine]:
    """Return the steps that the job's current attempt has started, in order. `now` is in epoch seconds."""
    moment = time.time() if now is None else now
    lines = []
    for number, step in enumerate(job.steps):
        last = number == len(job.steps) - 1
        finished = step.get("finished")
        state: StepState = "ok"
        if last and job.state == Job.State.RUNNING:
            state = "run"
        elif last and job.state in (Job.State.FAILED, Job.State.CANCELLED):
            state = "bad"
        until = moment if state == "run" or finished is None else finished
        symbol = {"ok": "ok", "run": "running", "bad": "failed"}[state]
        if state == "bad" and job.state == Job.State.CANCELLED:
            symbol = "cancelled"
        lines.append(
            StepLine(step["step"], state, max(0.0, until - step["started"]), step["records"], symbol)
        )
    return lines


def log_lines(job: Job, *, most: int | None = None) -> list[LogLine]:
    """Return the log of a job: the request, the steps, what the operation said, findings, and the end.

    It is read off the job's rows, so that a job that has ended has its log as well. With `most` only so many of the last
    things that the operation said, and of its findings, are read, and so the beginning may be missing.
    """
    lines = [LogLine(job.created, "info", "Requested.")]
    if job.started is not None:
        worker = f" by the worker {job.worker}" if job.worker else ""
        attempt = f", attempt {job.attempts} of {job.attempts_allowed}" if job.attempts > 1 else ""
        lines.append(LogLine(job.started, "info", f"Started{worker}{attempt}."))
    said = [LogLine(line.at, line.level, line.message) for line in _last(job.lines.all(), most)]
    for step in job.steps:
        records = step["records"]
        number = f": {records:,} record{'' if records == 1 else 's'}" if records else ""
        moment = datetime.fromtimestamp(step["started"], UTC)
        said.append(LogLine(moment, "info", f"{step['step']}{number}."))
    lines += sorted(said, key=lambda line: line.at or job.created)
    for finding in _last(job.findings.filter(attempt=job.attempts), most):
        where = f"{finding.place}: " if finding.place else ""
        hint = f" {finding.hint}" if finding.hint else ""
        lines.append(LogLine(None, finding.level, f"{where}{finding.message}{hint}"))
    if job.over:
        lines.append(_last_line(job))
    return lines


def _last(rows: QuerySet[M], most: int | None) -> list[M]:
    """Return the last `most` rows in their order, or all."""
    return list(rows) if most is None else list(rows.order_by("-pk")[:most])[::-1]


def _last_line(job: Job) -> LogLine:
    """Return the line of a log that says how the job ended."""
    if job.state == Job.State.SUCCEEDED:
        return LogLine(job.finished, "info", "Done.")
    level = "error" if job.state == Job.State.FAILED else "info"
    said = " ".join(part for part in (job.error, job.error_hint) if part)
    return LogLine(job.finished, level, said or "It ended without a word on why.")


def percent(job: Job) -> int | None:
    """Return the part of the job that is done, 0 to 100; None while the total is unknown."""
    fraction = job.fraction
    return None if fraction is None else int(fraction * 100)


def seconds_taken(job: Job, *, now: float | None = None) -> float | None:
    """Return the seconds that the job has run so far, or ran; None if it never started. `now` is in epoch seconds."""
    if job.started is None:
        return None
    end = job.finished.timestamp() if job.finished else (time.time() if now is None else now)
    return max(0.0, end - job.started.timestamp())


_ORDER = {"error": 0, "warning": 1, "info": 2}


_TITLES = {
    "error": "Has to be put right first",
    "warning": "Look at these",
    "info": "Good to know",
}


def finding_groups(findings: Iterable[Any]) -> list[FindingGroup]:
    """Group findings (or rows like them) by level and hint, errors first."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for finding in findings:
        groups.setdefault((finding.level, finding.hint or ""), []).append(finding)
    ordered = sorted(groups.items(), key=lambda entry: _ORDER.get(entry[0][0], 3))
    return [
        FindingGroup(
            level=level,
            code=found[0].code,
            title=hint or _TITLES.get(level, ""),
            findings=tuple(found[:SHOWN_OF_A_KIND]),
            more=max(0, len(found) - SHOWN_OF_A_KIND),
        )
        for (level, hint), found in ordered
    ]
