"""The steps of a backup for files: which come along, `files.xml`, their contents, and `inforef.xml` of everything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from archive import layout, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from backup.context import COURSE_OWNER, BackupContext, folder
from backup.steps import Target, weave
from backup.weave import NOTED, written
from courses import bulk, pool, structure
from courses.file_areas import is_bank, is_userdata, option_of
from courses.models import File, User
from courses.models.files import EMPTY
from jobs.plan import StepEvent

LISTED_BY_OWNER = frozenset({"grade_item"})
"""The kinds that the list of the owner names which they are written with; of the other noted ones it names what it uses."""

OPTIONS = {"group": "groups", "grouping": "groups", "question_category": "questionbank"}
"""The options without which `inforef.xml` does not list a kind, since there is nothing that it could refer to."""

FACTS = "SELECT id, contenthash, filesize, contextid, component, filearea, itemid, filename FROM courses_file"


def write_files(context: BackupContext) -> Iterator[StepEvent]:
    """`files.xml`, and the contents that the archive will hold."""
    ids: list[int] = []
    if context.settings.allows("files"):
        missing: set[str] = set()
        places = context.places
        for row in _candidates(context):
            owner = _owner(context, places, row)
            if owner is None:
                continue
            number, sha1, size, *_, name = row
            if not _give(context, sha1, size):
                if sha1 not in missing:
                    missing.add(sha1)
                    yield _gone(name, sha1)
                continue
            ids.append(number)
            context.files[owner].append(number)
    member = Target(
        0, layout.FILES, "<files>\n", "</files>", "", layout.top("archive", layout.FILES), context.course.pk
    )
    yield from weave(context, (structure.element(File),), [member], ids=ids, people=ids, listed=True)
    context.references.pop("", None)


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
    if context.people and not context.anonymous:
        people: set[int] = set()
        for references in context.references.values():
            people |= references["user"]
        contexts = list(User.objects.filter(pk__in=people).values_list("contextid", flat=True))
        sql = f"{FACTS} WHERE component = 'user' AND contextid = ANY(%(contexts)s) ORDER BY id"
        for batch in bulk.stream(sql, {"contexts": contexts}):
            yield from batch


def _owner(context: BackupContext, places: dict[int, str], row: tuple[Any, ...]) -> str | None:
    """Whose `inforef.xml` lists a file ("" for none's); None when the file does not come along."""
    _, _, _, contextid, component, area, item, _ = row
    place = places.get(contextid)
    if component == "user":
        return ""
    if is_bank(component, area):
        return "" if contextid in context.banks else None
    if place is None or not _allowed(context, place, component, area, item):
        return None
    if place != COURSE_OWNER:
        return place
    if (component, area) == ("course", "section"):
        name = f"section_{item}"
        return name if name in context.section_names else None
    if context.archive_type == "course":
        listed = component in {"course", "calendar", "contentbank"} or component.startswith("customfield_")
        return COURSE_OWNER if listed else ""
    return _of_part(context, component, item)


def _of_part(context: BackupContext, component: str, item: int) -> str | None:
    """What of the course's own files a part of the course brings along: those of its groups and badges."""
    if component in {"group", "grouping"}:
        mentioned = (references[component] for references in context.references.values())
        return "" if any(item in numbers for numbers in mentioned) else None
    if component == "badges":
        return "" if "badges.xml" in context.writer else None
    return None


def _allowed(context: BackupContext, place: str, component: str, area: str, item: int) -> bool:
    """Whether the choices let files of an area come along."""
    option = option_of(component, area)
    if option and not context.settings.allows(option):
        return False
    if place in context.userdata_owners:
        return True
    return not is_userdata(component, area, item, held=lambda model, number: number in context.numbers(model))


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
    folders = {f"section_{section.pk}": f"sections/section_{section.pk}" for section in context.sections}
    folders |= {folder(activity): f"activities/{folder(activity)}" for activity in context.activities}
    folders |= {place: place for place in context.block_folders.values()}
    if context.archive_type == "course":
        folders[COURSE_OWNER] = "course"
    for owner, path in folders.items():
        with context.writer.member(f"{path}/{layout.INFOREF}") as stream:
            stream.write(_references(context, owner).encode())
    yield 0


def _left_out(context: BackupContext, item_type: str) -> bool:
    """Whether the choices leave out what a reference of a kind could refer to."""
    return item_type in OPTIONS and not context.settings.allows(OPTIONS[item_type])


def _named(context: BackupContext, owner: str, item_type: str) -> set[int]:
    """What a list of references names of a kind; not what stays behind, such as the grade items of an activity that does."""
    found = context.references[owner]
    named = {number for number in found[item_type] if number > 0}
    if item_type in NOTED:
        there = set().union(*(one[written(item_type)] for one in list(context.references.values())))
        named &= there
        if item_type in LISTED_BY_OWNER:
            named |= found[written(item_type)]
    return named


def _references(context: BackupContext, owner: str) -> str:
    archived_models = [xml.DECLARATION, "<inforef>\n"]
    for item_type, (group, tag) in GROUPS.items():
        numbers = context.files[owner] if item_type == "file" else sorted(_named(context, owner, item_type))
        if (item_type == "user" and not context.people) or _left_out(context, item_type):
            continue
        if numbers:
            archived_models.append(f"  <{group}>\n")
            archived_models += [
                f"    <{tag}>\n      <id>{context.shown(item_type, n)}</id>\n    </{tag}>\n" for n in numbers
            ]
            archived_models.append(f"  </{group}>\n")
    other = bytes(context.other_references[owner]).decode()
    return "".join([*archived_models, other, "</inforef>"])
