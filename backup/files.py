"""The steps of a backup for files: which come along, `files.xml`, their contents, and `inforef.xml` of everything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from archive import layout, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from backup.content import folder
from backup.context import BackupContext
from backup.members import Members, MemberTarget, write_members
from backup.render import LISTED
from backup.weave import NOTED, written_key
from courses import cursors, members, pool, structure
from courses.file_areas import is_bank
from courses.models import File, User
from courses.models.files import EMPTY
from courses.models.questions import FORMER_INTRO
from courses.registry import activity_types, modulename_of
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER, StoredFile

OF_NEEDED = frozenset({"group", "grouping", "badges", "grade", "calendar"})
"""Components of the files of records of the course that come only if they are needed."""

LISTED_BY_OWNER = frozenset({"grade_item"})
"""Item types listed by the owner that contains them; all others are listed where they are used."""

BATCH = 1000
"""Files whose contents are looked for in the pool at once."""

FACTS = "SELECT id, contenthash, filesize, contextid, component, filearea, itemid, filename FROM courses_file"


def write_files(context: BackupContext) -> Iterator[StepEvent]:
    """Write `files.xml`, and add the contents of its files to the archive unless the option `files` is off.

    Yields a finding for each content that is missing or damaged; its files are left out.
    """
    ids: list[int] = []
    with_contents = context.selection.allows("files")
    left_out: set[str] = set()
    listed = context.references.listed_files()
    for batch in _batches(_chosen(context, listed)):
        there = _in_pool(context, batch) if with_contents else set()
        for row, owner in batch:
            number, sha1, size, *_, name = row
            if with_contents and not _add_content(context, sha1, size, there):
                if sha1 not in left_out:
                    left_out.add(sha1)
                    context.missing_contents += 1
                    yield _left_out(context, owner, name, sha1)
                continue
            ids.append(number)
            context.files += name != "."
            for lister in listed.get(number, [owner]):
                context.references.files[lister].append(number)
        yield 0
    member = MemberTarget(
        0, layout.FILES, "<files>\n", "</files>", "", layout.top("archive", layout.FILES), context.course.pk
    )
    yield from write_members(
        context,
        [Members(body=(structure.element(File),), targets=[member], ids=ids, people=ids, listed=True)],
    )
    context.references.by_owner.pop("", None)


def _chosen(context: BackupContext, listed: dict[int, list[str]]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield the row of each file that is exported, with the owner whose `inforef.xml` lists it."""
    for row in _candidates(context):
        owner = _owner(context, row, listed)
        if owner is not None:
            yield row, owner


