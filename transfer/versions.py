"""Earlier versions: bring back one activity as it was, from a stored archive of its course, next to the one that is there."""

from __future__ import annotations

from archive.errors import NotAllowed, NotFound
from archive.manifest import Manifest
from courses.models import Activity, User
from jobs.models import Job
from restore import services as restores
from selection.items import items_of_archive
from vault import catalogue
from vault.manifests import manifest_of
from vault.models import StoredArchive


def versions_of(activity: Activity, *, by: User) -> list[StoredArchive]:
    """Return the archives of an activity's course that may hold it and that a person may restore, the newest first.

    Uploads are not among them: ids in them may mean something else.
    """
    found = (
        catalogue.archives_seen(by)
        .filter(course=activity.course)
        .exclude(source=StoredArchive.Source.UPLOAD)
        .exclude(archive_type="section")
    )
    archives = [one for one in found if one.archive_type == "course" or one.item == activity.pk]
    allowed = catalogue.access(by, archives)
    return [one for one in archives if allowed[one.pk].restore]


def request_version(activity: Activity, archive: StoredArchive, *, by: User, token: str = "") -> Job:
    """Queue the restore of one activity from an archive of its course; nothing that is there is changed.

    Raises NotAllowed, and NotFound if the archive does not hold the activity.
    """
    options = options_for(activity, archive, by=by)
    target = {"course": activity.course_id}
    if archive.archive_type != "course":
        target["section"] = activity.section_id
    return restores.request_restore(archive, by=by, target=target, options=options, token=token)


def options_for(activity: Activity, archive: StoredArchive, *, by: User | None) -> dict[str, str]:
    """Return the options that restore one activity only from an archive of its course.

    `by` is None for the site itself. Raises NotAllowed, and NotFound if the archive does not hold the activity.
    """
    if by is not None and archive not in versions_of(activity, by=by):
        raise NotAllowed("You may not restore this activity from that archive.")
    manifest = manifest_of(archive)
    return _others_out(manifest, activity) if manifest.archive_type == "course" else {}


def _others_out(manifest: Manifest, activity: Activity) -> dict[str, str]:
    """Return the options that leave out all of a course's archive but one activity and what contains it."""
    within = {item.owner: item.parent for item in items_of_archive(manifest)}
    wanted = f"{activity.modulename}_{activity.pk}"
    if wanted not in within:
        raise NotFound(
            f"The archive does not hold “{activity.title}”: it was made before the activity, or without it.",
            hint="Choose another archive.",
        )
    kept: set[str] = set()
    owner: str | None = wanted
    while owner is not None:
        kept.add(owner)
        owner = within[owner]
    return {f"{one}_included": "0" for one in within if one not in kept}
