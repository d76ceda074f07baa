"""Rehearsals as jobs: the review page of a restore asks for one, shows how far it is, and then what it has found.

A rehearsal is known by what it rehearses: the archive, the target, the options and the person's rights. One that is under way
or fresh is shown again; another one of the same person and archive is cancelled, since the choices have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q

from archive.errors import NotFound
from archive.findings import Finding
from courses.models import User
from jobs import events, operations, queue
from jobs.choices import Priority
from jobs.clock import database_now
from jobs.models import Job
from restore import rehearsal, services
from restore.request import RestoreRequest
from restore.services import ChosenRestore
from vault.models import StoredArchive

OPERATION = "rehearse"
FRESH = timedelta(minutes=15)
"""How long the result of a rehearsal is shown: the site changes meanwhile."""


@dataclass(frozen=True, slots=True)
class Rehearsable:
    """A restore that can be rehearsed, or that another `operation` looks at.

    `key` is the same for the same archive, target, options and rights, 64 hex digits.
    """

    operation: str
    archive: StoredArchive
    by: User
    title: str
    choice: ChosenRestore
    key: str


def rehearsable(
    archive: StoredArchive,
    *,
    by: User,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
    operation: str = OPERATION,
) -> Rehearsable:
    """Return the restore that these choices make. Raises as `services.request_restore` does."""
    manifest = services.manifest_of(archive)
    choice = services.choose(manifest, RestoreRequest(archive, by, target, options))
    facts = [
        operation,
        archive.pk,
        archive.sha256,
        choice.target.as_json(),
        choice.options,
        sorted(choice.may),
    ]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Rehearsable(operation, archive, by, manifest.original_course_fullname, choice, key)


def find(wanted: Rehearsable) -> Job | None:
    """Return the rehearsal of a restore that waits, runs, or has ended a short time ago; None if there is none."""
    job = queue.requested_before(wanted.by, wanted.key)
    return None if job is None or _outdated(job, wanted) else job


def _outdated(job: Job, wanted: Rehearsable) -> bool:
    """Whether a rehearsal has ended, and the site is not the same any more for all that is known."""
    if job.finished is None:
        return False
    restores = Q(requested_by=wanted.by) | Q(archive=wanted.archive)
    if wanted.choice.target.course is not None:
        restores |= Q(course=wanted.choice.target.course)
    since = job.started or job.created
    done = Job.objects.filter(restores, operation="restore", committed__gte=since)
    return job.finished < database_now() - FRESH or done.exists()


def ask(wanted: Rehearsable) -> Job:
    """Return the rehearsal of a restore that `find` finds, or request one and cancel the others of the archive."""
    if (there := find(wanted)) is not None:
        return there
    forget(wanted)
    others = Job.objects.filter(
        operation=wanted.operation, requested_by=wanted.by, archive=wanted.archive, state__in=Job.OPEN
    )
    for other in others.exclude(token=wanted.key):
        _end(other, wanted.by)
    return queue.request(
        wanted.operation,
        by=wanted.by,
        title=wanted.title,
        archive_type=wanted.archive.archive_type,
        options=wanted.choice.options,
        target=wanted.choice.target.as_json(),
        archive=wanted.archive,
        attempts=2,
        token=wanted.key,
    )


def forget(wanted: Rehearsable) -> None:
    """Let the next `ask` request a rehearsal, unless one is under way."""
    there = queue.requested_before(wanted.by, wanted.key)
    if there is not None and there.state not in Job.OPEN:
        queue.forget(there)


def stop(archive: StoredArchive, *, by: User, operation: str = OPERATION) -> None:
    """Cancel the rehearsals of an archive that are under way, since the person restores it now."""
    for job in Job.objects.filter(operation=operation, requested_by=by, archive=archive, state__in=Job.OPEN):
        _end(job, by)


def _end(job: Job, by: User) -> None:
    """Cancel a rehearsal. It is requested again if the person comes back to its choices."""
    queue.forget(job)
    queue.cancel(job, by=by)


@operations.operation(OPERATION, priority=Priority.WAITING, uses=("archives", "pool"))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Rehearse a restore; yield its events and return its result, in which `ready` is whether the restore would succeed.

    The rights are checked again. Raises NotFound if the archive is gone, NotAllowed, ArchiveError.
    """
    if job.archive is None:
        raise NotFound("The archive of this job is not there any more.", hint="Choose the archive again.")
    ready = True
    with services.opened(job.archive) as archive:
        context = services.prepare(archive, RestoreRequest.of(job, job.archive))
        for event in services.rehearse(context):
            if isinstance(event, Finding):
                ready = ready and not rehearsal.prevents(event)
            yield event
    # The course of a rehearsal is gone again.
    return {**context.report, "course_id": None, "ready": ready}
