"""The steps of a backup of what is described: each writes members from one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backup.archive import layout, xml
from backup.composition import COURSE_OWNER, Composition, folder
from backup.plan import Told
from backup.render import queries
from backup.weave import Output, Weaver
from courses import activities, structure
from courses.models import Activity, Course, Group, Grouping, Role, Section, User
from courses.structure import Element, Wrapper


@dataclass(frozen=True, slots=True)
class Target:
    """A member to write: whose records, at which path, inside which tags, and whose references they are."""

    owner: int
    path: str
    start: str
    end: str
    referrer: str


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
        Target(activity.pk, f"activities/{folder(activity)}/module.xml", "", "", folder(activity)) for activity in chosen
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


def write_groups(composition: Composition) -> Iterator[Told]:
    """`groups.xml`: all groups of a course; for a part of it, those that the part mentions."""
    member = next(m for m in layout.members("archive") if m.path == "groups.xml")
    if not composition.settings.allows("groups"):
        return
    target = _target(member, composition.course.pk, member.path, "groups")
    body = structure.placed(Course, member.path)
    if composition.kind == "course":
        # Moodle restores the groups that the course's list of references names.
        references = composition.references[COURSE_OWNER]
        references["group"].update(Group.objects.filter(course=composition.course).values_list("pk", flat=True))
        references["grouping"].update(Grouping.objects.filter(course=composition.course).values_list("pk", flat=True))
        yield from weave(composition, body, [target], owner=structure.element(Course))
        return
    mentioned = _mentioned(composition, "grouping"), _mentioned(composition, "group")
    parameters = {"groupings": sorted(mentioned[0]), "groups": sorted(mentioned[1])}
    yield from weave(
        composition, body, [target], owner=structure.element(Course), parameters=parameters, only=ONLY_MENTIONED
    )


ONLY_MENTIONED = {
    "group": "t1.id = ANY(%(groups)s) OR t1.id IN"
    " (SELECT groupid FROM courses_groupinggroup WHERE grouping_id = ANY(%(groupings)s))",
    "grouping": "t1.id = ANY(%(groupings)s)",
}
"""For a part of a course: which groups and groupings come, by the tag of their elements."""


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
    target = _target(member, 0, path, path)
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
    if not targets:
        return
    owners = sorted(target.owner for target in targets)
    everybody = owners if composition.people else []
    values = {
        "all": owners if ids is None else ids,
        "people": (everybody if people is None else people) if composition.people else [],
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
    with Weaver(compiled, body=body, parameters=values, kept=composition.rewritten, depth=depth) as weaver:
        told = 0
        for target in sorted(targets, key=lambda one: one.owner):
            with composition.writer.member(target.path) as stream:
                output = Output(stream, root=composition.root)
                output.write(xml.DECLARATION + target.start)
                for records in weaver.write(target.owner, output, composition.references[target.referrer]):
                    yield records - told
                    told = records
                output.write(target.end)
                output.flush()
        composition.records += weaver.records
        yield weaver.records - told


def _main(activity: Activity) -> Target:
    """The activity's own file."""
    attributes = f'id="{activity.instance}" moduleid="{activity.pk}" modulename="{activity.modulename}"'
    return Target(
        activity.instance,
        f"activities/{folder(activity)}/{activity.modulename}.xml",
        f'<activity {attributes} contextid="{activity.contextid}">\n',
        "</activity>",
        folder(activity),
    )


def _target(member: layout.Member, owner: int, path: str, referrer: str) -> Target:
    return Target(owner, path, f"<{member.root}>\n", f"</{member.root}>", referrer)


def _comes(composition: Composition, member: layout.Member) -> bool:
    if member.people and not composition.people:
        return False
    return not member.option or composition.settings.allows(member.option)


def _mentioned(composition: Composition, kind: str) -> set[int]:
    return set().union(*(references[kind] for references in list(composition.references.values())))
