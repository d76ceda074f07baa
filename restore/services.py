"""The public functions of restores: request one, review it, perform it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from archive import versions
from archive.container import Archive, open_archive
from archive.errors import NotAllowed, NotFound, PrecheckFailed
from archive.findings import Finding, errors_among
from archive.manifest import ActivityEntry, Manifest, read_manifest
from courses import pool
from courses.bulk import check_on_arrival, sending_ahead
from courses.capabilities import EVERYTHING, may
from courses.models import User
from jobs import events, limits, operations, queue, spool
from jobs.choices import Priority
from jobs.models import Job
from jobs.plan import Plan, Step, Task, execute
from restore import origin, people, plan, precheck, rehearsal, targets
from restore.completed_manifest import complete
from restore.context import RestoreContext
from restore.damaged_activities import options_without, without_damaged
from restore.old_content import back_up_old_content, require_whole_backup
from restore.readers import inline_tables
from restore.refusals import rows_that_fit
from restore.report import report
from restore.request import RestoreRequest
from restore.targets import Target
from selection.defaults import site_defaults
from selection.items import absent_in, items_of_archive, settings_of_archive
from selection.option import Mode
from selection.resolution import resolve
from selection.selection import Selection
from selection.settings import Settings
from vault import catalogue, manifests, storage
from vault.models import StoredArchive, StoredManifest


@dataclass(frozen=True, slots=True)
class ChosenRestore:
    """The resolved choices for a restore: its target, its options, and the person's capabilities there."""

    target: Target
    settings: Settings
    may: frozenset[str]

    @property
    def options(self) -> dict[str, str]:
        """All options as text, as a job stores them."""
        return {name: setting.text for name, setting in self.settings.items()}


FORBIDDEN = "You may not restore the archive of a {archive_type} here."


def request_restore(
    source: StoredArchive | str | Path,
    *,
    by: User | None,
    target: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    notify: bool = True,
    token: str = "",
    mode: Mode = "general",
) -> Job:
    """Check the rights, options and target of a restore and put it in the queue.

    `source`, `target` and `mode` are as in `RestoreRequest`. Raises NotAllowed, UsageError, NotFound, NotBackedUp and what
    opening an archive raises.
    """
    manifest = manifest_of(source)
    chosen = choose(manifest, RestoreRequest(source, by, target or {}, options or {}, mode))
    require_whole_backup(chosen.target, chosen.settings)
    return queue.request(
        "restore",
        by=by,
        title=manifest.original_course_fullname,
        course=chosen.target.course,
        archive_type=manifest.archive_type,
        options=chosen.options,
        asked={name: str(value) for name, value in (options or {}).items()},
        target=chosen.target.as_json(),
        archive=source if isinstance(source, StoredArchive) else None,
        path="" if isinstance(source, StoredArchive) else str(source),
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
        mode=mode,
    )


def manifest_of(source: StoredArchive | str | Path) -> Manifest:
    """Return the manifest of an archive; that of a stored one is read from the database, which takes no unpacking."""
    if isinstance(source, StoredArchive):
        storage.require_file(source)
        return manifests.manifest_of(source)
    with opened(source, contents=False) as archive:
        return complete(read_manifest(archive), archive)


def review(
    source: StoredArchive | str | Path,
    *,
    by: User | None,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
) -> list[Finding]:
    """Return the findings of the prechecks of a restore, without requesting it. Raises as `request_restore` does."""
    with opened(source) as archive:
        context = prepare(archive, RestoreRequest(source, by, target, options))
        return [event for event in rehearse(context) if isinstance(event, Finding)]


def rehearse(context: RestoreContext) -> Generator[events.Event, None, None]:
    """Run the prechecks and a rehearsal of a restore, which changes nothing; yield progress and findings."""
    return without_damaged(context, lambda one: rehearsal.run(one, _plans(one)[1]), _without)


def _without(context: RestoreContext, activities: list[ActivityEntry]) -> RestoreContext:
    """Return the context of the same restore without some activities."""
    request = RestoreRequest(
        context.source,
        context.by,
        context.target.as_json(),
        options_without(context, activities),
        context.mode,
        context.right,
        strict=False,
    )
    return prepare(context.archive, request)


