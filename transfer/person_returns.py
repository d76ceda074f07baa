"""Returns of one person's work: it comes back from a stored archive of the course into the activity that is there."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from archive.errors import NotAllowed, NotFound
from archive.findings import Finding
from backup import services as backups
from courses.activities import types
from courses.capabilities import may
from courses.models import Activity, User
from courses.summaries import list_title
from jobs import events, operations, queue, runner
from jobs.models import Job
from restore import one_person, person_archives
from restore import services as restores
from restore.context import RestoreContext
from restore.person_records import joint_models
from restore.request import RestoreRequest
from transfer import versions
from vault.models import StoredArchive

BRING_IN = "moodle/restore:userinfo"
LISTED = 2000
"""So many people of an archive are looked for at most."""


def limits_of(activity: Activity) -> str:
    """Return what of an activity's type cannot be brought back for one person, as sentences; "" if all can."""
    if activity.modulename not in types():
        return (
            "The work of one person cannot be brought back: nobody has described activities of the type"
            f" “{activity.modulename}”, so it is not known whose their records are. Bring the whole activity back."
        )
    if joint := joint_models(activity.modulename):
        names = ", ".join(list_title(model, activity.modulename).lower() for model in joint)
        return (
            f"These have several authors and do not come back for one person: {names}. They do where they are"
            " one person's own. Bring the whole activity back to have them all."
        )
    return ""


def require_right(activity: Activity, *, by: User | None) -> None:
    """Raise NotAllowed unless a person may bring people's work into an activity; None is the site itself."""
    if by is not None and BRING_IN not in may(by, activity.course):
        raise NotAllowed(
            "You may not restore people's work into this course.",
            hint="Ask a manager of the course's category.",
        )


def people_in(activity: Activity, archive: StoredArchive, *, by: User) -> list[User]:
    """Return the people of this site in an archive of an activity's course who may have work there, by their names.

    Raises NotAllowed, NotFound if the archive does not hold the activity, UsageError if it does not say whose the work is.
    """
    require_right(activity, by=by)
    with restores.opened(archive) as opened:
        context = _prepared(opened, activity, archive, by=by)
        person_archives.require_possible(context, activity)
        listed = person_archives.people_listed(context)
    return accounts(listed)


def accounts(ids: Iterable[int]) -> list[User]:
    """Return the accounts with these ids that are not deleted, by their names, LISTED at most."""
    found = User.objects.filter(pk__in=list(ids), deleted=0)
    return list(found.order_by("lastname", "firstname", "pk")[:LISTED])


def request_person_return(
    activity: Activity,
    archive: StoredArchive,
    person: User,
    *,
    replace: bool = False,
    by: User,
    notify: bool = True,
    token: str = "",
) -> Job:
    """Check the rights and queue the return of a person's work; with `replace` it replaces what the person has there now.

    Raises NotAllowed, and NotFound if the archive does not hold the activity.
    """
    require_right(activity, by=by)
    options = versions.options_for(activity, archive, by=by)
    return queue.request(
        "bring_back_person",
        by=by,
        title=f"the work of {person} in {activity.title}",
        course=activity.course,
        archive_type="activity",
        item=activity.pk,
        archive=archive,
        options={"person": person.pk, "replace": replace, "restore": options},
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


def _prepared(opened: Any, activity: Activity, archive: StoredArchive, *, by: User | None) -> RestoreContext:
    """Return the context of the restore of one activity from an open archive. Raises as `people_in` does."""
    options = versions.options_for(activity, archive, by=by)
    return restores.prepare(opened, RestoreRequest(archive, by, {"course": activity.course_id}, options))


@operations.operation("bring_back_person")
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Bring a person's work back in one transaction; yield events, return the counts.

    What is replaced is stored first, in an archive of the activity. Raises NotFound if something of it is gone or the archive
    has nothing of the person, NotAllowed, UsageError if the person has work there and it is not to be replaced.
    """
    activity = Activity.objects.select_related("course", "section").filter(pk=job.item or 0).first()
    person = User.objects.filter(pk=job.options["person"]).first()
    if activity is None or person is None or job.archive is None:
        raise NotFound("The activity, the person or the archive of this job is not there any more.")
    by = job.requested_by
    require_right(activity, by=by)
    with restores.opened(job.archive) as opened:
        context = _prepared(opened, activity, job.archive, by=by)
        person_archives.require_possible(context, activity)
        work = one_person.PersonReturn(context, activity, person, bool(job.options["replace"]))
        if work.replace:
            yield from _store(job, activity)
        one_person.use_own_ids(work)
        return (yield from restores.carry_out_plans(job, context, one_person.plans(work), result=work.report))


def _store(job: Job, activity: Activity) -> Generator[events.Event, None, None]:
    """Back up an activity with all people's work as the site, by a job of its own; yield its events.

    Raises NotAllowed if the administrator has fixed that archives are without people.
    """
    inner = backups.request_backup(
        activity.course,
        by=None,
        archive_type="activity",
        item=activity.pk,
        options={"users": "1", "anonymize": "0"},
        notify=False,
    )
    done = yield from runner.run_within(inner.pk, worker=job.worker)
    yield Finding(
        "info",
        "old-content-kept",
        f"“{activity.title}” as it was before is in the archive “{done.archive.title if done.archive else ''}”.",
        hint="It is among the earlier versions of the activity.",
    )
