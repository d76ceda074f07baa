"""Returns: what was removed is brought back from the recycle bin, to the position that it had."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet

from archive.errors import DamagedArchive, NotAllowed, NotFound, PrecheckFailed
from archive.findings import Finding
from courses.capabilities import EVERYTHING, categories_where, may
from courses.locks import locked
from courses.models import Activity, Category, Course, Section, User
from jobs import events, operations, queue
from jobs.choices import Priority
from jobs.models import Job
from jobs.plan import Step, StepEvent
from restore import people
from restore import services as restores
from restore.context import RestoreContext
from restore.found_people import FoundPeople, find_people
from restore.origin import BRING_IN
from restore.people_page import PeoplePage
from restore.request import RestoreRequest
from restore.same_ids import keep_ids
from transfer import places
from transfer.beside import put_beside_back
from transfer.models import RemovedItem
from vault import storage
from vault.manifests import manifest_of

SEE = "tool/recyclebin:viewitems"
BRING_BACK = "tool/recyclebin:restoreitems"
EMPTY = "tool/recyclebin:deleteitems"


def items_of(course: Course) -> QuerySet[RemovedItem]:
    """Return what was removed from a course, the newest first."""
    return items().filter(archive__course=course)


def courses_seen(user: User) -> QuerySet[RemovedItem]:
    """Return the removed courses that a person may see: those of categories in which the person sees the bin."""
    found = items().filter(archive__archive_type="course")
    if user.is_superuser:
        return found
    return found.filter(category__in=categories_where(user, SEE))


def items() -> QuerySet[RemovedItem]:
    """Return all entries of the recycle bin, the newest first."""
    return RemovedItem.objects.select_related("archive", "archive__course", "category", "removed_by")


def owner_of(item: RemovedItem) -> Course | Category | None:
    """Return the course or category whose rights decide about an entry; None is the site."""
    return item.category if item.archive.archive_type == "course" else item.archive.course


def require_right(item: RemovedItem, right: str, *, by: User | None) -> None:
    """Raise NotAllowed unless a person has a right to an entry of the recycle bin; None is the site itself."""
    gone = item.archive.archive_type != "course" and item.archive.course is None
    if by is not None and not by.is_superuser and (gone or right not in may(by, owner_of(item))):
        what = "bring this back" if right == BRING_BACK else "remove this for good"
        raise NotAllowed(f"You may not {what}.", hint="Ask a teacher or manager of the course.")


def request_return(
    item: RemovedItem, *, by: User | None, accounts: str = "", notify: bool = True, token: str = ""
) -> Job:
    """Check the right to bring an entry back, and queue the job that does it.

    `accounts` are decisions about people in conflict, as the option of that name. Raises NotAllowed, NotFound, UsageError.
    """
    require_right(item, BRING_BACK, by=by)
    require_decisions(item, accounts, by=by)
    if item.archive.archive_type != "course" and item.archive.course is None:
        raise _course_gone(item)
    return queue.request(
        "bring_back",
        by=by,
        mode="bin",
        title=item.title,
        course=item.archive.course,
        archive_type=item.archive.archive_type,
        archive=item.archive,
        options={"accounts": accounts} if accounts else {},
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


def require_decisions(item: RemovedItem, accounts: str, *, by: User | None) -> None:
    """Raise NotAllowed or UsageError if decisions about the people of an entry cannot be made, or not by this person."""
    held = rights(item, by)
    people.require_decisions(accounts, held)
    if accounts and BRING_IN not in held:
        raise NotAllowed(
            f"You may not decide about the people of “{item.title}”: it takes the right {BRING_IN}.",
            hint="Ask a manager of the course's category.",
        )


def rights(item: RemovedItem, by: User | None) -> frozenset[str]:
    """Return the capabilities of a person where an entry comes back; all for the site itself."""
    return EVERYTHING if by is None else may(by, owner_of(item))


def find_people_in(item: RemovedItem, *, by: User) -> FoundPeople:
    """Return the people of an entry as the rules match them here; who may not restore people gets their user names only.

    The site brings an entry back, so whoever needs a new account is in no conflict. Raises NotAllowed, NotFound, and what
    opening the archive raises.
    """
    require_right(item, BRING_BACK, by=by)
    with restores.opened(item.archive) as archive:
        found = find_people(restores.prepare(archive, _request_of(item)))
    return found if BRING_IN in rights(item, by) else found.with_user_names_only()


def people_page_of(item: RemovedItem, found: FoundPeople, *, by: User, accounts: str = "") -> PeoplePage:
    """Return the people of an entry in conflict, with what a person may see and choose about them.

    `accounts` are the decisions so far, as the option of that name. Raises NotAllowed, NotFound, UsageError.
    """
    require_right(item, BRING_BACK, by=by)
    manifest = manifest_of(item.archive)
    options = {"accounts": accounts} if accounts else {}
    choice = replace(restores.choose(manifest, _request_of(item, options)), may=rights(item, by))
    return PeoplePage(by, manifest, choice, found)


def _request_of(item: RemovedItem, options: Mapping[str, Any] = MappingProxyType({})) -> RestoreRequest:
    """Return the restore that brings an entry back: the site does it."""
    return RestoreRequest(item.archive, None, _target(item), options, "bin")


@operations.operation("bring_back", priority=Priority.RESTORE, uses=("archives", "pool"))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Bring an entry of the recycle bin back with all that it had, and remove the entry. Yields events.

    The site restores it, as it stored it. An entry of which somebody was left out stays: `in_bin` of the result says so.
    Raises NotFound if the entry or its course is gone, NotAllowed, UsageError.
    """
    # Other jobs that bring back the same entry wait.
    with locked("bring back", job.archive_id or 0):
        item = items().filter(archive=job.archive_id or 0).first()
        if item is None:
            raise NotFound("It is not in the recycle bin any more.", hint="Look whether it is back already.")
        require_right(item, BRING_BACK, by=job.requested_by)
        require_decisions(item, job.options.get("accounts", ""), by=job.requested_by)
        try:
            result = yield from _restore(job, item, same_ids=item.archive.archive_type != "course")
        except PrecheckFailed as error:
            error.hint = error.hint or (
                "If it is about people, press “Decide about people” beside the entry of the recycle bin."
            )
            raise
        except DamagedArchive:
            # A record of this site has one of the ids again, as when the thing was restored from another archive meanwhile.
            result = yield from _restore(job, item, same_ids=False)
    return {**result, "title": item.title, "in_bin": bool(result["people_left_out"])}


