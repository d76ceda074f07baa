"""Imports: chosen sections and activities of a course come into another one without people; a duplicate is an import of one."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from archive.errors import NotAllowed, NotFound
from courses.capabilities import may
from courses.models import Activity, Course, Section, User
from courses.services import course_tree
from jobs import events, operations, queue
from jobs.choices import Priority
from jobs.models import Job
from jobs.plan import Step, StepEvent
from restore.context import RestoreContext
from selection.names import owner_of
from selection.table import ROOT
from transfer import places
from transfer.transit import Part, subject_of, transit

TAKE = "moodle/backup:backuptargetimport"
BRING = "moodle/restore:restoretargetimport"
CHANGE = "moodle/course:manageactivities"
COPY = "{name} (copy)"
"""The name of a duplicate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ids of the sections and activities that an import brings; none of both stands for the whole course."""

    sections: tuple[int, ...] = ()
    activities: tuple[int, ...] = ()


def part_of(source: Course, parts: Parts, options: Mapping[str, str] | None = None) -> Part:
    """Return what is to be backed up for an import: one activity, one section, or the course without what is not chosen.

    Raises NotFound for a section or an activity that the course does not have.
    """
    asked = dict(options or {})
    lines = course_tree(source).sections
    activities = {line.id: line for section in lines for line in section.activities}
    _require_all("section", parts.sections, {line.id for line in lines}, source)
    _require_all("activity", parts.activities, activities, source)
    if len(parts.activities) == 1 and not parts.sections:
        return Part(source, "activity", parts.activities[0], asked)
    if len(parts.sections) == 1 and not parts.activities:
        return Part(source, "section", parts.sections[0], asked)
    if parts.sections or parts.activities:
        asked |= _left_out(source, parts)
    return Part(source, options=asked)


def _require_all(what: str, asked: Collection[int], there: Collection[int], source: Course) -> None:
    if missing := set(asked) - set(there):
        raise NotFound(
            f"Course {source.pk} has no {what} {min(missing)}.",
            hint="Look at the course's page for its numbers.",
        )


def _left_out(source: Course, parts: Parts) -> dict[str, str]:
    """Return the options that leave out what is not chosen. What contains something chosen comes along."""
    lines = course_tree(source).sections
    within = {line.folder: section.folder for section in lines for line in section.activities}
    owners = {line.id: line.folder for section in lines for line in section.activities}
    within |= {section.folder: owners[section.under] for section in lines if section.under}
    chosen = {section.folder for section in lines if section.id in parts.sections}
    chosen |= {folder for pk, folder in owners.items() if pk in parts.activities}
    wanted = {
        folder
        for folder in {*within, *(section.folder for section in lines)}
        if _is_inside(folder, chosen, within)
    }
    for folder in chosen:
        while folder in within:
            folder = within[folder]
            wanted.add(folder)
    return {
        f"{folder}_included": "0"
        for folder in sorted({*within, *(section.folder for section in lines)} - wanted)
    }


def _is_inside(folder: str, chosen: Collection[str], within: Mapping[str, str]) -> bool:
    """Whether a section or activity is chosen, or lies in one that is."""
    while folder not in chosen:
        if folder not in within:
            return False
        folder = within[folder]
    return True


def require_rights(source: Course, target: Course, *, by: User | None) -> None:
    """Raise NotAllowed unless a person may import from one course into the other; None is the site itself."""
    if by is None:
        return
    if TAKE not in may(by, source):
        raise NotAllowed(
            "You may not import from this course.", hint="Ask a teacher or manager of that course."
        )
    if BRING not in may(by, target):
        raise NotAllowed(
            "You may not import into this course.", hint="Ask a teacher or manager of the course."
        )


def request_import(
    source: Course,
    target: Course,
    parts: Parts,
    *,
    by: User | None,
    place: Mapping[str, int] | None = None,
    options: Mapping[str, str] | None = None,
    notify: bool = True,
    token: str = "",
) -> Job:
    """Check the rights and options of an import and put it in the queue.

    `place` has the section (id) and the position for one activity. `options` are those of backups and restores that the
    person asks for. Raises NotAllowed, NotFound, UsageError.
    """
    require_rights(source, target, by=by)
    of_backup, of_restore = _split(options or {})
    part = part_of(source, parts, of_backup)
    subject_of(part, by=by, mode="import", right=TAKE)
    return queue.request(
        "import",
        by=by,
        mode="import",
        title=source.fullname if part.archive_type == "course" else _title(part),
        course=target,
        source=source,
        archive_type=part.archive_type,
        item=part.item,
        options={"backup": dict(part.options or {}), "restore": of_restore},
        asked=dict(options or {}),
        target={"course": target.pk, **(place or {})},
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


def _title(part: Part) -> str:
    model = Section if part.archive_type == "section" else Activity
    return str(model._default_manager.get(pk=part.item or 0))


def _split(options: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the options of the backup and those of the restore; an option of both goes to both."""
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for name, value in options.items():
        option = ROOT.get(name)
        if owner_of(name) or option is None or option.backup is not None:
            found[0][name] = value
        if option is not None and option.restore is not None:
            found[1][name] = value
    return found


