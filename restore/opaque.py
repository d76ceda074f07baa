"""The steps of a restore that preserve opaque members and elements with this site's ids, and decode links everywhere."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import IO, NamedTuple
from xml.sax.saxutils import unescape

from django.db import connection, transaction
from django.db.models import Q
from lxml import etree

from archive import layout, opaque, serialised, xml
from archive.errors import DamagedArchive
from archive.findings import Finding
from archive.inforef import GROUPS, read_inforef
from archive.judgement import SERIALISED, part_of
from archive.numbers import whole_or
from archive.users import people_listed
from courses import activities, links, structure
from courses.fields import ArchiveField, ConditionTree
from courses.models import Activity, Block, Course, OpaqueElement, OpaqueMember
from jobs.plan import StepEvent
from restore.absent import AbsentRecords
from restore.calculations import settle_calculations
from restore.conditions import settle_conditions
from restore.context import RestoreContext
from restore.loaders import noting
from restore.owners import folder

PIECE = 1024 * 1024
PIECES_TOGETHER = 8
"""Pieces of a member that are in memory at once."""

BATCH = 500
BLOCK = re.compile(r"blocks/(?P<name>[a-z][a-z0-9_]*)_(?P<id>[0-9]{1,18})/(?P<member>[^/]+)\Z")

FILES = GROUPS["file"][0]
FOUND_BY_BACKUP = frozenset(group for group, _ in GROUPS.values()) - {GROUPS["question_category"][0], FILES}
"""Groups of an `inforef.xml` that are not preserved, since a backup finds the ids itself.

Not those of files, of which some have no other owner (`RestoreContext.files_of_lists`). Not those of question categories:
an activity that no model describes may use questions in a way that only its list says, and its backup must export their
categories. `backup/opaque.py` merges the preserved list with the ids that the backup found.
"""


def preserve_tops(context: RestoreContext) -> Iterator[StepEvent]:
    """Store the opaque elements of `users.xml` and `roles.xml`, which are read before the course exists."""
    course = context.course
    assert course is not None
    waiting = [
        (name, loader.preserve(element, loader.people))
        for loader in context.loaders
        for name, element in loader.waiting
    ]
    rows = [
        OpaqueElement(course=course, item_type=name, record=course.pk, xml=xml)
        for name, xml in waiting
        if xml
    ]
    OpaqueElement.objects.bulk_create(rows)
    yield 0


def preserve_members(context: RestoreContext) -> Iterator[StepEvent]:
    """Store every member that no model describes. Yields 1 for each member, 0 for an empty one, and findings.

    All other links have been decoded: the findings about lost links count those here too.
    """
    described = {layout.FILES, layout.MANIFEST, layout.LOG, "users.xml", "roles.xml", ".ARCHIVE_INDEX"}
    described |= {"course/course.xml", *structure.members_of(Course)}
    own = OpaqueMember.objects.filter(course=context.course, activity=None, section=None)
    there = set(own.values_list("path", flat=True))
    ordered = sorted(context.archive.members)
    for path in ordered:
        if (
            path in described
            or described_block(path)
            or path.startswith(("files/", "activities/", "sections/"))
        ):
            continue
        if context.target.course is not None and (context.manifest.archive_type != "course" or path in there):
            continue  # A section or an activity changes nothing of the course that it goes into.
        scope: layout.Scope = "course" if path.startswith("course/") else "archive"
        if context.selection.comes(layout.find(scope, path)):
            _preserve(context, path, path, people=context.selection.people)
            yield 0
    for entry in context.sections:
        section = context.ids.known("course_section", entry.sectionid)
        for path, inside in _inside(ordered, entry.directory):
            comes = context.selection.comes(layout.find("section", inside), f"section_{entry.sectionid}")
            if inside != "section.xml" and comes:
                _preserve(context, path, inside, section=section, people=context.selection.people)
                yield 0
    typed = {"module.xml", *structure.members_of(Activity)}
    for activity in context.activities:
        owner = context.ids.known("course_module", activity.moduleid)
        people = context.selection.with_userdata(folder(activity))
        main = {f"{activity.modulename}.xml"} if activity.modulename in activities.types() else set()
        for path, inside in _inside(ordered, activity.directory):
            unknown = inside not in typed | main and not described_block(inside)
            if unknown and context.selection.comes(layout.find("activity", inside), folder(activity)):
                _preserve(context, path, inside, activity=owner, people=people)
                yield 0
    if named := context.loaders.opaque_people:
        _note_people(context, named)
    yield from context.loaders.left_out.findings()
    yield from context.lost_links.findings()


def _inside(ordered: Sequence[str], directory: str) -> Iterator[tuple[str, str]]:
    """Yield the members of a folder: path in the archive, path in the folder. `ordered` are all members by path."""
    prefix = f"{directory}/"
    # There are thousands of folders and many more members: those of a folder stand together.
    for position in range(bisect_left(ordered, prefix), len(ordered)):
        if not ordered[position].startswith(prefix):
            return
        yield ordered[position], ordered[position].removeprefix(prefix)


def _preserve(
    context: RestoreContext,
    path: str,
    inside: str,
    *,
    activity: int | None = None,
    section: int | None = None,
    people: bool,
) -> StepEvent:
    """Store one member for its activity, section or the course; return 1, or 0 if nothing of it is left.

    A member that cannot be read is left out: it returns a warning. One that is no XML is, where it may be about people who do
    not come along.
    """
    shows = people or not context.manifest.with_users
    if not shows and not inside.endswith(".xml"):
        context.loaders.left_out.counter(part_of(path))["members"] += 1
        return 0
    named: set[int] = set()
    rows = _rows_of(context, path, _renamed(context, inside), activity, section, named, shows=shows)
    stored = 0
    try:
        some = list(islice(rows, PIECES_TOGETHER))
        # A long member is stored piece by piece; of one that breaks off, nothing stays.
        with transaction.atomic() if len(some) == PIECES_TOGETHER else nullcontext():
            while some:
                stored += len(OpaqueMember.objects.bulk_create(some))
                some = list(islice(rows, PIECES_TOGETHER))
    except DamagedArchive as error:
        return Finding(
            "warning",
            "member-unreadable",
            f"The member cannot be read and is left out. {error.message}",
            error.where or path,
            "Nothing that is known here needs it. If a plugin does, get the archive again.",
        )
    if named:
        _note_people(context, named, activity=activity, section=section)
    return min(stored, 1)


def _rows_of(
    context: RestoreContext,
    path: str,
    inside: str,
    activity: int | None,
    section: int | None,
    named: set[int],
    *,
    shows: bool,
) -> Iterator[OpaqueMember]:
    """Yield the rows of one member; `inside` is its new path in its folder. Raises DamagedArchive.

    The new ids of the people in it are added to `named`.
    """
    with context.archive.open(path) as stream:
        if not inside.endswith(".xml"):
            pieces: Iterable[bytes] = iter(lambda: stream.read(PIECE), b"")
        elif inside.rpartition("/")[2] == layout.INFOREF:
            pieces = _other_references(context, path)
        else:
            pieces = _rewritten(context, stream, path, named, shows=shows)
        for position, piece in enumerate(_gather(pieces)):
            yield OpaqueMember(
                course=context.course,
                activity_id=activity,
                section_id=section,
                path=inside,
                position=position,
                content=piece,
            )


def _rewritten(
    context: RestoreContext, stream: IO[bytes], path: str, named: set[int], *, shows: bool
) -> Iterator[bytes]:
    """Return a member with this site's ids, in pieces; add the new ids of the people in it to `named`."""
    listed = people_listed(context.archive, path.rpartition("/")[0])
    return opaque.rewrite(
        stream,
        member=path,
        mapped=noting(context.known, named),
        texts=lambda text: renumbered(context, text),
        serialised=lambda text: _renumbered_inside(context, text),
        people=shows,
        groups=bool(context.lost_owners) or not context.selection.allows("groups"),
        who=context.loaders.who(part_of(path), hides=not shows, listed=listed),
    )