def _batches(rows: Iterator[tuple[tuple[Any, ...], str]]) -> Iterator[list[tuple[tuple[Any, ...], str]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _in_pool(context: BackupContext, batch: list[tuple[tuple[Any, ...], str]]) -> set[str]:
    """Return those of the contents of a batch that the pool has whole, as far as is known, and the archive has not yet."""
    sha1s = {row[1] for row, _ in batch} - context.damaged - {EMPTY}
    return pool.present({sha1 for sha1 in sha1s if _member(sha1) not in context.writer})


def _member(sha1: str) -> str:
    """Return the path of a content in the archive."""
    return f"files/{sha1[:2]}/{sha1}"


def _left_out(context: BackupContext, owner: str, name: str, sha1: str) -> Finding:
    """Return the finding for a file whose content is damaged, or not in the pool."""
    titles = {folder(activity): activity.title for activity in context.content.activities}
    belongs = f"of “{titles[owner]}”" if owner in titles else "of the course"
    damaged = sha1 in context.damaged
    fault = "is damaged on this server" if damaged else "is not in the pool any more"
    return Finding(
        "warning",
        "content-damaged" if damaged else "content-gone",
        f"The content of the file “{name}” {belongs} {fault}; the file is left out.",
        f"content {sha1}",
        "Bring the content back from a backup of the server, or restore an archive that has it; then back up again.",
    )


def _candidates(context: BackupContext) -> Iterator[tuple[Any, ...]]:
    """Yield the files of the course, then those of exported people unless the archive is anonymised, as rows of `FACTS`."""
    for batch in cursors.stream(
        f"{FACTS} WHERE course_id = %(course)s ORDER BY id", {"course": context.course.pk}
    ):
        yield from batch
    if context.selection.people and not context.selection.anonymous:
        people: set[int] = set()
        for references in context.references.by_owner.values():
            people |= references["user"]
        contexts = list(User.objects.filter(pk__in=people).values_list("contextid", flat=True))
        # For another Moodle `contextid` is an expression without an index; files of people belong to no course.
        own = "course_id IS NULL AND component = 'user' AND contextid = ANY(%(contexts)s)"
        sql = f"{FACTS} WHERE {own} ORDER BY id"
        for batch in cursors.stream(sql, {"contexts": contexts}):
            yield from batch


def _owner(context: BackupContext, row: tuple[Any, ...], listed: dict[int, list[str]]) -> str | None:
    """Return the owner whose `inforef.xml` lists a file, "" if none does; None if the file is not exported.

    `listed` are the owners whose preserved lists name a file.
    """
    number, _, _, contextid, component, area, item, _ = row
    owner = context.content.owner_of_context.get(contextid)
    if component == "user":
        return ""
    if not context.selection.comes(StoredFile(owner, component, area, item), held=context.content.has_record):
        return None
    if context.content.is_left_out(component, area, item):
        return None
    if is_bank(component, area):
        has = context.has_question_file
        comes = contextid in context.references.banks and (has is None or has(component, area, item))
        return "" if comes else None
    if owner != COURSE_OWNER:
        return owner
    if (component, area) == ("course", "section"):
        name = f"section_{item}"
        return name if context.selection.includes(name) else None
    if number in listed:
        return listed[number][0]
    if (user := _undescribed_activity(context, component)) is not None:
        return user
    if context.content.only_needed and component in OF_NEEDED:
        return _owner_of_needed(context, component, area, item)
    if context.archive_type == "course":
        own = component in {"course", "calendar", "contentbank"} or component.startswith("customfield_")
        own = own or f"{component}/{area}" == FORMER_INTRO
        return COURSE_OWNER if own else ""
    return None


def _undescribed_activity(context: BackupContext, component: str) -> str | None:
    """Return the first activity of the type to which a file of the course belongs, if no model describes the type.

    Plugins list files in the course's context where their activities use them.
    """
    modulename = modulename_of(component)
    if not modulename or modulename in activity_types():
        return None
    own = (activity for activity in context.content.activities if activity.modulename == modulename)
    return next(map(folder, own), None)


def _owner_of_needed(context: BackupContext, component: str, area: str, item: int) -> str | None:
    """Return "" if the archive has the record of the course that a file belongs to, such as a group or a scale, else None."""
    if component == "badges":
        badges = context.content.needed.badges if context.content.needed else None
        return "" if "badges.xml" in context.writer and (badges is None or item in badges) else None
    item_type = structure.item_types("files").get((component, area), "")
    if item_type in LISTED:
        return "" if item in context.references.mentioned(item_type) else None
    return "" if component == "grade" and "gradebook.xml" in context.writer else None


def _add_content(context: BackupContext, sha1: str, size: int, there: set[str]) -> bool:
    """Add a content to the archive unless it has it already; False if it is not among those that are `there`."""
    path = _member(sha1)
    if path in context.writer:
        return True
    if sha1 == EMPTY:
        context.writer.content(path, 0, io.BytesIO)
        context.contents += 1
        return True
    if sha1 not in there:
        return False
    context.writer.content(path, size, partial(pool.open_content, sha1))
    context.contents += 1
    context.content_bytes += size
    return True


def write_references(context: BackupContext) -> Iterator[StepEvent]:
    """Write `inforef.xml` of the course, and of each section, activity and block."""
    item_types = [
        item_type
        for item_type in GROUPS
        if any(context.selection.comes(member) for member in members.holding(item_type))
    ]
    for owner, path in context.content.folders.items():
        with context.writer.member(f"{path}/{layout.INFOREF}") as stream:
            stream.write(_references(context, owner, item_types).encode())
    yield 0


def _listed_ids(context: BackupContext, owner: str, item_type: str) -> set[int]:
    """Return the ids of an item type that the owner's `inforef.xml` lists: those referenced, without any that is not exported,
    such as the grade item of an activity that is left out."""
    found = context.references.by_owner[owner]
    named = {number for number in found[item_type] if number > 0}
    if item_type in NOTED:
        there = set().union(
            *(one[written_key(item_type)] for one in list(context.references.by_owner.values()))
        )
        named &= there
        if item_type in LISTED_BY_OWNER:
            named |= found[written_key(item_type)]
    return named


def _references(context: BackupContext, owner: str, item_types: list[str]) -> str:
    """Return the text of an owner's `inforef.xml`: the ids of each item type, then the preserved groups."""
    lines = [xml.DECLARATION, "<inforef>\n"]
    for item_type in item_types:
        group, tag = GROUPS[item_type]
        numbers = (
            context.references.files[owner]
            if item_type == "file"
            else sorted(_listed_ids(context, owner, item_type))
        )
        if numbers:
            lines.append(f"  <{group}>\n")
            lines += [
                f"    <{tag}>\n      <id>{context.shown(item_type, n)}</id>\n    </{tag}>\n" for n in numbers
            ]
            lines.append(f"  </{group}>\n")
    other = bytes(context.references.other[owner]).decode()
    return "".join([*lines, other, "</inforef>"])
