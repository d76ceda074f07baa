"""The steps of a backup that write described members, from one snapshot of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, cast

from archive import layout, xml
from backup import anonymise
from backup.content import folder
from backup.context import BackupContext
from backup.members import Members, MemberTarget, write_members
from backup.question_banks import CATEGORY
from backup.render import LISTED
from courses import activities, structure
from courses.fields import ConditionTree
from courses.models import Activity, Block, Course, Role, Section, User
from courses.structure import Element, Wrapper
from jobs import events
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER


def find_people(context: BackupContext) -> Iterator[StepEvent]:
    """Read the details of the people whom the archive hides; send their pseudonyms to the database if it is anonymous."""
    if context.hides_people:
        yield events.Line(
            f"{len(context.known.details)} details of {len(context.course_people)} people must not be in the archive."
        )
    if context.selection.anonymous:
        anonymise.fill_table(context.pseudonyms())
    yield 0


def write_course(context: BackupContext) -> Iterator[StepEvent]:
    """Write `course.xml`, in an archive of a whole course."""
    if context.archive_type == "course":
        plain = MemberTarget(context.course.pk, "course/course.xml", "", "", COURSE_OWNER)
        yield from write_members(
            context, [Members(body=(structure.element(Course),), targets=[plain], depth=0)]
        )


def write_members_of_course(context: BackupContext) -> Iterator[StepEvent]:
    """Write the other members of the course itself: enrolments, roles and so on.

    If activities are left out, they have only the records of people whom the others name.
    """
    if context.archive_type != "course":
        return
    if context.content.needed:
        context.needed_people = frozenset(context.references.mentioned("user"))
    yield from write_members(context, _of_course(context))
    if context.needed_people is not None:
        context.references.by_owner[COURSE_OWNER]["user"] &= context.needed_people


def _of_course(context: BackupContext) -> Iterator[Members]:
    """Yield the described members of the course itself but `course.xml`."""
    for member in layout.members("course"):
        if member.path in structure.members_of(Course) and context.content.comes(member):
            target = _target(member, context.course.pk, member.path, COURSE_OWNER)
            body = structure.elements_in(Course, member.path)
            yield Members(body=body, targets=[target], owner=structure.element(Course), of_people=True)


def write_sections(context: BackupContext) -> Iterator[StepEvent]:
    """Write `section.xml` of each section."""
    targets = [
        MemberTarget(
            section.pk, f"sections/section_{section.pk}/section.xml", "", "", f"section_{section.pk}"
        )
        for section in context.content.sections
    ]
    yield from write_members(context, [Members(body=(structure.element(Section),), targets=targets, depth=0)])


def write_activities(context: BackupContext) -> Iterator[StepEvent]:
    """Write the described members of each activity, type by type and member by member."""
    yield from write_members(context, _of_activities(context))


def _of_activities(context: BackupContext) -> Iterator[Members]:
    """Yield the described members of activities."""
    chosen = context.content.activities
    for name, model in activities.types().items():
        alike: defaultdict[frozenset[str], list[Activity]] = defaultdict(list)
        for activity in chosen:
            if activity.modulename == name:
                alike[context.selection.options_off_at(folder(activity))].append(activity)
        for skipped, own in alike.items():
            targets = [_own_member(activity) for activity in own]
            people = [activity.instance for activity in own if activity in context.content.with_userdata]
            yield Members(body=(structure.element(model),), targets=targets, people=people, skipped=skipped)
    people = [activity.pk for activity in context.content.with_userdata]
    modules = [
        MemberTarget(activity.pk, f"activities/{folder(activity)}/module.xml", "", "", folder(activity))
        for activity in chosen
    ]
    yield Members(body=(structure.element(Activity),), targets=modules, people=people, depth=0)
    for member in layout.members("activity"):
        if member.path in structure.members_of(Activity):
            body = structure.elements_in(Activity, member.path)
            owners = [activity.pk for activity in chosen]
            # Moodle writes each member that an option asks for, whether something is in it or not.
            having = set(owners) if member.option else _with_content(context, member, body, owners)
            targets = [
                _target(member, activity.pk, f"activities/{folder(activity)}/{member.path}", folder(activity))
                for activity in chosen
                if context.selection.comes(member, folder(activity))
                and (activity.pk in having or _has_graded_areas(activity))
            ]
            yield Members(body=body, targets=targets, owner=structure.element(Activity), people=people)


def write_blocks(context: BackupContext) -> Iterator[StepEvent]:
    """Write the described members of each exported block."""
    yield from write_members(context, _of_blocks(context))


def _of_blocks(context: BackupContext) -> Iterator[Members]:
    """Yield the described members of exported blocks."""
    chosen = context.content.block_folders
    people = [block.pk for block, folder in chosen.items() if context.selection.with_userdata(folder)]
    for member in layout.members("block"):
        typed = member.path == "block.xml" or member.path in structure.members_of(Block)
        if not typed:
            continue
        own = member.path == "block.xml"
        body = (structure.element(Block),) if own else structure.elements_in(Block, member.path)
        having = _with_content(context, member, body, [block.pk for block in chosen])
        targets = [
            MemberTarget(block.pk, f"{folder}/{member.path}", "", "", folder)
            if own
            else _target(
                member, block.pk, f"{folder}/{member.path}", folder, attributes=_attributes(member, block)
            )
            for block, folder in chosen.items()
            if context.selection.comes(member, folder) and block.pk in having
        ]
        owner = None if own else structure.element(Block)
        yield Members(body=body, targets=targets, owner=owner, people=people, depth=0 if own else 1)


def _with_content(
    context: BackupContext, member: layout.Member, body: tuple[Wrapper | Element, ...], owners: list[int]
) -> set[int]:
    """Return the owners that have a member of this body: all of them, or if it is optional those with something in it.

    All of them also where records do not belong to their owner by its id.
    """
    elements = list(structure.elements_of(body))
    if not member.optional or any(element.parent_column != "id" for element in elements):
        return set(owners)
    found = set(context.opaque.at_top(layout.top(member.scope, member.path), owners))
    for element in elements:
        rows = element.model._base_manager.filter(**{f"{element.column}__in": owners})
        found.update(rows.values_list(element.column, flat=True))
    return found


def _has_graded_areas(activity: Activity) -> bool:
    """True for a type of activity with areas that are graded by forms: Moodle writes `grading.xml` for each activity of these
    types (`FEATURE_ADVANCED_GRADING`)."""
    model = activities.types().get(activity.modulename)
    return model is not None and any(one.model.archive_meta.graded for one in structure.element(model).walk())


def _attributes(member: layout.Member, owner: Block) -> str:
    """Return the attributes of a member's root element, with the owner's values."""
    return "".join(
        f' {name}="{xml.escape_attribute(str(getattr(owner, name)))}"' for name in member.attributes
    )


def write_shared(context: BackupContext) -> Iterator[StepEvent]:
    """Write the described members that activities share: groups, questions, scales and so on.

    An archive of a whole course has all of the course's records; one of a section or activity only those that it references.
    """
    if context.content.only_needed:
        _note_conditions(context)
    if (lost := context.content.groups_left_out()) is not None:
        yield lost
    for member in layout.members("archive"):
        body = structure.elements_in(Course, member.path)
        if not body or not context.content.comes(member):
            continue
        target = _target(member, context.course.pk, member.path, COURSE_OWNER)
        if not context.content.only_needed or member.with_all_grades:
            _note_all(context, body)
        only, parameters = _only_mentioned(context, body)
        references = context.references.by_owner[COURSE_OWNER]
        categories = set(references[CATEGORY])
        yield from write_members(
            context,
            [
                Members(
                    body=body,
                    targets=[target],
                    owner=structure.element(Course),
                    parameters=parameters,
                    only=only,
                )
            ],
        )
        references[CATEGORY] = categories  # The course does not use a category because another one is in it.


def _note_conditions(context: BackupContext) -> None:
    """Note the groups and groupings to which sections and activities are restricted: without them nobody could enter."""
    conditions = [(folder(activity), activity.availability) for activity in context.content.activities]
    conditions += [
        (f"section_{section.pk}", section.availabilityjson) for section in context.content.sections
    ]
    for owner, text in conditions:
        for item_type, number in ConditionTree.mentioned(text):
            if item_type in {"group", "grouping"}:
                context.references.by_owner[owner][item_type].add(number)


def _note_all(context: BackupContext, body: tuple[Wrapper | Element, ...]) -> None:
    """Note every record of a listed item type as referenced: Moodle restores only those that an `inforef.xml` lists."""
    for element in structure.elements_of(body):
        if element.item_type in LISTED and element.item_type != CATEGORY:
            own = cast(Any, element.model._default_manager).filter(course=context.course)
            numbers = own.values_list("pk", flat=True)
            context.references.by_owner[COURSE_OWNER][element.item_type].update(numbers)


def _only_mentioned(
    context: BackupContext, body: tuple[Wrapper | Element, ...]
) -> tuple[dict[str, str], dict[str, list[int]]]:
    """Return the SQL conditions, by tag, that select only referenced records, and their parameters."""
    only, parameters = {}, {"groupings": sorted(context.references.mentioned("grouping"))}
    for element in structure.elements_of(body):
        if element.item_type in LISTED:
            only[element.tag] = f"t1.id = ANY(%(mentioned_{element.item_type})s)"
            parameters[f"mentioned_{element.item_type}"] = sorted(
                context.references.mentioned(element.item_type)
            )
        elif element.item_type == "badge" and context.content.needed:
            only[element.tag] = "t1.id = ANY(%(badges)s)"
            parameters["badges"] = sorted(context.content.needed.badges)
    if "group" in only:
        only["group"] += OF_GROUPINGS
    return only, parameters


OF_GROUPINGS = (
    " OR t1.id IN (SELECT groupid FROM courses_groupinggroup WHERE grouping_id = ANY(%(groupings)s))"
)
"""SQL: also the groups of the exported groupings."""


def write_people(context: BackupContext) -> Iterator[StepEvent]:
    """Write `users.xml` and `roles.xml`: all users and roles that the other members reference."""
    mentioned = context.references.mentioned("user") if context.selection.people else set()
    if context.selection.people:
        ids = sorted(mentioned)
        context.people = User.objects.filter(pk__in=ids).count()
        yield from _listed(context, "users.xml", (structure.element(User),), ids)
    roles = sorted(context.references.mentioned("role"))
    yield from _listed(context, "roles.xml", (structure.element(Role),), roles)


def _listed(
    context: BackupContext, path: str, body: Sequence[Element], ids: list[int]
) -> Iterator[StepEvent]:
    """Write a member with the site's records that have these ids."""
    member = layout.find("archive", path)
    target = _target(member, 0, path, path, record=context.course.pk)
    yield from write_members(
        context, [Members(body=tuple(body), targets=[target], ids=ids, people=ids, listed=True)]
    )


def _own_member(activity: Activity) -> MemberTarget:
    """Return the target of an activity's own member, such as `forum.xml`."""
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
    """Return the target of a member of the layout; its opaque elements belong to `record`, by default its owner."""
    start, end = f"<{member.root}{attributes}>\n", f"</{member.root}>"
    return MemberTarget(
        owner, path, start, end, referrer, layout.top(member.scope, member.path), record or owner
    )
