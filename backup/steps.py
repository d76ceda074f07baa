"""The steps of a backup of what is described: each writes members from one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from archive import layout, xml
from backup.context import COURSE_OWNER, Composition, folder
from backup.question_banks import CATEGORY
from backup.render import LISTED, bares_people, queries
from backup.weave import Output, Weaver
from courses import activities, structure
from courses.fields import ConditionTree
from courses.models import Activity, Block, Course, Role, Section, User
from courses.structure import Element, Wrapper
from jobs.plan import Told


@dataclass(frozen=True, slots=True)
class Target:
    """A member to write: whose records, at which path, inside which tags, and whose references they are. `top` is the name
    under which more of it was kept, for `record`."""

    owner: int
    path: str
    start: str
    end: str
    referrer: str
    top: str = ""
    record: int = 0


def write_course(composition: Composition) -> Iterator[Told]:
    """The members of the course itself, for the archive of a whole course."""
    if composition.kind != "course":
        return
    course = composition.course
    plain = Target(course.pk, "course/course.xml", "", "", COURSE_OWNER)
    yield from weave(composition, (structure.element(Course),), [plain], depth=0)
    for member in layout.members("course"):
        if member.path in structure.members_of(Course) and _comes(composition, member):
            target = _target(member, course.pk, member.path, COURSE_OWNER)
            body = structure.placed(Course, member.path)
            yield from weave(composition, body, [target], owner=structure.element(Course))


def write_sections(composition: Composition) -> Iterator[Told]:
    """`section.xml` of each section."""
    targets = [
        Target(section.pk, f"sections/section_{section.pk}/section.xml", "", "", f"section_{section.pk}")
        for section in composition.sections
    ]
    yield from weave(composition, (structure.element(Section),), targets, depth=0)


def write_activities(composition: Composition) -> Iterator[Told]:
    """The described members of each activity, type by type and member by member."""
    chosen = composition.activities
    for name, model in activities.types().items():
        own = [activity for activity in chosen if activity.modulename == name]
        if own:
            targets = [_main(activity) for activity in own]
            people = [activity.instance for activity in own if composition.with_work(activity)]
            yield from weave(composition, (structure.element(model),), targets, people=people)
    people = [activity.pk for activity in chosen if composition.with_work(activity)]
    modules = [
        Target(activity.pk, f"activities/{folder(activity)}/module.xml", "", "", folder(activity))
        for activity in chosen
    ]
    yield from weave(composition, (structure.element(Activity),), modules, people=people, depth=0)
    for member in layout.members("activity"):
        if member.path in structure.members_of(Activity) and _comes(composition, member):
            theirs = [a for a in chosen if not member.people or composition.with_work(a)]
            targets = [
                _target(member, activity.pk, f"activities/{folder(activity)}/{member.path}", folder(activity))
                for activity in theirs
            ]
            body = structure.placed(Activity, member.path)
            yield from weave(composition, body, targets, owner=structure.element(Activity), people=people)


def write_blocks(composition: Composition) -> Iterator[Told]:
    """The described members of each block of what comes along."""
    if not composition.settings.allows("blocks"):
        return
    chosen = composition.block_folders
    people = [block.pk for block, folder in chosen.items() if composition.working_at(folder)]
    for member in layout.members("block"):
        typed = member.path == "block.xml" or member.path in structure.members_of(Block)
        if not typed or not _comes(composition, member):
            continue
        own = member.path == "block.xml"
        body = (structure.element(Block),) if own else structure.placed(Block, member.path)
        having = _having(body, [block.pk for block in chosen]) if member.optional else set()
        targets = [
            Target(block.pk, f"{folder}/{member.path}", "", "", folder)
            if own
            else _target(
                member, block.pk, f"{folder}/{member.path}", folder, attributes=_attributes(member, block)
            )
            for block, folder in chosen.items()
            if (
                block.pk in having if member.optional else not member.people or composition.working_at(folder)
            )
        ]
        owner = None if own else structure.element(Block)
        yield from weave(composition, body, targets, owner=owner, people=people, depth=0 if own else 1)


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


def write_shared(composition: Composition) -> Iterator[Told]:
    """The described members of the archive that activities share: groups, questions, scales and so on.

    All that the course has for a whole course; for a part of it, what the part mentions.
    """
    if composition.kind != "course":
        _note_conditions(composition)
    for member in layout.members("archive"):
        body = structure.placed(Course, member.path)
        if not body or composition.kind not in member.kinds or not _comes(composition, member):
            continue
        target = _target(member, composition.course.pk, member.path, COURSE_OWNER)
        if composition.kind == "course":
            _name_all(composition, body)
        only, parameters = _only_mentioned(composition, body)
        yield from weave(
            composition, body, [target], owner=structure.element(Course), parameters=parameters, only=only
        )


def _note_conditions(composition: Composition) -> None:
    """Notes the groups and groupings to which a part of the course is restricted: without them nobody could enter."""
    conditions = [(folder(activity), activity.availability) for activity in composition.activities]
    conditions += [(f"section_{section.pk}", section.availabilityjson) for section in composition.sections]
    for owner, text in conditions:
        for kind, number in ConditionTree.mentioned(text):
            if kind in {"group", "grouping"}:
                composition.references[owner][kind].add(number)


def _name_all(composition: Composition, body: tuple[Wrapper | Element, ...]) -> None:
    """Notes every group and the like as referred to: Moodle restores those that a list of references names."""
    for element in structure.elements_of(body):
        if element.kind in LISTED and element.kind != CATEGORY:
            own = cast(Any, element.model._default_manager).filter(course=composition.course)
            numbers = own.values_list("pk", flat=True)
            composition.references[COURSE_OWNER][element.kind].update(numbers)


def _only_mentioned(
    composition: Composition, body: tuple[Wrapper | Element, ...]
) -> tuple[dict[str, str], dict[str, list[int]]]:
    """The conditions, by tag, that leave only what is mentioned, and their parameters."""
    only, parameters = {}, {"groupings": sorted(_mentioned(composition, "grouping"))}
    for element in structure.elements_of(body):
        if element.kind in LISTED:
            only[element.tag] = f"t1.id = ANY(%(mentioned_{element.kind})s)"
            parameters[f"mentioned_{element.kind}"] = sorted(_mentioned(composition, element.kind))
    if "group" in only:
        only["group"] += OF_GROUPINGS
    return only, parameters


OF_GROUPINGS = (
    " OR t1.id IN (SELECT groupid FROM courses_groupinggroup WHERE grouping_id = ANY(%(groupings)s))"
)
"""A grouping that comes brings its groups."""


def write_people(composition: Composition) -> Iterator[Told]:
    """`users.xml` and `roles.xml`: everybody and every role that the other members mention."""
    mentioned = _mentioned(composition, "user") if composition.people else set()
    if composition.people:
        ids = sorted(mentioned)
        yield from _listed(composition, "users.xml", (structure.element(User),), ids)
    roles = sorted(_mentioned(composition, "role"))
    yield from _listed(composition, "roles.xml", (structure.element(Role),), roles)


def _listed(composition: Composition, path: str, body: Sequence[Element], ids: list[int]) -> Iterator[Told]:
    """A member that lists records of the site by their ids."""
    member = next(m for m in layout.members("archive") if m.path == path)
    target = _target(member, 0, path, path, record=composition.course.pk)
    yield from weave(composition, tuple(body), [target], ids=ids, people=ids, listed=True)


def weave(
    composition: Composition,
    body: tuple[Wrapper | Element, ...],
    targets: Sequence[Target],
    *,
    owner: Element | None = None,
    ids: list[int] | None = None,
    people: list[int] | None = None,
    depth: int = 1,
    listed: bool = False,
    parameters: dict[str, list[int]] | None = None,
    only: dict[str, str] | None = None,
) -> Iterator[Told]:
    """Writes members of the same body, one for each target, in one pass over the rows of all of them."""
    targets = [target for target in targets if target.path not in composition.kept_paths]
    if not targets:
        return
    owners = sorted(target.owner for target in targets)
    working = (owners if people is None else people) if composition.people else []
    values = {
        "all": owners if ids is None else ids,
        "people": working,
        "course": composition.course.pk,
        **(parameters or {}),
    }
    compiled = queries(
        body,
        owner=owner,
        rendering=composition.rendering,
        kept=composition.kept_kinds,
        depth=depth,
        listed=listed,
        only=only or {},
        skipped=composition.skipped,
    )
    at_work = set(working)
    tops = _kept_at(composition, body, targets)
    with Weaver(compiled, body=body, parameters=values, kept=composition.rewritten, depth=depth) as weaver:
        told = 0
        for target in sorted(targets, key=lambda one: one.owner):
            work = composition.people if listed else target.owner in at_work
            for records in _write(composition, weaver, target, work=work, kept=tops.get(target.record, "")):
                yield records - told
                told = records
        composition.records += weaver.records
        yield weaver.records - told


def _write(
    composition: Composition, weaver: Weaver, target: Target, *, work: bool, kept: str
) -> Iterator[int]:
    """Writes one member, with people's work or without it, and with what was kept of it beside its records."""
    references = composition.references[target.referrer]
    with composition.writer.member(target.path) as stream:
        output = Output(stream, root=composition.root)
        output.write(xml.DECLARATION + target.start)
        yield from weaver.write(target.owner, output, references, people=work)
        if kept:
            output.write(composition.rewritten(kept, references, work) + "\n")
        output.write(target.end)
        output.flush()


def _kept_at(
    composition: Composition, body: Sequence[Wrapper | Element], targets: Sequence[Target]
) -> dict[int, str]:
    """What was kept of the members beside their records, but not beside what bares people who are to be hidden."""
    if composition.anonymous and any(bares_people(element) for element in structure.elements_of(body)):
        return {}
    return composition.kept_at(targets[0].top, [target.record for target in targets])


def _main(activity: Activity) -> Target:
    """The activity's own file."""
    attributes = f'id="{activity.instance}" moduleid="{activity.pk}" modulename="{activity.modulename}"'
    return Target(
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
) -> Target:
    start, end = f"<{member.root}{attributes}>\n", f"</{member.root}>"
    return Target(owner, path, start, end, referrer, layout.top(member.scope, member.path), record or owner)


def _comes(composition: Composition, member: layout.Member) -> bool:
    if member.people and not composition.people:
        return False
    return not member.option or composition.settings.allows(member.option)


def _mentioned(composition: Composition, kind: str) -> set[int]:
    return set().union(*(references[kind] for references in list(composition.references.values())))