@operations.operation("import", priority=Priority.RESTORE, uses=("pool",))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Import what the job names in one transaction; yield events. Raises NotFound if a course is gone, NotAllowed."""
    source, target = job.source, job.course
    if source is None or target is None:
        raise NotFound(
            "A course of this job is not there any more.", hint="Look in the recycle bin of the courses."
        )
    require_rights(source, target, by=job.requested_by)
    part = Part(source, job.archive_type, job.item, job.options["backup"])
    more: tuple[Step[RestoreContext], ...] = ()
    if job.options.get("duplicate"):
        original = Activity.objects.filter(pk=job.item or 0).first()
        if original is None:
            raise NotFound(
                "The activity of this job is not there any more.",
                hint="Look in the recycle bin of the course.",
            )
        _require_change(original, by=job.requested_by)
        more = (Step("Put it after the original", partial(_put_after, job.item or 0)),)
    result = yield from transit(
        job, part, target=job.target, options=job.options["restore"], rights=(TAKE, BRING), more=more
    )
    return {**result, "source_id": source.pk}


def _require_change(activity: Activity, *, by: User | None) -> None:
    """Raise NotAllowed unless a person may change an activity; None is the site itself."""
    if by is not None and CHANGE not in may(by, activity):
        raise NotAllowed(
            "You may not duplicate this activity.", hint="Ask a teacher or manager of the course."
        )


def request_duplicate(activity: Activity, *, by: User | None, notify: bool = True, token: str = "") -> Job:
    """Check the rights to duplicate an activity, and queue the import of it that does so. Raises NotAllowed."""
    course = activity.course
    _require_change(activity, by=by)
    require_rights(course, course, by=by)
    part = part_of(course, Parts(activities=(activity.pk,)))
    subject_of(part, by=by, mode="import", right=TAKE)
    return queue.request(
        "import",
        by=by,
        mode="import",
        title=activity.title,
        course=course,
        source=course,
        archive_type="activity",
        item=activity.pk,
        options={"backup": dict(part.options or {}), "restore": {}, "duplicate": True},
        target={"course": course.pk, "section": activity.section_id},
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


def _put_after(original: int, context: RestoreContext) -> Iterator[StepEvent]:
    """Step: name a duplicate and put it right after its original, if that is still there."""
    yield 0
    found = Activity.objects.select_related("course", "section").filter(pk=original).first()
    new = (
        Activity.objects.select_related("course")
        .filter(pk=context.known("course_module", original) or 0)
        .first()
    )
    if found is None or new is None:
        return
    places.rename(new, COPY.format(name=found.title))
    places.put_before(new, found.section, [pk for pk in places.after(found) if pk != new.pk])
