"""The archives from which the work of one person can be brought back, and the people whom they list for an activity."""

from __future__ import annotations

from archive import xml
from archive.errors import NotAllowed, UsageError
from archive.numbers import natural
from courses.activities import types
from courses.models import Activity
from restore.context import RestoreContext
from restore.owners import folder
from restore.people import USERS


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
    if context.manifest.anonymised or not context.manifest.with_users:
        raise UsageError(
            "The archive does not say whose its records are: it was made without people, or anonymous.",
            hint="Choose another archive.",
        )
    if not context.selection.with_userdata(wanted):
        raise NotAllowed(
            f"The archive has no people's work in “{activity.title}”, or you may not restore it.",
            hint="Choose another archive, or ask a teacher or manager of the course.",
        )
    if not context.made_here:
        raise NotAllowed("Nothing proves that this site made the archive.", hint="Choose another archive.")


def people_listed(context: RestoreContext) -> list[int]:
    """Return the ids of the people whom the `inforef.xml` of the restored activity lists; all of the archive without one."""
    for entry in context.activities:
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
