"""Jobs that open an archive for a page and find its people: those in conflict of an entry of the bin, or an activity's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Generator
from typing import Any

from archive.errors import NotFound
from courses.models import Activity, User
from jobs import events, operations, queue
from jobs.choices import Priority
from jobs.clock import database_now
from jobs.models import Job
from restore.people_jobs import KEPT
from restore.rehearsal_jobs import FRESH
from transfer import person_returns, returns
from vault.models import StoredArchive

OPERATION = "find_people"


def ask(
    archive: StoredArchive,
    *,
    by: User,
    title: str,
    rights: Collection[str],
    activity: Activity | None = None,
    shown: int | None = None,
    answered: bool = False,
) -> Job:
    """Return the job that finds the people whom an archive lists for an activity, or else those in conflict.

    It is requested unless one of the same `rights`, those of the person there, is under way or has succeeded a short time ago.
    `shown` is the id of a job for which a page has waited: it is returned if it failed, too. With `answered` a form about what
    a job has found was sent: that job is returned however long ago it was. Call it after the person's rights were checked.
    """
    facts = [OPERATION, archive.pk, archive.sha256, activity.pk if activity else 0, sorted(rights)]
    token = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    there = queue.requested_before(by, token)
    if there is not None and there.finished is not None:
        succeeded = there.state == Job.State.SUCCEEDED
        recent = there.finished >= database_now() - FRESH
        if (succeeded and answered) or (recent and (succeeded or there.pk == shown)):
            return there
        queue.forget(there)
    return queue.request(
        OPERATION,
        by=by,
        title=title,
        course=activity.course if activity else archive.course,
        archive_type=archive.archive_type,
        item=activity.pk if activity else None,
        archive=archive,
        attempts=2,
        token=token,
    )


@operations.operation(OPERATION, priority=Priority.WAITING, result_kept=KEPT, uses=("archives",))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Find the people; return `{"people": ids of accounts}` for an activity, else `FoundPeople` as JSON.

    The rights are checked again. Raises NotFound if what it is about is gone, NotAllowed, UsageError, ArchiveError.
    """
    yield events.Progress("Look who the people of the archive are")
    if job.archive is None or job.requested_by is None:
        raise NotFound("The archive of this job is not there any more.", hint="Choose another archive.")
    if job.item is None:
        entry = returns.items().filter(archive=job.archive).first()
        if entry is None:
            raise NotFound("It is not in the recycle bin any more.", hint="Look whether it is back already.")
        return returns.find_people_in(entry, by=job.requested_by).as_json()
    activity = Activity.objects.select_related("course").filter(pk=job.item).first()
    if activity is None:
        raise NotFound(
            "The activity of this job is not there any more.", hint="Look in the recycle bin of the course."
        )
    listed = person_returns.people_in(activity, job.archive, by=job.requested_by)
    return {"people": [one.pk for one in listed]}
