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
from courses.fields import Kind
from courses.models import Activity, Block, Course, KeptElement, KeptMember
from jobs.plan import Told
from restore.context import Restoration

PIECE = 1024 * 1024
BATCH = 500
BLOCK = re.compile(r"blocks/(?P<name>[a-z][a-z0-9_]*)_(?P<id>[0-9]{1,18})/(?P<member>[^/]+)\Z")

OWN_REFERENCES = frozenset(
    {"userref", "groupref", "groupingref", "roleref", "fileref", "scaleref", "outcomeref", "grade_itemref"}
)
"""What `inforef.xml` lists and a backup finds out by itself; the rest of it is kept."""


OF_PARTS = frozenset({"questions.xml", "scales.xml", "outcomes.xml"})
"""What a section or activity brings along into a course that exists; all else of the course stays that course's own."""


def keep_tops(restoration: Restoration) -> Iterator[Told]:
    """What stood beside the people and roles, whose members are read before there is a course to keep it for."""
    course = restoration.course
    assert course is not None
    loaders = (restoration.with_people, restoration.without_people)
    waiting = [(name, loader.keep(element, loader.people)) for loader in loaders for name, element in loader.waiting]
    rows = [KeptElement(course=course, kind=name, record=course.pk, xml=xml) for name, xml in waiting if xml]
    yield len(KeptElement.objects.bulk_create(rows))


def keep_members(restoration: Restoration) -> Iterator[Told]:
    """Every member that no model describes."""
    described = {layout.FILES, layout.MANIFEST, layout.LOG, "users.xml", "roles.xml", ".ARCHIVE_INDEX"}
    described |= {"course/course.xml", *structure.members_of(Course)}
    for path in sorted(restoration.archive.members):
        if path in described or described_block(path) or path.startswith(("files/", "activities/", "sections/")):
            continue
        if restoration.target.course is not None and path not in OF_PARTS:
            continue
        scope: layout.Scope = "course" if path.startswith("course/") else "archive"
        if _comes(restoration, path, scope, people=restoration.people):
            yield _keep(restoration, path, path, people=restoration.people)
    for entry in restoration.sections:
        section = restoration.ids.known("course_section", entry.sectionid)
        for path, inside in _inside(restoration, entry.directory):
            if inside != "section.xml" and _comes(restoration, inside, "section", people=restoration.people):
                yield _keep(restoration, path, inside, section=section, people=restoration.people)
    typed = {"module.xml", *structure.members_of(Activity)}
    for activity in restoration.activities:
        owner = restoration.ids.known("course_module", activity.moduleid)
        people = restoration.with_work(activity)
        main = {f"{activity.modulename}.xml"} if activity.modulename in activities.types() else set()
        for path, inside in _inside(restoration, activity.directory):
            unknown = inside not in typed | main and not described_block(inside)
            if unknown and _comes(restoration, inside, "activity", people=people):
                yield _keep(restoration, path, inside, activity=owner, people=people)


def _inside(restoration: Restoration, directory: str) -> Iterator[tuple[str, str]]:
    prefix = f"{directory}/"
    for path in sorted(restoration.archive.members):
        if path.startswith(prefix):
            yield path, path.removeprefix(prefix)


def _comes(restoration: Restoration, path: str, scope: layout.Scope, *, people: bool) -> bool:
    option = layout.option_of(path, scope)
    if option and not restoration.settings.allows(option):
        return False
    return people or not layout.needs_people(path, scope)


def _keep(
    restoration: Restoration,
    path: str,
    inside: str,
    *,
    activity: int | None = None,
    section: int | None = None,
    people: bool,
) -> int:
    """Keeps one member; 1 when there was something to keep."""
    inside = _renamed(restoration, inside)
    assert restoration.course is not None
    with restoration.archive.open(path) as stream:
        if not inside.endswith(".xml"):
            pieces: Iterable[bytes] = iter(lambda: stream.read(PIECE), b"")
        elif inside.rpartition("/")[2] == layout.INFOREF:
            pieces = _other_references(restoration, path)
        else:
            pieces = opaque.rewrite(
                stream,
                member=path,
                mapped=restoration.known,
                texts=lambda text: renumbered(restoration, text),
                serialised=lambda text: _renumbered_inside(restoration, text),
                people=people or not restoration.manifest.with_users,
            )
        rows = [
            KeptMember(
                course=restoration.course,
                activity_id=activity,
                section_id=section,
                path=inside,
                position=position,
                content=piece,
            )
            for position, piece in enumerate(_gather(pieces))
        ]
    KeptMember.objects.bulk_create(rows)
    return 1 if rows else 0


