"""The part of the review page that shows the rehearsal of a restore: how far it is, or its report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jobs import report
from jobs.models import Job
from jobs.report import FindingGroup
from jobs.result_facts import Fact, facts
from restore.rehearsal import NOT_LOOKED_AT

WAITING = "waiting"
"""The parameter of the page's address with which it only looks how far the rehearsal is."""

State = Literal["running", "ready", "stopped", "unfinished"]
"""`running`: waits or runs; `ready`: the restore would succeed; `stopped`: it would not; `unfinished`: nobody knows."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The rehearsal on the page.

    `percent` is 0 to 100, None while the total is unknown; `error` is the sentence of a failure; `made` is when it ended.
    `damaged` is whether all errors are in activities, which can be left out.
    """

    state: State
    job: Job | None = None
    percent: int | None = None
    groups: tuple[FindingGroup, ...] = ()
    facts: tuple[Fact, ...] = ()
    error: str = ""
    made: datetime | None = None
    damaged: bool = False

    @property
    def moving(self) -> bool:
        """Whether the page has to be fetched again."""
        return self.state == "running"


def checks(job: Job | None, *, stopped: bool) -> Checks:
    """Return what the page shows of a rehearsal; `stopped` says that an error of the choices prevents one."""
    if stopped:
        return Checks("stopped")
    if job is None:
        return Checks("unfinished")
    if not job.over:
        return Checks("running", job, report.percent(job))
    if job.state == Job.State.FAILED:
        return Checks("stopped", job, error=f"{job.error} {job.error_hint}".strip(), made=job.finished)
    if job.state == Job.State.CANCELLED:
        return Checks("unfinished", job, made=job.finished)
    found: list[Any] = list(job.findings.filter(attempt=job.attempts))
    groups = tuple(report.finding_groups(found))
    errors = [one for one in found if one.level == "error"]
    if errors:
        state: State = "stopped"
    else:
        state = "unfinished" if any(one.code == NOT_LOOKED_AT for one in found) else "ready"
    return Checks(
        state,
        job,
        groups=groups,
        facts=tuple(facts(job.result)),
        made=job.finished,
        damaged=bool(errors) and all(one.place.startswith("activities/") for one in errors),
    )
