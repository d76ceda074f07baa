"""The steps of a backup for files: which come along, `files.xml`, their contents, and `inforef.xml` of everything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from archive import layout, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from backup.context import COURSE_OWNER, Composition, folder
from backup.steps import Target, weave
from backup.weave import NOTED, written
from courses import bulk, pool, structure
from courses.file_areas import is_bank, is_work, option_of
from courses.models import File, User
from courses.models.files import EMPTY
from jobs.plan import Told

LISTED_BY_OWNER = frozenset({"grade_item"})
"""The kinds that the list of the owner names which they are written with; of the other noted ones it names what it uses."""

OPTIONS = {"group": "groups", "grouping": "groups", "question_category": "questionbank"}
"""The options without which `inforef.xml` does not list a kind, since there is nothing that it could refer to."""

FACTS = "SELECT id, contenthash, filesize, contextid, component, filearea, itemid, filename FROM courses_file"


def write_files(composition: Composition) -> Iterator[Told]:
    """`files.xml`, and the contents that the archive will hold."""
    ids: list[int] = []
    if composition.settings.allows("files"):
        missing: set[str] = set()
        places = composition.places
        for row in _candidates(composition):
            owner = _owner(composition, places, row)
            if owner is None:
                continue
            number, sha1, size, *_, name = row
            if not _give(composition, sha1, size):
                if sha1 not in missing:
                    missing.add(sha1)
                    yield _gone(name, sha1)
                continue
            ids.append(number)
            composition.files[owner].append(number)
    member = Target(
        0, layout.FILES, "<files>\n", "</files>", "", layout.top("archive", layout.FILES), composition.course.pk
    )
    yield from weave(composition, (structure.element(File),), [member], ids=ids, people=ids, listed=True)
    composition.references.pop("", None)


def _gone(name: str, sha1: str) -> Finding:
    return Finding(
        "warning",
        "content-gone",
        f"The content of the file “{name}” is not in the pool any more; the file is left out.",
        f"content {sha1}",
        "Bring the content back from a backup of the server, then back up again.",
    )


def _candidates(composition: Composition) -> Iterator[tuple[Any, ...]]:
    """The files of the course, and those of the people who come along, unless they are hidden."""
    for batch in bulk.stream(f"{FACTS} WHERE course_id = %(course)s ORDER BY id", {"course": composition.course.pk}):
        yield from batch
    if composition.people and not composition.anonymous:
        people: set[int] = set()
        for references in composition.references.values():
            people |= references["user"]
        contexts = list(User.objects.filter(pk__in=people).values_list("contextid", flat=True))
        sql = f"{FACTS} WHERE component = 'user' AND contextid = ANY(%(contexts)s) ORDER BY id"
        for batch in bulk.stream(sql, {"contexts": contexts}):
            yield from batch


def _owner(composition: Composition, places: dict[int, str], row: tuple[Any, ...]) -> str | None:
    """Whose `inforef.xml` lists a file ("" for none's); None when the file does not come along."""
    _, _, _, context, component, area, item, _ = row
    place = places.get(context)
    if component == "user":
        return ""
    if is_bank(component, area):
        return "" if context in composition.banks else None
    if place is None or not _allowed(composition, place, component, area, item):
        return None
    if place != COURSE_OWNER:
        return place
    if (component, area) == ("course", "section"):
        name = f"section_{item}"
        return name if name in composition.section_names else None
    if composition.kind == "course":
        listed = component in {"course", "calendar", "contentbank"} or component.startswith("customfield_")
        return COURSE_OWNER if listed else ""
    return _of_part(composition, component, item)


def _of_part(composition: Composition, component: str, item: int) -> str | None:
    """What of the course's own files a part of the course brings along: those of its groups and badges."""
    if component in {"group", "grouping"}:
        mentioned = (references[component] for references in composition.references.values())
        return "" if any(item in numbers for numbers in mentioned) else None
    if component == "badges":
        return "" if "badges.xml" in composition.writer else None
    return None


def _allowed(composition: Composition, place: str, component: str, area: str, item: int) -> bool:
    """Whether the choices let files of an area come along."""
    option = option_of(component, area)
    if option and not composition.settings.allows(option):
        return False
    if place in composition.working:
        return True
    return not is_work(component, area, item, held=lambda model, number: number in composition.numbers(model))


def _give(composition: Composition, sha1: str, size: int) -> bool:
    """Sees to it that the archive gets a content once; False when the pool does not have it."""
    path = f"files/{sha1[:2]}/{sha1}"
    if path in composition.writer:
        return True
    if not pool.exists(sha1):
        if sha1 != EMPTY:
            return False
        composition.writer.content(path, 0, io.BytesIO)
        return True
    composition.writer.content(path, size, partial(pool.open_content, sha1))
    composition.contents += 1
    composition.content_bytes += size
    return True


def write_references(composition: Composition) -> Iterator[Told]:
    """`inforef.xml` of the course, and of each section, activity and block."""
    folders = {f"section_{section.pk}": f"sections/section_{section.pk}" for section in composition.sections}
    folders |= {folder(activity): f"activities/{folder(activity)}" for activity in composition.activities}
    folders |= {place: place for place in composition.block_folders.values()}
    if composition.kind == "course":
        folders[COURSE_OWNER] = "course"
    for owner, path in folders.items():
        with composition.writer.member(f"{path}/{layout.INFOREF}") as stream:
            stream.write(_references(composition, owner).encode())
    yield 0


def _left_out(composition: Composition, kind: str) -> bool:
    """Whether the choices leave out what a reference of a kind could refer to."""
    return kind in OPTIONS and not composition.settings.allows(OPTIONS[kind])


def _named(composition: Composition, owner: str, kind: str) -> set[int]:
    """What a list of references names of a kind; not what stays behind, such as the grade items of an activity that does."""
    found = composition.references[owner]
    named = {number for number in found[kind] if number > 0}
    if kind in NOTED:
        there = set().union(*(one[written(kind)] for one in list(composition.references.values())))
        named &= there
        if kind in LISTED_BY_OWNER:
            named |= found[written(kind)]
    return named


def _references(composition: Composition, owner: str) -> str:
    parts = [xml.DECLARATION, "<inforef>\n"]
    for kind, (group, tag) in GROUPS.items():
        numbers = composition.files[owner] if kind == "file" else sorted(_named(composition, owner, kind))
        if (kind == "user" and not composition.people) or _left_out(composition, kind):
            continue
        if numbers:
            parts.append(f"  <{group}>\n")
            parts += [f"    <{tag}>\n      <id>{composition.shown(kind, n)}</id>\n    </{tag}>\n" for n in numbers]
            parts.append(f"  </{group}>\n")
    other = bytes(composition.other_references[owner]).decode()
    return "".join([*parts, other, "</inforef>"])