def described_block(path: str) -> bool:
    """Whether a member of a block's folder is one that models describe, or is made anew."""
    found = BLOCK.search(path)
    return found is not None and found["member"] in {"block.xml", layout.INFOREF, *structure.members_of(Block)}


def _renamed(restoration: Restoration, inside: str) -> str:
    """A path in a block's folder as the folder is called here."""

    def folder(found: re.Match[str]) -> str:
        new = restoration.ids.known("block_instance", int(found["id"]))
        return f"blocks/{found['name']}_{new}/{found['member']}"

    return BLOCK.sub(folder, inside)


def renumbered(restoration: Restoration, text: str) -> str:
    """XML text with tokens of this site's ids; a serialised value has the lengths that go with this site's addresses."""
    if "$@" not in text:
        return text
    known, original = restoration.known, restoration.original_root
    if serialised.VALUE.match(text):
        plain = links.relink(unescape(text), known=known, root=restoration.root, original=original)
        return xml.escape(links.encode(plain, root=restoration.root))
    return links.renumber(text, known=known, original=original)


def _renumbered_inside(restoration: Restoration, text: str) -> str:
    """The same for plain text inside the configuration of a block, whose lengths are those of the tokens."""
    return links.renumber(text, known=restoration.known, original=restoration.original_root)


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


def _other_references(restoration: Restoration, path: str) -> Iterator[bytes]:
    """What an `inforef.xml` says of other kinds, with the ids of what came; its entries are named after the kinds."""
    root = xml.parse(restoration.archive.read(path), member=path)
    for group in root:
        if group.tag in OWN_REFERENCES:
            continue
        for entry in list(group):
            _renumber(restoration, entry)
        listed = set()
        for entry in list(group):
            if (number := entry.findtext("id")) in listed:
                group.remove(entry)
            listed.add(number)
        if len(group):
            group.tail = "\n"
            yield etree.tostring(group, encoding="utf-8")


def _renumber(restoration: Restoration, entry: etree._Element) -> None:
    """Gives an entry of an `inforef.xml` its new id, or takes it out when what it names did not come."""
    for number in entry.iter("id"):
        text = number.text or ""
        new = restoration.known(str(entry.tag), int(text)) if xml.is_id(text) else None
        if new is None:
            group = entry.getparent()
            if group is not None:
                group.remove(entry)
            return
        number.text = str(restoration.joined.get((str(entry.tag), new), new))


def decode_links(restoration: Restoration) -> Iterator[Told]:
    """Turns the tokens in people's texts into addresses of this site, now that all ids are known."""
    for loader in (restoration.with_people, restoration.without_people):
        loader.flush()
        for (table, field), ids in loader.linked.items():
            numbers = iter(ids)
            while batch := list(islice(numbers, BATCH)):
                _decode(restoration, table, field, batch)
                yield 0
    yield from _renumber_kept_elements(restoration)


def _decode(restoration: Restoration, table: str, field: Kind, batch: list[int]) -> None:
    column = field.column  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, "{column}" FROM "{table}" WHERE id = ANY(%s)', [batch])
        changed = []
        for number, text in cursor.fetchall():
            decoded = field.relink(
                text, known=restoration.known, root=restoration.root, original=restoration.original_root
            )
            if decoded != text:
                changed.append((number, decoded))
        if changed:
            cursor.execute(
                f'UPDATE "{table}" SET "{column}" = new.text FROM unnest(%s::bigint[], %s::text[]) AS new(id, text)'
                f' WHERE "{table}".id = new.id',
                [[number for number, _ in changed], [text for _, text in changed]],
            )


def _renumber_kept_elements(restoration: Restoration) -> Iterator[Told]:
    elements = KeptElement.objects.filter(course=restoration.course).filter(
        Q(xml__contains="$@") | Q(xml__contains=f"<{opaque.SERIALISED}>")
    )
    for element in elements.iterator():
        text = opaque.rewrite_element(
            xml.parse(element.xml.encode(), member="a kept element"),
            mapped=lambda _, number: number,
            texts=lambda text: renumbered(restoration, text),
            serialised=lambda text: _renumbered_inside(restoration, text),
        )
        if text != element.xml:
            KeptElement.objects.filter(pk=element.pk).update(xml=text)
    yield 0