def check(
    source: StoredArchive | str | Path,
    *,
    by: User | None,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
) -> tuple[list[str], list[Finding], dict[str, Any]]:
    """Rehearse a restore without requesting it; return its plan as lines, its findings and its report."""
    with opened(source) as archive:
        context = prepare(archive, RestoreRequest(source, by, target, options))
        plans = _plans(context)
        found = [event for event in rehearse(context) if isinstance(event, Finding)]
        return [line for each in plans for line in each.lines()], found, context.report


def _plans(context: RestoreContext) -> tuple[Plan[RestoreContext], Plan[RestoreContext]]:
    """Return the plans before and inside the transaction."""
    return plan.build(
        context.manifest, with_people=context.selection.people, with_files=context.selection.allows("files")
    )


def resolve_options(manifest: Manifest, request: RestoreRequest, target: Target) -> Settings:
    """Return every option of a restore into a target that was found, with its value and lock.

    The request's source decides who may take people's data out of it. If it is strict, raises UsageError or NotAllowed for
    options that cannot have the value that was asked for.
    """
    by, archived = request.by, settings_of_archive(manifest)
    return resolve(
        {name: str(value) for name, value in request.options.items()},
        operation="restore",
        archive_type=manifest.archive_type,
        may=rights(by, target),
        withheld=origin.withheld(by, manifest, request.source),
        site=site_defaults("restore", mode=request.mode, target=target.kind),
        items=items_of_archive(manifest),
        archive_settings=archived,
        target=target.kind,
        mode=request.mode,
        absent=absent_in(archived),
        strict=request.strict,
    )


@contextmanager
def opened(source: StoredArchive | str | Path, *, contents: bool = True) -> Iterator[Archive]:
    """Open an archive for reading, a stored one or a file; `contents` as in `open_archive`.

    Raises NotFound, ArchiveError and StorageFailed.
    """
    with spool.in_use():
        spool.require(_least_size(source) if contents else 0)
        if isinstance(source, StoredArchive):
            with (
                storage.open_stored(source) as stream,
                open_archive(
                    stream, name=source.title, limits=limits.of_archives(), contents=contents
                ) as archive,
            ):
                yield archive
        else:
            with open_archive(source, limits=limits.of_archives(), contents=contents) as archive:
                yield archive


def _least_size(source: StoredArchive | str | Path) -> int:
    """Return the bytes that an archive has at least when it is unpacked, as far as is known before."""
    if isinstance(source, StoredArchive):
        counts = StoredManifest.objects.filter(archive=source).values_list("content_bytes", flat=True)
        return max(source.size, counts.first() or 0)
    path = Path(source)
    return path.stat().st_size if path.is_file() else 0


def prepare(archive: Archive, request: RestoreRequest, manifest: Manifest | None = None) -> RestoreContext:
    """Return the context of a restore: find the target, check the rights, resolve the options.

    `manifest` is that of the archive if it was read already.
    Raises NotAllowed, UsageError, NotFound, and ArchiveError for a damaged manifest.
    """
    manifest = complete(manifest or read_manifest(archive), archive)
    versions.modernise(archive, manifest.backup_version)
    chosen = choose(manifest, request)
    selection = selection_of(
        manifest, chosen.settings, chosen.target, archive_has_people="users.xml" in archive
    )
    context = RestoreContext(
        archive=archive,
        manifest=manifest,
        selection=selection,
        target=chosen.target,
        source=request.source,
        by=request.by,
        may=chosen.may,
        mode=request.mode,
        right=request.right,
    )
    if request.strict:
        people.require_choices(context)
    return context


def choose(manifest: Manifest, request: RestoreRequest) -> ChosenRestore:
    """Find the target of a restore, check the rights there, and resolve the options.

    Raises NotAllowed, UsageError, NotFound.
    """
    by, source = request.by, request.source
    found = targets.find(request.target, manifest)
    held = rights(by, found)
    needed = [request.right or f"moodle/restore:restore{manifest.archive_type}"]
    if found.course is None:
        needed.append("moodle/course:create")
    if any(right not in held for right in needed):
        raise NotAllowed(
            FORBIDDEN.format(archive_type=manifest.archive_type),
            hint="Ask a manager of this category or course.",
        )
    if (
        by is not None
        and isinstance(source, StoredArchive)
        and not catalogue.access(by, [source])[source.pk].restore
    ):
        raise NotAllowed(f"You may not restore {source.title}.")
    settings = resolve_options(manifest, request, found)
    if request.strict:
        people.require_decisions(settings.text("accounts"), held)
    return ChosenRestore(found, settings, held)


