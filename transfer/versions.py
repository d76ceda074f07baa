"""Earlier versions: bring back one activity as it was, from a stored archive of its course, next to the one that is there."""

from __future__ import annotations

from archive.errors import CoursekeepError, NotAllowed, NotFound
from archive.manifest import Manifest
from courses.models import Activity, User
from jobs.models import Job
from restore import services as restores
from selection.items import items_of_archive, owners_around, owners_inside
from vault import catalogue
from vault.manifests import manifest_of
from vault.models import StoredArchive


def versions_of(activity: Activity, *, by: User) -> list[StoredArchive]:
    """Return the archives of an activity's course that may hold it and that a person may restore, the newest first.

    Those of sections are among them if they list the activity. Uploads are not among them: ids in them may mean something else.
    """
    found = (
        catalogue.archives_seen(by).filter(course=activity.course).exclude(source=StoredArchive.Source.UPLOAD)
    )
    archives = [one for one in found if _may_hold(one, activity)]
    allowed = catalogue.access(by, archives)
    return [one for one in archives if allowed[one.pk].restore]


def _may_hold(archive: StoredArchive, activity: Activity) -> bool:
    """Whether an archive may hold an activity: one of the course, one of the activity, one of a section that lists it."""
    if archive.archive_type != "section":
        return archive.archive_type == "course" or archive.item == activity.pk
    try:
        return _name(activity) in {item.owner for item in items_of_archive(manifest_of(archive))}
    except CoursekeepError:
        # Nothing comes back from an archive whose manifest cannot be read.
        return False


def _name(activity: Activity) -> str:
    """Return the name of an activity in the archives of its course."""
    return f"{activity.modulename}_{activity.pk}"


def request_version(activity: Activity, archive: StoredArchive, *, by: User, token: str = "") -> Job:
    """Queue the restore of one activity from an archive of its course; nothing that is there is changed.

    Raises NotAllowed, and NotFound if the archive does not hold the activity.
    """
    options = options_for(activity, archive, by=by)
    return restores.request_restore(
        archive,
        by=by,
        target={"course": activity.course_id, "beside": activity.pk},
        options=options,
        token=token,
    )


def options_for(activity: Activity, archive: StoredArchive, *, by: User | None) -> dict[str, str]:
    """Return the options that restore one activity only from an archive of its course.

    `by` is None for the site itself. Raises NotAllowed, and NotFound if the archive does not hold the activity.
    """
    if by is not None and archive not in versions_of(activity, by=by):
        raise NotAllowed(
            f"You may not restore “{activity.title}” from that archive.",
            hint="Choose an archive of the list of earlier versions.",
        )
    manifest = manifest_of(archive)
    return _others_out(manifest, activity) if manifest.archive_type != "activity" else {}


def _others_out(manifest: Manifest, activity: Activity) -> dict[str, str]:
    """Return the options that leave out all of an archive but one activity, with what is around and inside it."""
    items = items_of_archive(manifest)
    wanted = _name(activity)
    if wanted not in {item.owner for item in items}:
        raise NotFound(
            f"The archive does not hold “{activity.title}”: it was made before the activity, or without it.",
            hint="Choose another archive.",
        )
    kept = {*owners_around(items, wanted), *owners_inside(items, wanted)}
    return {f"{item.owner}_included": "0" for item in items if item.owner not in kept}
