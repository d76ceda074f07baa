"""What no model describes: kept as the archive has it, with this site's ids, and links put right everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from xml.sax.saxutils import unescape

from django.db import connection
from django.db.models import Q
from lxml import etree

from archive import layout, opaque, serialised, xml
from courses import activities, links, structure
from courses.fields import ArchiveField
from courses.models import Activity, Block, Course, OpaqueElement, OpaqueMember
from jobs.plan import StepEvent
from restore.context import RestoreContext
from restore.owners import folder

PIECE = 1024 * 1024
BATCH = 500
BLOCK = re.compile(r"blocks/(?P<name>[a-z][a-z0-9_]*)_(?P<id>[0-9]{1,18})/(?P<member>[^/]+)\Z")

OWN_REFERENCES = frozenset(
    {"userref", "groupref", "groupingref", "roleref", "fileref", "scaleref", "outcomeref", "grade_itemref"}
)
"""What `inforef.xml` lists and a backup finds out by itself; the rest of it is kept."""


def preserve_tops(context: RestoreContext) -> Iterator[StepEvent]:
    """What stood beside the people and roles, whose members are read before there is a course to keep it for."""
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
    yield len(OpaqueElement.objects.bulk_create(rows))


def preserve_members(context: RestoreContext) -> Iterator[StepEvent]:
    """Every member that no model describes."""
    described = {layout.FILES, layout.MANIFEST, layout.LOG, "users.xml", "roles.xml", ".ARCHIVE_INDEX"}
    described |= {"course/course.xml", *structure.members_of(Course)}
    for path in sorted(context.archive.members):
        if (
            path in described
            or described_block(path)
            or path.startswith(("files/", "activities/", "sections/"))
        ):
            continue
        if context.target.course is not None:
            continue  # What is said of the whole course stays that course's own.
        scope: layout.Scope = "course" if path.startswith("course/") else "archive"
        if context.selection.comes(layout.find(scope, path)):
            yield _keep(context, path, path, people=context.selection.people)
    for entry in context.sections:
        section = context.ids.known("course_section", entry.sectionid)
        for path, inside in _inside(context, entry.directory):
            comes = context.selection.comes(layout.find("section", inside), f"section_{entry.sectionid}")
            if inside != "section.xml" and comes:
                yield _keep(context, path, inside, section=section, people=context.selection.people)
    typed = {"module.xml", *structure.members_of(Activity)}
    for activity in context.activities:
        owner = context.ids.known("course_module", activity.moduleid)
        people = context.selection.with_userdata(folder(activity))
        main = {f"{activity.modulename}.xml"} if activity.modulename in activities.types() else set()
        for path, inside in _inside(context, activity.directory):
            unknown = inside not in typed | main and not described_block(inside)
            if unknown and context.selection.comes(layout.find("activity", inside), folder(activity)):
                yield _keep(context, path, inside, activity=owner, people=people)


def _inside(context: RestoreContext, directory: str) -> Iterator[tuple[str, str]]:
    prefix = f"{directory}/"
    for path in sorted(context.archive.members):
        if path.startswith(prefix):
            yield path, path.removeprefix(prefix)


def _keep(
    context: RestoreContext,
    path: str,
    inside: str,
    *,
    activity: int | None = None,
    section: int | None = None,
    people: bool,
) -> int:
    """Keeps one member; 1 when there was something to keep."""
    inside = _renamed(context, inside)
    assert context.course is not None
    with context.archive.open(path) as stream:
        if not inside.endswith(".xml"):
            pieces: Iterable[bytes] = iter(lambda: stream.read(PIECE), b"")
        elif inside.rpartition("/")[2] == layout.INFOREF:
            pieces = _other_references(context, path)
        else:
            pieces = opaque.rewrite(
                stream,
                member=path,
                mapped=context.known,
                texts=lambda text: renumbered(context, text),
                serialised=lambda text: _renumbered_inside(context, text),
                people=people or not context.manifest.with_users,
            )
        rows = [
            OpaqueMember(
                course=context.course,
                activity_id=activity,
                section_id=section,
                path=inside,
                position=position,
                content=piece,
            )
            for position, piece in enumerate(_gather(pieces))
        ]
    OpaqueMember.objects.bulk_create(rows)
    return 1 if rows else 0


def described_block(path: str) -> bool:
    """Whether a member of a block's folder is one that models describe, or is made anew."""
    found = BLOCK.search(path)
    return found is not None and found["member"] in {
        "block.xml",
        layout.INFOREF,
        *structure.members_of(Block),
    }


