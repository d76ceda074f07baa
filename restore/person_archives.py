"""The archives from which the work of one person can be brought back, and the people whom they list for an activity."""

from __future__ import annotations

from archive import xml
from archive.errors import NotAllowed, NotFound, UsageError
from archive.manifest import Manifest
from archive.numbers import natural
from courses.activities import types
from courses.models import Activity, User
from restore.context import RestoreContext
from restore.owners import folder
from restore.people import USERS
from vault.models import StoredArchive


def require_possible(context: RestoreContext, activity: Activity) -> None:
    """Raise NotAllowed or UsageError unless the work of single people can be brought back into an activity from an archive."""
    if activity.modulename not in types():
        raise UsageError(
            f"Activities of the type “{activity.modulename}” are not described here: nobody knows whose their records are.",
            hint="Bring the whole activity back.",
        )
    wanted = f"{activity.modulename}_{activity.pk}"
    if wanted not in map(folder, context.activities):
        raise UsageError(f"The archive does not hold “{activity.title}”.", hint="Choose another archive.")
    require_names(context.manifest, context.source)
    if not context.selection.with_userdata(wanted):
        raise NotAllowed(
            f"The archive has no people's work in “{activity.title}”, or you may not restore it.",
            hint="Choose another archive, or ask a teacher or manager of the course.",
        )
    if not context.made_here:
        raise NotAllowed("Nothing proves that this site made the archive.", hint="Choose another archive.")


def require_names(manifest: Manifest, source: object) -> None:
    """Raise UsageError unless an archive says whose its records are and has what people wrote; nothing is unpacked."""
    if manifest.anonymised or not manifest.with_users:
        raise UsageError(
            "The archive does not say whose its records are: it was made without people, or anonymous.",
            hint="Choose another archive.",
        )
    if isinstance(source, StoredArchive) and not _with_texts(source):
        raise UsageError(
            "Nothing proves that the archive has what people wrote: it was made without their texts, or is too old to say.",
            hint="Choose another archive.",
        )


def _with_texts(archive: StoredArchive) -> bool:
    """Whether a stored archive has what people wrote; the manifest does not list the option.

    Its summary says it, or the job that made an older archive. If neither does, nothing proves it.
    """
    if "texts" in archive.summary:
        return bool(archive.summary["texts"])
    made_by = archive.jobs.filter(operation="backup").first()
    return made_by is not None and made_by.options.get("texts", "1") != "0"


def require_listed(context: RestoreContext, activity: Activity, person: User) -> None:
    """Raise NotFound unless an archive lists a person for an activity."""
    if person.pk not in people_listed(context, activity):
        raise no_work(person, activity)


def no_work(person: User, activity: Activity) -> NotFound:
    """Return the error that an archive has nothing of a person in an activity."""
    return NotFound(
        f"The archive has no work of {person} in “{activity.title}”.", hint="Choose another archive."
    )


def people_listed(context: RestoreContext, activity: Activity) -> list[int]:
    """Return the ids of the people whom the `inforef.xml` of an activity lists; all of the archive without one."""
    wanted = f"{activity.modulename}_{activity.pk}"
    for entry in (one for one in context.activities if folder(one) == wanted):
        path = f"{entry.directory}/inforef.xml"
        if path in context.archive:
            with context.archive.open(path) as stream:
                found = [
                    natural((one.findtext("id") or "").strip())
                    for one in xml.records(stream, member=path, tags=("user",))
                ]
            return [number for number in found if number is not None]
    return people_of(context)


def people_of(context: RestoreContext) -> list[int]:
    """Return the ids of the people in the archive."""
    with context.archive.open(USERS) as stream:
        found = (natural(one.get("id", "")) for one in xml.records(stream, member=USERS, tags=("user",)))
        return [number for number in found if number is not None]
