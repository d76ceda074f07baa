"""The steps of a backup that write opaque members again, and empty members where Moodle expects one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby

from lxml import etree

from archive import layout, opaque, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from archive.judgement import part_of
from archive.numbers import whole_or
from archive.streams import Pieces
from backup.content import folder
from backup.context import BackupContext
from courses.models import OpaqueMember
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER


def write_opaque(context: BackupContext) -> Iterator[StepEvent]:
    """Write every opaque member of what comes along. Yields 1 for each, 0 for an `inforef.xml` and for one that stays away."""
    activities = {activity.pk: folder(activity) for activity in context.content.activities}
    sections = {section.pk for section in context.content.sections}
    rows = OpaqueMember.objects.filter(course=context.course).order_by(
        "path", "activity", "section", "id", "position"
    )
    for (path, activity, section), group in groupby(
        rows.iterator(chunk_size=8), key=lambda row: (row.path, row.activity_id, row.section_id)
    ):
        if activity is not None:
            owner = activities.get(activity)
            if owner and context.selection.comes(layout.find("activity", path), owner):
                yield _write(context, f"activities/{owner}/{path}", path, group, owner, activity)
        elif section is not None:
            owner = f"section_{section}"
            if section in sections and context.selection.comes(layout.find("section", path), owner):
                yield _write(context, f"sections/{owner}/{path}", path, group, owner)
        elif context.opaque.shares(path) and context.selection.comes(layout.find(_scope(path), path)):
            yield _write(context, path, path, group, COURSE_OWNER if path.startswith("course/") else path)


def _scope(path: str) -> layout.Scope:
    """Return the scope of a member that is of no section or activity."""
    return "course" if path.startswith("course/") else "archive"


def _write(
    context: BackupContext,
    full: str,
    path: str,
    rows: Iterator[OpaqueMember],
    owner: str,
    activity: int | None = None,
) -> int:
    """Write one opaque member from its stored pieces; return the number of records, 1, or 0 for an `inforef.xml`.

    `full` is its path in the archive, `path` that below its owner. `write_references` writes an `inforef.xml`.
    """
    userdata = context.selection.with_userdata(owner if owner in context.content.folders else COURSE_OWNER)
    referrer = full[: full.rindex("/")] if "blocks/" in path else owner
    if path.rpartition("/")[2] == layout.INFOREF:
        _note_listed(context, referrer, b"".join(bytes(row.content) for row in rows))
        return 0

    shows = context.opaque.shows(userdata)
    part = part_of(full)
    if not shows and not path.endswith(".xml"):
        context.opaque.left_out.counter(part)["members"] += 1
        for _ in rows:
            pass
        return 0
    mapped = context.opaque.noting(context.references.by_owner[referrer])
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
        who = context.opaque.who(part, activity, hides=not userdata)
        for piece in opaque.rewrite(
            io.BufferedReader(source),
            member=full,
            mapped=mapped,
            people=shows,
            groups=context.opaque.without_groups,
            who=who,
        ):
            stream.write(piece)
    return 1


def _note_listed(context: BackupContext, referrer: str, groups: bytes) -> None:
    """Note the ids that the preserved groups of an `inforef.xml` list; groups of unknown item types are written unchanged."""
    own = {group: item_type for item_type, (group, _) in GROUPS.items()}
    for group in xml.parse(b"<inforef>%s</inforef>" % groups, member=layout.INFOREF):
        item_type = own.get(str(group.tag))
        if item_type == "user":
            continue  # Whoever is named in what is written is noted there.
        if item_type not in (None, "file") and referrer == COURSE_OWNER and context.content.needed:
            continue  # The course's list names what activities need that are left out.
        if item_type is None:
            group.tail = "\n"
            context.references.other[referrer] += etree.tostring(group, encoding="utf-8")
            continue
        numbers = (whole_or(number.text) for number in group.iter("id"))
        # Scales are noted by negative numbers here, which `_listed_ids` leaves out.
        context.references.by_owner[referrer][item_type].update(
            -n if item_type == "scale" else n for n in numbers
        )


class _Numbering:
    """`groupby` key: position 0 starts a new document."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, row: OpaqueMember) -> int:
        self._number += row.position == 0
        return self._number


def _merged(documents: list[bytes], member: str) -> bytes:
    """Merge documents of the same member into one with the records of all of them, each once."""
    first, *others = (xml.parse(document, member=member) for document in documents)
    there = {etree.tostring(record, with_tail=False) for record in first}
    for other in others:
        for record in other:
            if etree.tostring(record, with_tail=False) not in there:
                first.append(record)
    return etree.tostring(first, encoding="utf-8")


def report_left_out(context: BackupContext) -> Iterator[Finding]:
    """Yield a finding for each kind of opaque content of which something stays away, since it may be about people."""
    yield from context.opaque.left_out.findings()


def write_empty(context: BackupContext) -> Iterator[StepEvent]:
    """Write an empty member wherever Moodle expects one that no step has written."""
    owners: list[tuple[layout.Scope, str]] = [("archive", ""), ("course", "")]
    owners += [("activity", f"activities/{folder(activity)}/") for activity in context.content.activities]
    for scope, prefix in owners:
        for member in layout.members(scope):
            path = prefix + member.path
            if (
                not member.optional
                and "{" not in path
                and context.archive_type in member.archive_types
                and (context.selection.people or not member.userdata)
                and (
                    context.archive_type == "course"
                    or not member.with_all_grades
                    or context.content.has_all_grades
                )
                and path not in context.writer
            ):
                with context.writer.member(path) as stream:
                    stream.write(member.skeleton())
    yield 0