def _restore(job: Job, item: RemovedItem, *, same_ids: bool) -> Generator[events.Event, None, dict[str, Any]]:
    """Restore an entry to its place; with `same_ids` its records have the ids that they had."""
    source = item.archive
    with restores.opened(source) as archive:
        context = restores.prepare(archive, _request_of(item, job.options))
        if same_ids:
            keep_ids(context)
        steps = (
            Step("Put it where it was", partial(_put_back, item)),
            Step("Take it out of the recycle bin", partial(_take_out, item)),
        )
        return (yield from restores.carry_out(job, context, more=steps))


def _course_gone(item: RemovedItem) -> NotFound:
    return NotFound(
        f"The course from which “{item.title}” was removed is gone.", hint="Bring back the course first."
    )


def _target(item: RemovedItem) -> dict[str, Any]:
    """Return the target of the restore of an entry. Raises NotFound if its course is gone."""
    if item.archive.archive_type == "course":
        return {"category": item.category_id} if item.category_id else {}
    if item.archive.course is None:
        raise _course_gone(item)
    target = {"course": item.archive.course_id}
    if item.archive.archive_type == "section":
        return {**target, "position": places.number_in(item.archive.course, item.place)}
    section = item.place.get("section")
    if section and Section.objects.filter(course=item.archive.course_id, pk=section).exists():
        target["section"] = section
    return target


def _put_back(item: RemovedItem, context: RestoreContext) -> Iterator[StepEvent]:
    """Step: move what was restored to the position that it had."""
    assert context.course is not None
    yield 0
    if item.archive.archive_type == "course":
        places.put_course_back(context.course, item.place)
    else:
        put_beside_back(context, item.place.get("beside", {}))
    if item.archive.archive_type == "activity":
        new = context.known("course_module", item.archive.item or 0)
        if (activity := Activity.objects.select_related("course").filter(pk=new or 0).first()) is not None:
            places.put_activity_back(activity, item.place)


def _take_out(item: RemovedItem, context: RestoreContext) -> Iterator[StepEvent]:
    """Step: remove the entry and its archive, now that the thing is back; it stays if somebody's work stayed away."""
    yield 0
    if not context.people_out:
        storage.remove(item.archive)
        return
    number = len(context.people_out)
    who = "1 person was" if number == 1 else f"{number} people were"
    yield Finding(
        "info",
        "stays-in-bin",
        f"{who} left out with their work, so “{item.title}” stays in the recycle bin too.",
        hint="Bring it back again with other decisions to have their work, or remove it for good there.",
    )
