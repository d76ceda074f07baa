"""The steps of a backup for what no model describes: kept members are written again, and empty ones where Moodle wants them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby

from lxml import etree

from archive import layout, opaque, xml
from archive.inforef import GROUPS
from archive.streams import Pieces
from backup.context import COURSE_OWNER, BackupContext, folder
from courses.models import OpaqueMember
from jobs.plan import StepEvent


def write_opaque(context: BackupContext) -> Iterator[StepEvent]:
    """Every kept member that belongs to what comes along."""
    owners = {activity.pk: activity for activity in context.activities}
    sections = {section.pk for section in context.sections}
    rows = OpaqueMember.objects.filter(course=context.course).order_by(
        "path", "activity", "section", "id", "position"
    )
    for (path, activity_id, section_id), group in groupby(
        rows.iterator(chunk_size=8), key=lambda row: (row.path, row.activity_id, row.section_id)
    ):
        if activity_id is not None:
            activity = owners.get(activity_id)
            if activity is not None and _comes(
                context, path, "activity", people=context.with_userdata(activity)
            ):
                where = f"activities/{folder(activity)}"
                people = context.with_userdata(activity)
                yield _write(context, f"{where}/{path}", path, group, folder(activity), people=people)
        elif section_id is not None:
            if section_id in sections and _comes(context, path, "section", people=context.people):
                name = f"section_{section_id}"
                yield _write(context, f"sections/{name}/{path}", path, group, name, people=context.people)
        elif context.shares(path) and _comes(
            context, path, "course" if path.startswith("course/") else "archive", people=context.people
        ):
            owner = COURSE_OWNER if path.startswith("course/") else path
            yield _write(context, path, path, group, owner, people=context.people)


def _comes(context: BackupContext, path: str, scope: layout.Scope, *, people: bool) -> bool:
    option = layout.option_of(path, scope)
    if option and not context.settings.allows(option):
        return False
    return people or not layout.needs_people(path, scope)


def _write(
    context: BackupContext, full: str, path: str, rows: Iterator[OpaqueMember], referrer: str, *, people: bool
) -> int:
    """Writes one kept member; 1, because it is one record."""
    if "blocks/" in path:
        referrer = full[: full.rindex("/")]
    if path.rpartition("/")[2] == layout.INFOREF:
        _tell(context, referrer, b"".join(bytes(row.content) for row in rows))
        return 0

    mapped = context.noting(context.references[referrer])
    documents = [list(document) for _, document in groupby(rows, key=_Numbering())]
    with context.writer.member(full) as stream:
        source: io.RawIOBase | io.BytesIO = Pieces(bytes(row.content) for row in documents[0])
        if len(documents) > 1:
            source = io.BytesIO(
                _merged([b"".join(bytes(row.content) for row in one) for one in documents], full)
            )
        if not path.endswith(".xml"):
            while block := source.read(xml.CHUNK):
                stream.write(block)
            return 1
        for piece in opaque.rewrite(io.BufferedReader(source), member=full, mapped=mapped, people=people):
            stream.write(piece)
    return 1


def _tell(context: BackupContext, referrer: str, groups: bytes) -> None:
    """Adds what a kept `inforef.xml` lists to what was found; groups of other kinds are written as they are."""
    own = {group: item_type for item_type, (group, _) in GROUPS.items()}
    for group in xml.parse(b"<inforef>%s</inforef>" % groups, member=layout.INFOREF):
        item_type = own.get(str(group.tag))
        if item_type is None:
            group.tail = "\n"
            context.other_references[referrer] += etree.tostring(group, encoding="utf-8")
            continue
        numbers = (int(number.text or 0) for number in group.iter("id"))
        # A scale is told by a negative number.
        context.references[referrer][item_type].update(-n if item_type == "scale" else n for n in numbers)


class _Numbering:
    """Tells the documents among pieces apart: each begins at position 0."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, row: OpaqueMember) -> int:
        self._number += row.position == 0
        return self._number


def _merged(documents: list[bytes], member: str) -> bytes:
    """Several documents of one member as one: the records of all of them, each once."""
    first, *others = (xml.parse(document, member=member) for document in documents)
    there = {etree.tostring(record, with_tail=False) for record in first}
    for other in others:
        for record in other:
            if etree.tostring(record, with_tail=False) not in there:
                first.append(record)
    return etree.tostring(first, encoding="utf-8")


def write_empty(context: BackupContext) -> Iterator[StepEvent]:
    """The members that Moodle wants to be there and that have nothing to hold."""
    places: list[tuple[layout.Scope, str, bool]] = [
        ("archive", "", context.people),
        ("course", "", context.people),
    ]
    places += [
        ("activity", f"activities/{folder(activity)}/", context.with_userdata(activity))
        for activity in context.activities
    ]
    for scope, prefix, people in places:
        for member in layout.members(scope):
            path = prefix + member.path
            if (
                not member.optional
                and "{" not in path
                and context.archive_type in member.archive_types
                and (people or not member.people or (scope == "activity" and context.people))
                and path not in context.writer
            ):
                with context.writer.member(path) as stream:
                    stream.write(member.skeleton())
    yield 0
