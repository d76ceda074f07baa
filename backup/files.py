"""The steps of a backup for files: which come along, `files.xml`, their contents, and `inforef.xml` of everything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from archive import layout, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from backup.context import BackupContext
from backup.steps import MemberTarget, weave
from backup.weave import NOTED, written
from courses import bulk, members, pool, structure
from courses.file_areas import is_bank
from courses.models import File, User
from courses.models.files import EMPTY
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER, StoredFile

LISTED_BY_OWNER = frozenset({"grade_item"})
"""The kinds that the list of the owner names which they are written with; of the other noted ones it names what it uses."""

FACTS = "SELECT id, contenthash, filesize, contextid, component, filearea, itemid, filename FROM courses_file"


def write_files(context: BackupContext) -> Iterator[StepEvent]:
    """`files.xml`, and the contents that the archive will hold."""
    ids: list[int] = []
    if context.selection.allows("files"):
        missing: set[str] = set()
        for row in _candidates(context):
            owner = _owner(context, row)
            if owner is None:
                continue
            number, sha1, size, *_, name = row
            if not _give(context, sha1, size):
                if sha1 not in missing:
                    missing.add(sha1)
                    yield _gone(name, sha1)
                continue
            ids.append(number)
            context.references.files[owner].append(number)
    member = MemberTarget(
        0, layout.FILES, "<files>\n", "</files>", "", layout.top("archive", layout.FILES), context.course.pk
    )
    yield from weave(context, (structure.element(File),), [member], ids=ids, people=ids, listed=True)
    context.references.by_owner.pop("", None)


def _gone(name: str, sha1: str) -> Finding:
    return Finding(
        "warning",
        "content-gone",
        f"The content of the file “{name}” is not in the pool any more; the file is left out.",
        f"content {sha1}",
        "Bring the content back from a backup of the server, then back up again.",
    )


def _candidates(context: BackupContext) -> Iterator[tuple[Any, ...]]:
    """The files of the course, and those of the people who come along, unless they are hidden."""
    for batch in bulk.stream(
        f"{FACTS} WHERE course_id = %(course)s ORDER BY id", {"course": context.course.pk}
    ):
        yield from batch
    if context.selection.people and not context.selection.anonymous:
        people: set[int] = set()
        for references in context.references.by_owner.values():
            people |= references["user"]
        contexts = list(User.objects.filter(pk__in=people).values_list("contextid", flat=True))
        sql = f"{FACTS} WHERE component = 'user' AND contextid = ANY(%(contexts)s) ORDER BY id"
        for batch in bulk.stream(sql, {"contexts": contexts}):
            yield from batch


def _owner(context: BackupContext, row: tuple[Any, ...]) -> str | None:
    """Whose `inforef.xml` lists a file ("" for none's); None when the file does not come along."""
    _, _, _, contextid, component, area, item, _ = row
    owner = context.content.owner_of_context.get(contextid)
    if component == "user":
        return ""
    if not context.selection.comes(StoredFile(owner, component, area, item), held=context.content.has_record):
        return None
    if is_bank(component, area):
        return "" if contextid in context.references.banks else None
    if owner != COURSE_OWNER:
        return owner
    if (component, area) == ("course", "section"):
        name = f"section_{item}"
        return name if context.selection.includes(name) else None
    if context.archive_type == "course":
        listed = component in {"course", "calendar", "contentbank"} or component.startswith("customfield_")
        return COURSE_OWNER if listed else ""
    return _of_part(context, component, item)


def _of_part(context: BackupContext, component: str, item: int) -> str | None:
    """What of the course's own files a part of the course brings along: those of its groups and badges."""
    if component in {"group", "grouping"}:
        mentioned = (references[component] for references in context.references.by_owner.values())
        return "" if any(item in numbers for numbers in mentioned) else None
    if component == "badges":
        return "" if "badges.xml" in context.writer else None
    return None


def _give(context: BackupContext, sha1: str, size: int) -> bool:
    """Sees to it that the archive gets a content once; False when the pool does not have it."""
    path = f"files/{sha1[:2]}/{sha1}"
    if path in context.writer:
        return True
    if not pool.exists(sha1):
        if sha1 != EMPTY:
            return False
        context.writer.content(path, 0, io.BytesIO)
        return True
    context.writer.content(path, size, partial(pool.open_content, sha1))
    context.contents += 1
    context.content_bytes += size
    return True


def write_references(context: BackupContext) -> Iterator[StepEvent]:
    """`inforef.xml` of the course, and of each section, activity and block."""
    item_types = [
        item_type
        for item_type in GROUPS
        if any(context.selection.comes(member) for member in members.holding(item_type))
    ]
    for owner, path in context.content.folders.items():
        with context.writer.member(f"{path}/{layout.INFOREF}") as stream:
            stream.write(_references(context, owner, item_types).encode())
    yield 0


def _named(context: BackupContext, owner: str, item_type: str) -> set[int]:
    """What a list of references names of a kind; not what stays behind, such as the grade items of an activity that does."""
    found = context.references.by_owner[owner]
    named = {number for number in found[item_type] if number > 0}
    if item_type in NOTED:
        there = set().union(*(one[written(item_type)] for one in list(context.references.by_owner.values())))
        named &= there
        if item_type in LISTED_BY_OWNER:
            named |= found[written(item_type)]
    return named


def _references(context: BackupContext, owner: str, item_types: list[str]) -> str:
    """The text of an owner's `inforef.xml`: the ids of each item type, and what was preserved of it."""
    lines = [xml.DECLARATION, "<inforef>\n"]
    for item_type in item_types:
        group, tag = GROUPS[item_type]
        numbers = (
            context.references.files[owner]
            if item_type == "file"
            else sorted(_named(context, owner, item_type))
        )
        if numbers:
            lines.append(f"  <{group}>\n")
            lines += [
                f"    <{tag}>\n      <id>{context.shown(item_type, n)}</id>\n    </{tag}>\n" for n in numbers
            ]
            lines.append(f"  </{group}>\n")
    other = bytes(context.references.other[owner]).decode()
    return "".join([*lines, other, "</inforef>"])
