"""Earlier versions: bring back one activity as it was, from a stored archive of its course, next to the one that is there."""

from __future__ import annotations

from archive.errors import CoursekeepError, NotAllowed, NotFound
from archive.manifest import Manifest
from courses.models import Activity, Section, User
from jobs.models import Job
from restore import services as restores
from selection.items import items_of_archive
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
        archive, by=by, target=target_for(activity, archive), options=options, token=token
    )


def target_for(activity: Activity, archive: StoredArchive) -> dict[str, int]:
    """Return the target of the restore of an activity from an archive of its course: the section that it is or was in.

    The section of an archive is merged with the one that it was made of if that is there.
    """
    target = {"course": activity.course_id}
    if archive.archive_type == "course":
        return target
    own = Section.objects.filter(course=activity.course_id, pk=archive.item or 0)
    same = archive.archive_type == "section" and own.exists()
    return {**target, "section": (archive.item or 0) if same else activity.section_id}


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
    """Return the options that leave out all of the archive of a course or section but one activity and what contains it."""
    within = {item.owner: item.parent for item in items_of_archive(manifest)}
    wanted = _name(activity)
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
