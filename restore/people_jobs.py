"""Jobs that find out who the people of an archive are here, for the page “People and roles”: a page opens no archive."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import Any

from archive.errors import NotFound
from courses.models import User
from jobs import events, operations
from jobs.choices import Priority
from jobs.models import Job
from restore import rehearsal_jobs, services
from restore.found_people import FoundPeople, find_people
from restore.rehearsal_jobs import Rehearsable
from restore.request import RestoreRequest
from vault.models import StoredArchive

OPERATION = "match_people"
KEPT = timedelta(days=1)
"""How long what was found about people is stored: so long can a page that shows it be answered."""

DECISIONS = ("accounts", "roles")
"""The options that the page decides about. What it shows does not depend on them."""


def wanted(
    archive: StoredArchive, *, by: User, target: Mapping[str, Any], options: Mapping[str, Any]
) -> Rehearsable:
    """Return the restore whose people are asked about. Raises as `services.request_restore` does."""
    others = {name: value for name, value in options.items() if name not in DECISIONS}
    return rehearsal_jobs.rehearsable(archive, by=by, target=target, options=others, operation=OPERATION)


def found_by(job: Job) -> FoundPeople | None:
    """Return what a job has found; None if it did not succeed."""
    return FoundPeople.from_json(job.result) if job.state == Job.State.SUCCEEDED else None


@operations.operation(OPERATION, priority=Priority.WAITING, result_kept=KEPT, uses=("archives",))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Match the people and roles of an archive with those here; yield progress, and return `FoundPeople` as JSON.

    The rights are checked again. Raises NotFound if the archive is gone, NotAllowed, ArchiveError.
    """
    if job.archive is None:
        raise NotFound("The archive of this job is not there any more.", hint="Choose the archive again.")
    yield events.Progress("Look who the people of the archive are")
    with services.opened(job.archive) as archive:
        context = services.prepare(archive, RestoreRequest.of(job, job.archive))
        return find_people(context).as_json()