def _note_people(
    context: RestoreContext, people: Iterable[int], *, activity: int | None = None, section: int | None = None
) -> None:
    """Store a list of references to people, so that the next backup knows that the opaque content names them."""
    assert context.course is not None
    group, entry = GROUPS["user"]
    entries = "".join(f"<{entry}><id>{number}</id></{entry}>" for number in sorted(people))
    OpaqueMember.objects.create(
        course=context.course,
        activity_id=activity,
        section_id=section,
        path=layout.INFOREF if activity or section else f"course/{layout.INFOREF}",
        content=f"<{group}>{entries}</{group}>\n".encode(),
    )


def described_block(path: str) -> bool:
    """Whether a path is that of a block's member that a model describes."""
    found = BLOCK.search(path)
    return found is not None and found["member"] in {"block.xml", *structure.members_of(Block)}


def _renamed(context: RestoreContext, inside: str) -> str:
    """Return a path with the new id of its block, if it is in the folder of a block."""

    def folder(found: re.Match[str]) -> str:
        new = context.ids.known("block_instance", whole_or(found["id"]))
        return f"blocks/{found['name']}_{new}/{found['member']}"

    return BLOCK.sub(folder, inside)


def renumbered(context: RestoreContext, text: str) -> str:
    """Return XML text whose link tokens have this site's ids; lengths in a serialised value are those of this site's links."""
    if "$@" not in text:
        return text
    known, original = context.lost_links.known, context.original_root
    if serialised.VALUE.match(text):
        plain = links.relink(unescape(text), known=known, root=context.root, original=original)
        return xml.escape(links.encode(plain, root=context.root))
    return links.renumber(text, known=known, original=original)


