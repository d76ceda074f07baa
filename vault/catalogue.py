"""Catalogue: the courses and archives that a person may see, and what the person may do with an archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import OuterRef, Q, QuerySet, Subquery

from archive.errors import NotAllowed
from courses.capabilities import courses_where, may
from courses.models import Category, Course
from jobs.models import Job
from vault.models import StoredArchive

BackupState = Literal["", "never", "kept", "damaged", "running"]
STATES: tuple[tuple[BackupState, str], ...] = (
    ("", "Any"),
    ("never", "Never backed up"),
    ("kept", "Backed up"),
    ("damaged", "Last archive damaged"),
    ("running", "Backup under way"),
)


def courses_seen(
    user: Any, *, search: str = "", category: Category | None = None, state: str = ""
) -> QuerySet[Course]:
    """Return the courses that a person may view, with `last_archive` (id), `last_errors` and `open_job` (id)."""
    whole = StoredArchive.objects.filter(course=OuterRef("pk"), archive_type="course").order_by(
        "-created", "-pk"
    )
    jobs = Job.objects.filter(course=OuterRef("pk"), operation="backup", state__in=Job.OPEN).order_by("-pk")
    found = courses_where(user, "moodle/course:view").select_related("category")
    found = found.annotate(
        last_archive=Subquery(whole.values("pk")[:1]),
        last_errors=Subquery(whole.values("verify_errors")[:1]),
        open_job=Subquery(jobs.values("pk")[:1]),
    )
    if search:
        text = Q(fullname__icontains=search) | Q(shortname__icontains=search) | Q(idnumber__icontains=search)
        found = found.filter(text)
    if category is not None:
        found = found.filter(category__in=below(category))
    conditions = {
        "never": Q(last_archive=None),
        "kept": Q(last_archive__isnull=False),
        "damaged": Q(last_errors__gt=0),
        "running": Q(open_job__isnull=False),
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
    """The actions that a person may take on one archive. `why_not` is the reason why it cannot be downloaded."""

    download: bool
    restore: bool
    remove: bool
    why_not: str = ""


def archives_seen(user: Any) -> QuerySet[StoredArchive]:
    """Return the archives that a person may see: own uploads, and archives of courses that the person may restore."""
    found = StoredArchive.objects.select_related("course", "course__category", "created_by", "schedule")
    if user.is_superuser:
        return found
    seen = courses_where(user, "moodle/restore:restorecourse")
    automated = courses_where(user, "moodle/restore:viewautomatedfilearea")
    by_hand = Q(course__in=seen) & ~Q(source=StoredArchive.Source.SCHEDULE)
    scheduled = Q(course__in=automated, source=StoredArchive.Source.SCHEDULE)
    return found.filter(Q(created_by=user, source=StoredArchive.Source.UPLOAD) | by_hand | scheduled)


def archive_seen(user: Any, pk: int) -> StoredArchive:
    """Return one archive. StoredArchive.DoesNotExist unless the person may see it."""
    return archives_seen(user).get(pk=pk)


def access(user: Any, archives: Iterable[StoredArchive]) -> dict[int, Access]:
    """Return what a person may do with each archive, by archive id.

    The permission follows the content: an archive with people's data needs the right to that data, whoever made it.
    """
    rights: dict[int | None, frozenset[str]] = {}
    found = {}
    for archive in archives:
        key = archive.course_id
        if key not in rights:
            rights[key] = may(user, archive.course)
        found[archive.pk] = _access(user, archive, rights[key])
    return found


def _access(user: Any, archive: StoredArchive, rights: frozenset[str]) -> Access:
    own_upload = archive.source == StoredArchive.Source.UPLOAD and archive.created_by_id == user.pk
    people = archive.users and not archive.anonymized
    why_not = ""
    if not own_upload:
        if "moodle/backup:downloadfile" not in rights:
            why_not = "Downloading archives of this course takes a right that you do not have."
        elif people and "moodle/backup:userinfo" not in rights:
            why_not = "It holds people's data, and you may not take people's data out of this course."
    return Access(
        download=not why_not,
        restore=own_upload or f"moodle/restore:restore{archive.archive_type}" in rights,
        remove=own_upload or user.is_superuser or (archive.created_by_id == user.pk and not archive.keep),
        why_not=why_not,
    )


def require_download(user: Any, archive: StoredArchive) -> None:
    """Raise NotAllowed unless the person may download the archive."""
    allowed = access(user, [archive])[archive.pk]
    if not allowed.download:
        raise NotAllowed(f"You may not download {archive.title}. {allowed.why_not}")
