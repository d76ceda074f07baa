"""Returns of one person's work: it comes back from a stored archive of the course into the activity that is there."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from archive.errors import NotAllowed, NotFound, PrecheckFailed
from archive.findings import Finding, errors_among
from backup import services as backups
from courses.activities import types
from courses.capabilities import may
from courses.models import Activity, User
from courses.summaries import list_title
from jobs import events, operations, queue, runner
from jobs.choices import Priority
from jobs.models import Job
from restore import files, one_person, person_archives
from restore import services as restores
from restore.context import RestoreContext
from restore.old_content import everything_asked
from restore.origin import BRING_IN
from restore.person_records import digest_of, joint_models
from restore.person_return import PersonReturn
from restore.request import RestoreRequest
from selection.selection import Selection
from transfer import versions
from vault.manifests import manifest_of
from vault.models import StoredArchive

OF_PEOPLE = ("users", "texts", "files", "comments", "userscompletion", "xapistate")
"""The options of a backup without which a part of people's work would not be in it."""

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
    if by is not None and BRING_IN not in may(by, activity):
        raise NotAllowed(
            "You may not restore people's work into this activity.",
            hint="Ask a manager of the course.",
        )


def people_in(activity: Activity, archive: StoredArchive, *, by: User) -> list[User]:
    """Return the people of this site in an archive of an activity's course who may have work there, by their names.

    Raises NotAllowed, NotFound if the archive does not hold the activity, UsageError if it does not say whose the work is.
    """
    require_right(activity, by=by)
    with restores.opened(archive) as opened:
        context = _prepared(opened, activity, archive, by=by)
        person_archives.require_possible(context, activity)
        listed = person_archives.people_listed(context, activity)
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
    """Check the rights and the archive's manifest, and queue the return of a person's work.

    With `replace` it replaces what the person has there now. Raises NotAllowed, also if that could not be stored whole before,
    NotFound if the archive does not hold the activity, UsageError if it does not say whose the work is or was made without what
    people wrote.
    """
    require_right(activity, by=by)
    if replace:
        _whole(activity)
    options = versions.options_for(activity, archive, by=by)
    person_archives.require_names(manifest_of(archive), archive)
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


@operations.operation("bring_back_person", priority=Priority.RESTORE, uses=("archives", "pool"))
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
        person_archives.require_listed(context, activity, person)
        work = PersonReturn(context, activity, person, bool(job.options["replace"]))
        found = list(files.review_contents(context))
        if errors_among(found):
            raise PrecheckFailed(found)
        yield from found
        if work.replace:
            work.digest = digest_of(activity, person.pk)
            yield from _store_once(job, activity, work.digest)
        one_person.use_own_ids(work)
        return (yield from restores.carry_out_plans(job, context, one_person.plans(work), result=work.report))


def _store_once(job: Job, activity: Activity, digest: str) -> Generator[events.Event, None, None]:
    """Store an activity before a person's work in it is replaced; yield the events, and a finding about the archive.

    The archive of an earlier attempt serves if the work still has the digest that it had then. Raises as `_store` does.
    """
    stored = job.options.get("stored", {})
    archive = StoredArchive.objects.filter(pk=stored.get("archive", 0)).first()
    if archive is None or stored["digest"] != digest:
        archive = yield from _store(job, activity)
        job.options = {**job.options, "stored": {"archive": archive.pk, "digest": digest}}
        Job.objects.filter(pk=job.pk).update(options=job.options)
    yield Finding(
        "info",
        "old-content-kept",
        f"“{activity.title}” as it was before is in the archive “{archive.title}”.",
        hint="It is among the earlier versions of the activity.",
    )


def _store(job: Job, activity: Activity) -> Generator[events.Event, None, StoredArchive]:
    """Back up an activity with all that belongs to it as the site, by a job of its own; yield its events, return the archive.

    Raises NotAllowed if the administrator has fixed that archives are without something of people's work.
    """
    inner = backups.request_backup(
        activity.course,
        by=None,
        archive_type="activity",
        item=activity.pk,
        options=_whole(activity),
        notify=False,
    )
    done = yield from runner.run_within(inner.pk, worker=job.worker)
    if done.archive is None:
        raise NotFound("The copy of the activity is not there any more.", hint="Try again.")
    return done.archive


def _whole(activity: Activity) -> dict[str, str]:
    """Return the options of a backup of an activity with all that the site allows.

    Raises NotAllowed if that is not all of people's work: it could not be had again.
    """
    asked = everything_asked("activity")
    settings = backups.resolve_options(
        activity.course, by=None, archive_type="activity", item=activity.pk, options=asked, strict=False
    )
    selection = Selection(settings, "backup", "activity")
    lacking = [name for name in OF_PEOPLE if not selection.allows(name)]
    if lacking or selection.anonymous or not selection.with_userdata(f"{activity.modulename}_{activity.pk}"):
        fixed = ", ".join(lacking) or ("anonymize" if selection.anonymous else "userinfo")
        raise NotAllowed(
            f"“{activity.title}” cannot be stored whole before work in it is replaced: the site's options of backups are fixed"
            f" otherwise ({fixed}).",
            hint="Ask the administrator to unlock them, or bring back the whole activity beside the one that is there.",
        )
    return {name: value for name, value in asked.items() if settings.on(name) == (value == "1")}