def _renumbered_inside(context: RestoreContext, text: str) -> str:
    """Do the same for a string inside a block's configuration, whose lengths are those of the tokens."""
    return links.renumber(text, known=context.lost_links.known, original=context.original_root)


def _gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join or split pieces into blocks of 1 MB; the last one may be shorter."""
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= PIECE:
            yield bytes(block[:PIECE])
            del block[:PIECE]
    if block:
        yield bytes(block)


def _other_references(context: RestoreContext, path: str) -> Iterator[bytes]:
    """Yield the groups of an `inforef.xml` to preserve, with new ids, each id once. An entry's tag is its item type."""
    for group in read_inforef(context.archive, path, comes=lambda name: name not in FOUND_BY_BACKUP):
        for entry in list(group):
            _renumber(context, entry)
        if group.tag == FILES:
            for entry in list(group):
                if whole_or(entry.findtext("id")) not in context.files_of_lists:
                    group.remove(entry)
        listed = set()
        for entry in list(group):
            if (number := entry.findtext("id")) in listed:
                group.remove(entry)
            listed.add(number)
        if len(group):
            group.tail = "\n"
            yield etree.tostring(group, encoding="utf-8")


def _renumber(context: RestoreContext, entry: etree._Element) -> None:
    """Give an entry of an `inforef.xml` its new id, or remove it if its record was not restored."""
    for number in entry.iter("id"):
        text = number.text or ""
        new = context.known(str(entry.tag), whole_or(text)) if xml.is_id(text) else None
        if new is None:
            group = entry.getparent()
            if group is not None:
                group.remove(entry)
            return
        number.text = str(context.joined.get((str(entry.tag), new), new))


def decode_links(context: RestoreContext) -> Iterator[StepEvent]:
    """Replace the link tokens in texts by addresses of this site; all ids are known by now."""
    context.loaders.flush()
    absent = AbsentRecords(context)
    waiting: list[_Linked] = []
    for one in _linked(context):
        if isinstance(one.field, ConditionTree):
            yield from settle_conditions(context, absent, one.field, one.ids)
            _decode(context, [one], known=absent.new_id)
            yield 0
            continue
        if sum(len(linked.ids) for linked in (*waiting, one)) > BATCH:
            _decode(context, waiting, known=context.lost_links.known)
            waiting = []
            yield 0
        waiting.append(one)
    _decode(context, waiting, known=context.lost_links.known)
    yield from settle_calculations(context, absent)
    yield from _renumber_opaque_elements(context)


class _Linked(NamedTuple):
    """A column of a table, with the ids of rows that have links there: `BATCH` at most."""

    table: str
    field: ArchiveField
    ids: list[int]

    @property
    def column(self) -> str:
        """The column's name, quoted."""
        return f'"{self.field.column}"'


def _linked(context: RestoreContext) -> Iterator[_Linked]:
    """Yield the columns that have links, several times those of many rows."""
    for loader in context.loaders:
        for (table, field), ids in loader.linked.items():
            numbers = iter(ids)
            while batch := list(islice(numbers, BATCH)):
                yield _Linked(table, field, batch)


def _decode(context: RestoreContext, linked: list[_Linked], *, known: links.Known) -> None:
    """Decode the links in these columns, in two requests; `known` returns new ids."""
    if not linked:
        return
    queries = [
        f'SELECT {index}, id, {one.column}::text FROM "{one.table}" WHERE id = ANY(%s) AND {one.column} IS NOT NULL'
        for index, one in enumerate(linked)
    ]
    changed: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries), [one.ids for one in linked])
        for index, number, text in cursor.fetchall():
            field = linked[index].field
            decoded = field.relink(text, known=known, root=context.root, original=context.original_root)
            if decoded != text:
                changed[index].append((number, decoded))
        if changed:
            updates = [
                f'UPDATE "{one.table}" SET {one.column} = new.text FROM unnest(%s::bigint[], %s::text[]) AS new (id, text)'
                f' WHERE "{one.table}".id = new.id'
                for one in (linked[index] for index in changed)
            ]
            values = [list(column) for rows in changed.values() for column in zip(*rows, strict=True)]
            cursor.execute("; ".join(updates), values)


def _renumber_opaque_elements(context: RestoreContext) -> Iterator[StepEvent]:
    """Give the link tokens in the opaque elements of the archive the new ids; they stay tokens."""
    elements = OpaqueElement.objects.filter(course=context.course, pk__gt=context.last_opaque).filter(
        Q(xml__contains="$@") | Q(xml__contains=f"<{SERIALISED}>")
    )
    for element in elements.iterator():
        text = opaque.rewrite_element(
            xml.parse(element.xml.encode(), member="an opaque element"),
            mapped=lambda _, number: number,
            texts=lambda text: renumbered(context, text),
            serialised=lambda text: _renumbered_inside(context, text),
        )
        if text != element.xml:
            OpaqueElement.objects.filter(pk=element.pk).update(xml=text)
    yield 0