def _renamed(context: RestoreContext, inside: str) -> str:
    """A path in a block's folder as the folder is called here."""

    def folder(found: re.Match[str]) -> str:
        new = context.ids.known("block_instance", int(found["id"]))
        return f"blocks/{found['name']}_{new}/{found['member']}"

    return BLOCK.sub(folder, inside)


def renumbered(context: RestoreContext, text: str) -> str:
    """XML text with tokens of this site's ids; a serialised value has the lengths that go with this site's addresses."""
    if "$@" not in text:
        return text
    known, original = context.known, context.original_root
    if serialised.VALUE.match(text):
        plain = links.relink(unescape(text), known=known, root=context.root, original=original)
        return xml.escape(links.encode(plain, root=context.root))
    return links.renumber(text, known=known, original=original)


def _renumbered_inside(context: RestoreContext, text: str) -> str:
    """The same for plain text inside the configuration of a block, whose lengths are those of the tokens."""
    return links.renumber(text, known=context.known, original=context.original_root)


def _gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of about a megabyte."""
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= PIECE:
            yield bytes(block[:PIECE])
            del block[:PIECE]
    if block:
        yield bytes(block)


def _other_references(context: RestoreContext, path: str) -> Iterator[bytes]:
    """What an `inforef.xml` says of other kinds, with the ids of what came; its entries are named after the kinds."""
    root = xml.parse(context.archive.read(path), member=path)
    for group in root:
        if group.tag in OWN_REFERENCES:
            continue
        for entry in list(group):
            _renumber(context, entry)
        listed = set()
        for entry in list(group):
            if (number := entry.findtext("id")) in listed:
                group.remove(entry)
            listed.add(number)
        if len(group):
            group.tail = "\n"
            yield etree.tostring(group, encoding="utf-8")


def _renumber(context: RestoreContext, entry: etree._Element) -> None:
    """Gives an entry of an `inforef.xml` its new id, or takes it out when what it names did not come."""
    for number in entry.iter("id"):
        text = number.text or ""
        new = context.known(str(entry.tag), int(text)) if xml.is_id(text) else None
        if new is None:
            group = entry.getparent()
            if group is not None:
                group.remove(entry)
            return
        number.text = str(context.joined.get((str(entry.tag), new), new))


def decode_links(context: RestoreContext) -> Iterator[StepEvent]:
    """Turns the tokens in people's texts into addresses of this site, now that all ids are known."""
    context.loaders.flush()
    for loader in context.loaders:
        for (table, field), ids in loader.linked.items():
            numbers = iter(ids)
            while batch := list(islice(numbers, BATCH)):
                _decode(context, table, field, batch)
                yield 0
    yield from _renumber_opaque_elements(context)


def _decode(context: RestoreContext, table: str, field: ArchiveField, batch: list[int]) -> None:
    column = field.column
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, "{column}" FROM "{table}" WHERE id = ANY(%s)', [batch])
        changed = []
        for number, text in cursor.fetchall():
            decoded = field.relink(
                text, known=context.known, root=context.root, original=context.original_root
            )
            if decoded != text:
                changed.append((number, decoded))
        if changed:
            cursor.execute(
                f'UPDATE "{table}" SET "{column}" = new.text FROM unnest(%s::bigint[], %s::text[]) AS new(id, text)'
                f' WHERE "{table}".id = new.id',
                [[number for number, _ in changed], [text for _, text in changed]],
            )


def _renumber_opaque_elements(context: RestoreContext) -> Iterator[StepEvent]:
    elements = OpaqueElement.objects.filter(course=context.course).filter(
        Q(xml__contains="$@") | Q(xml__contains=f"<{opaque.SERIALISED}>")
    )
    for element in elements.iterator():
        text = opaque.rewrite_element(
            xml.parse(element.xml.encode(), member="a kept element"),
            mapped=lambda _, number: number,
            texts=lambda text: renumbered(context, text),
            serialised=lambda text: _renumbered_inside(context, text),
        )
        if text != element.xml:
            OpaqueElement.objects.filter(pk=element.pk).update(xml=text)
    yield 0
