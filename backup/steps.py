"""The steps of a backup of what is described: each writes members from one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from archive import layout, xml
from backup.content import folder
from backup.context import BackupContext
from backup.question_banks import CATEGORY
from backup.render import LISTED, bares_people, queries
from backup.weave import Output, Weaver
from courses import activities, structure
from courses.fields import ConditionTree
from courses.models import Activity, Block, Course, Role, Section, User
from courses.structure import Element, Wrapper
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER


@dataclass(frozen=True, slots=True)
class MemberTarget:
    """A member to write: whose records, at which path, inside which tags, and whose references they are. `top` is the name
    under which more of it was kept, for `record`."""

    owner: int
    path: str
    start: str
    end: str
    referrer: str
    top: str = ""
    record: int = 0


def write_course(context: BackupContext) -> Iterator[StepEvent]:
    """The members of the course itself, for the archive of a whole course."""
    if context.archive_type != "course":
        return
    course = context.course
    plain = MemberTarget(course.pk, "course/course.xml", "", "", COURSE_OWNER)
    yield from weave(context, (structure.element(Course),), [plain], depth=0)
    for member in layout.members("course"):
        if member.path in structure.members_of(Course) and context.selection.comes(member):
            target = _target(member, course.pk, member.path, COURSE_OWNER)
            body = structure.elements_in(Course, member.path)
            yield from weave(context, body, [target], owner=structure.element(Course))


def write_sections(context: BackupContext) -> Iterator[StepEvent]:
    """`section.xml` of each section."""
    targets = [
        MemberTarget(
            section.pk, f"sections/section_{section.pk}/section.xml", "", "", f"section_{section.pk}"
        )
        for section in context.content.sections
    ]
    yield from weave(context, (structure.element(Section),), targets, depth=0)


def write_activities(context: BackupContext) -> Iterator[StepEvent]:
    """The described members of each activity, type by type and member by member."""
    chosen = context.content.activities
    for name, model in activities.types().items():
        own = [activity for activity in chosen if activity.modulename == name]
        if own:
            targets = [_main(activity) for activity in own]
            people = [activity.instance for activity in own if activity in context.content.with_userdata]
            yield from weave(context, (structure.element(model),), targets, people=people)
    people = [activity.pk for activity in context.content.with_userdata]
    modules = [
        MemberTarget(activity.pk, f"activities/{folder(activity)}/module.xml", "", "", folder(activity))
        for activity in chosen
    ]
    yield from weave(context, (structure.element(Activity),), modules, people=people, depth=0)
    for member in layout.members("activity"):
        if member.path in structure.members_of(Activity):
            theirs = [activity for activity in chosen if context.selection.comes(member, folder(activity))]
            targets = [
                _target(member, activity.pk, f"activities/{folder(activity)}/{member.path}", folder(activity))
                for activity in theirs
            ]
            body = structure.elements_in(Activity, member.path)
            yield from weave(context, body, targets, owner=structure.element(Activity), people=people)


def write_blocks(context: BackupContext) -> Iterator[StepEvent]:
    """The described members of each block of what comes along."""
    chosen = context.content.block_folders
    people = [block.pk for block, folder in chosen.items() if context.selection.with_userdata(folder)]
    for member in layout.members("block"):
        typed = member.path == "block.xml" or member.path in structure.members_of(Block)
        if not typed:
            continue
        own = member.path == "block.xml"
        body = (structure.element(Block),) if own else structure.elements_in(Block, member.path)
        having = _having(body, [block.pk for block in chosen]) if member.optional else set()
        targets = [
            MemberTarget(block.pk, f"{folder}/{member.path}", "", "", folder)
            if own
            else _target(
                member, block.pk, f"{folder}/{member.path}", folder, attributes=_attributes(member, block)
            )
            for block, folder in chosen.items()
            if context.selection.comes(member, folder) and (not member.optional or block.pk in having)
        ]
        owner = None if own else structure.element(Block)
        yield from weave(context, body, targets, owner=owner, people=people, depth=0 if own else 1)


def _having(body: tuple[Wrapper | Element, ...], owners: list[int]) -> set[int]:
    """The owners that have anything to write in a member of this body."""
    found: set[int] = set()
    for element in structure.elements_of(body):
        rows = element.model._base_manager.filter(**{f"{element.column}__in": owners})
        found.update(rows.values_list(element.column, flat=True))
    return found


def _attributes(member: layout.Member, owner: Block) -> str:
    """What the root element of a member says of its owner."""
    return "".join(
        f' {name}="{xml.escape_attribute(str(getattr(owner, name)))}"' for name in member.attributes
    )


def write_shared(context: BackupContext) -> Iterator[StepEvent]:
    """The described members of the archive that activities share: groups, questions, scales and so on.

    All that the course has for a whole course; for a part of it, what the part mentions.
    """
    if context.archive_type != "course":
        _note_conditions(context)
    for member in layout.members("archive"):
        body = structure.elements_in(Course, member.path)
        if not body or not context.selection.comes(member):
            continue
        target = _target(member, context.course.pk, member.path, COURSE_OWNER)
        if context.archive_type == "course":
            _name_all(context, body)
        only, parameters = _only_mentioned(context, body)
        yield from weave(
            context, body, [target], owner=structure.element(Course), parameters=parameters, only=only
        )


def _note_conditions(context: BackupContext) -> None:
    """Notes the groups and groupings to which a part of the course is restricted: without them nobody could enter."""
    conditions = [(folder(activity), activity.availability) for activity in context.content.activities]
    conditions += [
        (f"section_{section.pk}", section.availabilityjson) for section in context.content.sections
    ]
    for owner, text in conditions:
        for item_type, number in ConditionTree.mentioned(text):
            if item_type in {"group", "grouping"}:
                context.references.by_owner[owner][item_type].add(number)


def _name_all(context: BackupContext, body: tuple[Wrapper | Element, ...]) -> None:
    """Notes every group and the like as referred to: Moodle restores those that a list of references names."""
    for element in structure.elements_of(body):
        if element.item_type in LISTED and element.item_type != CATEGORY:
            own = cast(Any, element.model._default_manager).filter(course=context.course)
            numbers = own.values_list("pk", flat=True)
            context.references.by_owner[COURSE_OWNER][element.item_type].update(numbers)


def _only_mentioned(
    context: BackupContext, body: tuple[Wrapper | Element, ...]
) -> tuple[dict[str, str], dict[str, list[int]]]:
    """The conditions, by tag, that leave only what is mentioned, and their parameters."""
    only, parameters = {}, {"groupings": sorted(context.references.mentioned("grouping"))}
    for element in structure.elements_of(body):
        if element.item_type in LISTED:
            only[element.tag] = f"t1.id = ANY(%(mentioned_{element.item_type})s)"
            parameters[f"mentioned_{element.item_type}"] = sorted(
                context.references.mentioned(element.item_type)
            )
    if "group" in only:
        only["group"] += OF_GROUPINGS
    return only, parameters


OF_GROUPINGS = (
    " OR t1.id IN (SELECT groupid FROM courses_groupinggroup WHERE grouping_id = ANY(%(groupings)s))"
)
"""A grouping that comes brings its groups."""


def write_people(context: BackupContext) -> Iterator[StepEvent]:
    """`users.xml` and `roles.xml`: everybody and every role that the other members mention."""
    mentioned = context.references.mentioned("user") if context.selection.people else set()
    if context.selection.people:
        ids = sorted(mentioned)
        yield from _listed(context, "users.xml", (structure.element(User),), ids)
    roles = sorted(context.references.mentioned("role"))
    yield from _listed(context, "roles.xml", (structure.element(Role),), roles)


def _listed(
    context: BackupContext, path: str, body: Sequence[Element], ids: list[int]
) -> Iterator[StepEvent]:
    """A member that lists records of the site by their ids."""
    member = layout.find("archive", path)
    target = _target(member, 0, path, path, record=context.course.pk)
    yield from weave(context, tuple(body), [target], ids=ids, people=ids, listed=True)


def weave(
    context: BackupContext,
    body: tuple[Wrapper | Element, ...],
    targets: Sequence[MemberTarget],
    *,
    owner: Element | None = None,
    ids: list[int] | None = None,
    people: list[int] | None = None,
    depth: int = 1,
    listed: bool = False,
    parameters: dict[str, list[int]] | None = None,
    only: dict[str, str] | None = None,
) -> Iterator[StepEvent]:
    """Writes members of the same body, one for each target, in one pass over the rows of all of them."""
    targets = [target for target in targets if target.path not in context.opaque.paths]
    if not targets:
        return
    owners = sorted(target.owner for target in targets)
    userdata_owners = (owners if people is None else people) if context.selection.people else []
    values = {
        "all": owners if ids is None else ids,
        "people": userdata_owners,
        "course": context.course.pk,
        **(parameters or {}),
    }
    compiled = queries(
        body,
        owner=owner,
        rendering=context.rendering,
        opaque=context.opaque.item_types,
        depth=depth,
        listed=listed,
        only=only or {},
        skipped=context.selection.options_off,
    )
    at_work = set(userdata_owners)
    tops = _kept_at(context, body, targets)
    with Weaver(
        compiled, body=body, parameters=values, opaque=context.opaque.rewritten, depth=depth
    ) as weaver:
        told = 0
        for target in sorted(targets, key=lambda one: one.owner):
            work = context.selection.people if listed else target.owner in at_work
            for records in _write(context, weaver, target, work=work, opaque=tops.get(target.record, "")):
                yield records - told
                told = records
        context.records += weaver.records
        yield weaver.records - told


def _write(
    context: BackupContext, weaver: Weaver, target: MemberTarget, *, work: bool, opaque: str
) -> Iterator[int]:
    """Writes one member, with people's work or without it, and with what was kept of it beside its records."""
    references = context.references.by_owner[target.referrer]
    with context.writer.member(target.path) as stream:
        output = Output(stream, root=context.root)
        output.write(xml.DECLARATION + target.start)
        yield from weaver.write(target.owner, output, references, people=work)
        if opaque:
            output.write(context.opaque.rewritten(opaque, references, work) + "\n")
        output.write(target.end)
        output.flush()


def _kept_at(
    context: BackupContext, body: Sequence[Wrapper | Element], targets: Sequence[MemberTarget]
) -> dict[int, str]:
    """What was kept of the members beside their records, but not beside what bares people who are to be hidden."""
    if context.selection.anonymous and any(bares_people(element) for element in structure.elements_of(body)):
        return {}
    return context.opaque.at_top(targets[0].top, [target.record for target in targets])


def _main(activity: Activity) -> MemberTarget:
    """The activity's own file."""
    attributes = f'id="{activity.instance}" moduleid="{activity.pk}" modulename="{activity.modulename}"'
    return MemberTarget(
        activity.instance,
        f"activities/{folder(activity)}/{activity.modulename}.xml",
        f'<activity {attributes} contextid="{activity.contextid}">\n',
        "</activity>",
        folder(activity),
        layout.top("activity", f"{activity.modulename}.xml"),
        activity.pk,
    )


def _target(
    member: layout.Member, owner: int, path: str, referrer: str, *, attributes: str = "", record: int = 0
) -> MemberTarget:
    start, end = f"<{member.root}{attributes}>\n", f"</{member.root}>"
    return MemberTarget(
        owner, path, start, end, referrer, layout.top(member.scope, member.path), record or owner
    )
