"""The blocks of a restore: load them, and leave out those of a course archive that the target course has already."""

from __future__ import annotations

from collections.abc import Iterator

from archive import layout
from courses import structure
from courses.changes import delete_blocks
from courses.models import Block
from jobs.plan import StepEvent
from restore.context import RestoreContext
from restore.members import course_of, integer_in, load_member, top_of
from restore.owners import BLOCK, attributes_of, block_owner, folder, owner_folders

SAME = ("blockname", "showinsubcontexts", "pagetypepattern", "subpagepattern", "defaultregion", "configdata")
"""Columns that tell whether two blocks of a course are the same, as in Moodle (`restore_block_instance_structure_step`)."""


def load_blocks(context: RestoreContext) -> Iterator[StepEvent]:
    """Load the blocks of the course and of the activities, with their roles and comments."""
    if not context.selection.comes(layout.find("block", "block.xml")):
        return
    owners = {f"{entry.directory}/": entry for entry in context.activities}
    archive_type, folders = context.manifest.archive_type, owner_folders(context.manifest)
    for path in sorted(context.archive.members):
        found = BLOCK.match(path)
        if found is None or (
            found["owner"] not in owners and (found["owner"] != "course/" or archive_type != "course")
        ):
            continue
        entry = owners.get(found["owner"])
        if entry is None and not context.needed.block_comes(path):
            continue
        activity = context.ids.mention("course_module", entry.moduleid) if entry else None
        people = context.selection.with_userdata(folder(entry)) if entry else context.selection.people
        fixed = {"activity_id": None if activity is None else str(activity)}
        attributes = attributes_of(context.archive, path)
        contextid = context.claims.claim(integer_in(attributes, "contextid", path), where=path)
        yield from load_member(context, path, (structure.element(Block),), fixed=fixed, people=people)
        block = context.ids.known("block_instance", integer_in(attributes, "id", path))
        joins = {"contextid": str(contextid), "id": str(block)}
        for member in structure.members_of(Block):
            inside = f"{found['folder']}{member}"
            comes = context.selection.comes(layout.find("block", member), block_owner(found, folders))
            if inside in context.archive and comes:
                body, top = (
                    structure.elements_in(Block, member),
                    top_of("block", member, block, people=people),
                )
                yield from load_member(context, inside, body, joins=joins, people=people, top=top)


def leave_out_same_blocks(context: RestoreContext) -> Iterator[StepEvent]:
    """Remove each block of the archive's course of which the target has one of the same type, place and configuration."""
    if context.target.course is not None and context.manifest.archive_type == "course":
        blocks = {block.pk: block for block in Block.objects.filter(course=course_of(context), activity=None)}
        arrived = context.ids.olds_of("block_instance", blocks)
        there = {_key(block) for pk, block in blocks.items() if pk not in arrived}
        same = [block for pk, block in blocks.items() if pk in arrived and _key(block) in there]
        delete_blocks(same)
        context.ids.withdraw("block_instance", [block.pk for block in same])
    yield 0


def _key(block: Block) -> tuple[object, ...]:
    return tuple(getattr(block, name) for name in SAME)
