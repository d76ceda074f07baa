"""Catalogue: the courses and archives that a person may see, and what the person may do with an archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from archive.errors import NotAllowed
from courses.capabilities import courses_where, may_at_each
from courses.models import Activity, Category, Course
from courses.paging import MOST_LISTED, KeyPage, key_page, listed_if_few
from courses.services import course_named
from jobs.models import Job
from vault.models import StoredArchive

BackupState = Literal["", "never", "kept", "partial", "damaged", "running"]
STATES: tuple[tuple[BackupState, str], ...] = (
    ("", "Any"),
    ("never", "Never backed up"),
    ("kept", "Backed up"),
    ("partial", "Only without people and their work"),
    ("damaged", "Last archive damaged or incomplete"),
    ("running", "Backup under way"),
)


_WHOLE = StoredArchive.objects.filter(course=OuterRef("pk"), archive_type="course")
PARTIAL = Q(Exists(_WHOLE)) & ~Q(Exists(_WHOLE.filter(users=True, anonymized=False)))
"""Condition for courses that have been backed up, but never with people and their work."""


def courses_seen(
    user: Any, *, search: str = "", category: Category | None = None, state: str = ""
) -> QuerySet[Course]:
    """Return the courses that a person may view, with `last_archive` and `open_job` (ids), `last_errors` and `last_missing`."""
    whole = StoredArchive.objects.filter(course=OuterRef("pk"), archive_type="course").order_by(
        "-created", "-pk"
    )
    jobs = Job.objects.filter(course=OuterRef("pk"), operation="backup", state__in=Job.OPEN).order_by("-pk")
    found = courses_where(user, "moodle/course:view").select_related("category")
    found = found.annotate(
        last_archive=Subquery(whole.values("pk")[:1]),
        last_errors=Subquery(whole.values("verify_errors")[:1]),
        last_missing=Subquery(whole.values("missing_contents")[:1]),
        open_job=Subquery(jobs.values("pk")[:1]),
    )
    if search:
        text = course_named(search)
        found = found.filter(text)
    if category is not None:
        found = found.filter(category__in=below(category))
    bad = StoredArchive.objects.filter(
        Q(verify_errors__gt=0) | Q(missing_contents__gt=0), archive_type="course"
    ).order_by()
    backups = Job.objects.filter(operation="backup", state__in=Job.OPEN)
    conditions = {
        "never": Q(last_archive=None),
        "kept": Q(last_archive__isnull=False),
        "partial": PARTIAL,
        "damaged": Q(pk__in=bad.values("course")) & (Q(last_errors__gt=0) | Q(last_missing__gt=0)),
        "running": Q(pk__in=backups.order_by().values("course")),
    }
    return found.filter(conditions[state]) if state in conditions else found


def below(category: Category) -> list[int]:
    """Return the ids of a category and of all categories below it."""
    children: dict[int | None, list[int]] = {}
    for pk, parent in Category.objects.values_list("pk", "parent_id"):
        children.setdefault(parent, []).append(pk)
    found, waiting = [], [category.pk]
    while waiting:
        pk = waiting.pop()
        found.append(pk)
        waiting += children.get(pk, [])
    return found


def category_choices() -> list[tuple[int, str]]:
    """Return (id, path) of all categories in tree order; paths look like “Science / Physics”."""
    rows = {category.pk: category for category in Category.objects.order_by("sortorder", "name", "pk")}
    children: dict[int | None, list[Category]] = {}
    for category in rows.values():
        children.setdefault(category.parent_id, []).append(category)
    found: list[tuple[int, str]] = []

    def walk(parent: int | None, path: str) -> None:
        for category in children.get(parent, []):
            title = f"{path} / {category.name}" if path else category.name
            found.append((category.pk, title))
            walk(category.pk, title)

    walk(None, "")
    return found


@dataclass(frozen=True, slots=True)
class Access:
    """The actions that a person may take on one archive.

    `people` is whether people's data in it may leave its course: by a download, or by a restore elsewhere. `hold` and
    `let_go` are for protecting the archive, and for ending that. `why_not` is the reason why it cannot be downloaded.
    """

    download: bool
    restore: bool
    people: bool
    hold: bool
    let_go: bool
    remove: bool
    why_not: str = ""


def archives_seen(user: Any) -> QuerySet[StoredArchive]:
    """Return the archives that a person may see: own uploads, and archives of courses that the person may restore.

    Those of the recycle bin are not among them: they are all of a thing, whoever removed it, and have a page of their own.
    """
    found = StoredArchive.objects.select_related(
        "course", "course__category", "created_by", "schedule", "held_by"
    ).exclude(source=StoredArchive.Source.BIN)
    if user.is_superuser:
        return found
    seen = _listed(courses_where(user, "moodle/restore:restorecourse"))
    automated = _listed(courses_where(user, "moodle/restore:viewautomatedfilearea"))
    own = Q(created_by=user, source=StoredArchive.Source.UPLOAD)
    if isinstance(seen, list) and seen == automated:
        return found.filter(own | Q(course__in=seen))
    by_hand = Q(course__in=seen) & ~Q(source=StoredArchive.Source.SCHEDULE)
    scheduled = Q(course__in=automated, source=StoredArchive.Source.SCHEDULE)
    return found.filter(own | by_hand | scheduled)


def _listed(courses: QuerySet[Course]) -> list[int] | QuerySet[Course]:
    """Return the ids of courses; a query of them if they are many.

    The database knows of a list how few they are, and looks for their archives only. Of many it reads the newest of all.
    """
    found = sorted(courses.order_by().values_list("pk", flat=True)[: MOST_LISTED + 1])
    return found if len(found) <= MOST_LISTED else courses


def archive_page(
    user: Any, found: QuerySet[StoredArchive], sent: Mapping[str, str], *, size: int
) -> KeyPage[StoredArchive]:
    """Return a page of some of the archives that a person may see, the newest first."""
    # Those of a person who sees few courses are few among all.
    return key_page(found if user.is_superuser else listed_if_few(found), sent, size=size)


def archive_seen(user: Any, pk: int) -> StoredArchive:
    """Return one archive. StoredArchive.DoesNotExist unless the person may see it."""
    return archives_seen(user).get(pk=pk)


def access(user: Any, archives: Iterable[StoredArchive]) -> dict[int, Access]:
    """Return what a person may do with each archive, by archive id, in six queries however many archives there are.

    The permission follows the content: an archive with people's data needs the right to that data, whoever made it.
    """
    found = list(archives)
    owners = owners_of(found)
    places = list(dict.fromkeys(owners.values()))
    rights = dict(zip(places, may_at_each(user, places), strict=True))
    return {archive.pk: _access(user, archive, rights[owners[archive.pk]]) for archive in found}


def owners_of(archives: Iterable[StoredArchive]) -> dict[int, Course | Activity | None]:
    """Return the course or activity whose capabilities decide about each archive, by archive id; None: the site's.

    As for a backup it is the activity for the archive of an activity, while it exists.
    """
    found = list(archives)
    items = {archive.item for archive in found if archive.archive_type == "activity" and archive.item}
    activities = (
        Activity.objects.select_related("course").in_bulk([item for item in items if item]) if items else {}
    )
    owners: dict[int, Course | Activity | None] = {}
    for archive in found:
        activity = activities.get(archive.item or 0) if archive.archive_type == "activity" else None
        same = activity is not None and activity.course_id == archive.course_id
        owners[archive.pk] = activity if same else archive.course
    return owners


def _access(user: Any, archive: StoredArchive, rights: frozenset[str]) -> Access:
    own_upload = archive.source == StoredArchive.Source.UPLOAD and archive.created_by_id == user.pk
    people = own_upload or "moodle/backup:userinfo" in rights or not archive.holds_people
    restore = own_upload or f"moodle/restore:restore{archive.archive_type}" in rights
    let_go = user.is_superuser or not archive.keep or archive.held_by_id == user.pk
    why_not = ""
    if not own_upload and "moodle/backup:downloadfile" not in rights:
        why_not = "Downloading archives of this course takes a right that you do not have."
    elif not people:
        why_not = "It holds people's data, and you may not take people's data out of this course."
    return Access(
        download=not why_not,
        restore=restore,
        people=people,
        hold=restore and not archive.keep,
        let_go=restore and archive.keep and let_go,
        remove=let_go and (user.is_superuser or archive.created_by_id == user.pk),
        why_not=why_not,
    )


def require_download(user: Any, archive: StoredArchive) -> None:
    """Raise NotAllowed unless the person may download the archive."""
    allowed = access(user, [archive])[archive.pk]
    if not allowed.download:
        raise NotAllowed(f"You may not download {archive.title}. {allowed.why_not}")