def selection_of(
    manifest: Manifest, settings: Settings, target: Target, *, archive_has_people: bool = True
) -> Selection:
    """Return the selection that these options make of an archive for the target."""
    return Selection(
        settings,
        "restore",
        manifest.archive_type,
        archive_has_people=archive_has_people,
        into_existing=target.course is not None,
    )


def rights(by: User | None, target: Target) -> frozenset[str]:
    """Return the capabilities of a person at the target; all of them for None, which is the site itself."""
    return EVERYTHING if by is None else may(by, target.place)


@operations.operation("restore", priority=Priority.RESTORE, uses=("archives", "pool"))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Perform a restore job in one transaction; yield its events and return its result.

    The rights are checked again. Raises NotFound if the archive is gone or another one, PrecheckFailed, NotAllowed, Busy,
    ArchiveError.
    """
    source: StoredArchive | str = job.archive if job.archive is not None else job.path
    if not source:
        raise NotFound("The archive of this job is not there any more.", hint="Choose the archive again.")
    with opened(source) as archive:
        manifest = read_manifest(archive)
        if job.path:
            _require_requested(job, manifest)
        context = prepare(archive, RestoreRequest.of(job, source), manifest)
        return (yield from carry_out(job, context))


def carry_out(
    job: Job, context: RestoreContext, *, more: tuple[Step[RestoreContext], ...] = ()
) -> Generator[events.Event, None, dict[str, Any]]:
    """Carry out a restore that is prepared, in one transaction that finishes the job; yield events, return the result.

    `more` are steps at the end of the transaction. Raises PrecheckFailed, and NotBackedUp before anything is replaced.
    """

    def attempt(one: RestoreContext) -> Generator[events.Event, None, None]:
        found = list(precheck.findings(one))
        if errors_among(found):
            raise PrecheckFailed(found)
        yield from found
        if context.old_archive is None:
            yield from back_up_old_content(job, context)
        one.old_archive = context.old_archive
        before, inside = _plans(one)
        if more:
            inside = Plan((*inside.tasks, Task("Afterwards", more)))
        with pool.in_use():
            yield from execute((before, nullcontext()), (inside, _transaction(job, one)), state=one)

    yield from without_damaged(context, attempt, _without)
    return context.report


def carry_out_plans(
    job: Job,
    context: RestoreContext,
    plans: tuple[Plan[RestoreContext], Plan[RestoreContext]],
    *,
    result: Callable[[], dict[str, Any]],
) -> Generator[events.Event, None, dict[str, Any]]:
    """Carry out a restore by other plans than `carry_out`, before and inside its transaction; `result` makes the job's."""
    before, inside = plans
    with pool.in_use():
        closing = _transaction(job, context, lambda _: result())
        yield from execute((before, nullcontext()), (inside, closing), state=context)
    return context.report


def _require_requested(job: Job, manifest: Manifest) -> None:
    """Raise NotFound if the job's file has the archive of something else now than when the restore was requested."""
    title = manifest.original_course_fullname
    if (manifest.archive_type, title[: len(job.title)]) != (job.archive_type, job.title):
        raise NotFound(
            f"The file was replaced after the restore was requested: it is the archive of “{title}”, not of “{job.title}”.",
            where=job.path,
            hint="Request the restore again if this is the archive that you want.",
        )


@contextmanager
def _transaction(
    job: Job, context: RestoreContext, result: Callable[[RestoreContext], dict[str, Any]] = report
) -> Iterator[None]:
    """Open the transaction of a restore; finish the job with the result at its end. Raises as `rows_that_fit` does."""
    with rows_that_fit(context.target), transaction.atomic(), sending_ahead():
        check_on_arrival(inline_tables())
        yield
        context.loaders.flush()
        context.report = result(context)
        queue.finish(job, context.report, course=context.course)
