"""The steps of a restore: generators that read members and write rows, inside one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial

from archive import layout, xml
from archive.errors import DamagedArchive, InvalidValue
from archive.findings import Finding
from archive.manifest import ActivityEntry
from courses import activities, structure
from courses.archive_release import release_of
from courses.bulk import reserve
from courses.fields import LONGEST_NAME, copy_text
from courses.models import Activity, Context, Course, Enrol, File, Section, UserEnrolment
from courses.models.completion import OF_COURSE as COMPLETION
from courses.models.completion import CompletionCriterion
from courses.models.grades import GRADEBOOK
from courses.models.site import SYSTEM_CONTEXT
from courses.services import create_course, default_category
from jobs.plan import StepEvent
from restore import clashes, files
from restore.acceptance import digits_of
from restore.arrivals import last_opaque
from restore.context import RestoreContext
from restore.course_names import archived_names
from restore.course_settings import load_settings
from restore.grade_tree import arriving_gradebook, hang_items
from restore.instances import join_instances, renumber_files
from restore.left_out import leave_out_people
from restore.lost_references import clear_lost_references
from restore.match.course_members import comes, is_needed, same_in_course, scope_of
from restore.members import course_of, integer_in, load_member, top_of
from restore.owners import attributes_of, folder
from restore.ownership import leave_out_ownerless
from restore.people import name_roles
from restore.question_banks import hang_categories
from restore.sections import match_sections, order_activities
from restore.single_rows import leave_out_doubles
from restore.target_course import empty_target, keep_access
from restore.walk import NOTHING_SAME

COURSE = "course/course.xml"
ENROLMENTS = "course/enrolments.xml"
ONE_LINE = str.maketrans({"\\": "\\\\", "\t": " ", "\n": " ", "\r": " "})
"""The characters of a title as COPY reads them."""


def load_course(context: RestoreContext) -> Iterator[StepEvent]:
    """Make the new course, or take the existing one of the target; map its id and context.

    Raises DamagedArchive if `course.xml` contradicts the manifest.
    """
    manifest, target = context.manifest, context.target
    context.ids.give("context", {manifest.original_system_contextid: SYSTEM_CONTEXT})
    context.last_opaque = last_opaque()
    context.row_counts.begin(context.loaders)
    if target.course is not None:
        context.course = target.course
        if target.replace:
            empty_target(context)
            Course.objects.filter(pk=target.course.pk).update(origin_release=release_of(manifest))
        match_sections(context)
    elif COURSE in context.archive:
        yield from _load_new_course(context)
    else:
        context.course = create_course(
            *reversed(archived_names(manifest)),
            category=target.category,
            format=manifest.original_course_format or "topics",
            startdate=manifest.original_course_startdate,
            enddate=manifest.original_course_enddate,
            origin_release=release_of(manifest),
        )
        Section.objects.filter(course=context.course).delete()
    course = context.course
    assert course is not None
    context.ids.give("course", {manifest.original_course_id: course.pk})
    context.ids.give("context", {manifest.original_course_contextid: course.contextid})
    context.claims.own.add(str(course.contextid))
    context.loaders.course = course.pk
    if target.course is not None and manifest.archive_type == "course":
        yield from load_settings(context, target.course)
    if target.course is None or target.replace or context.selection.overwrites_settings:
        name_roles(context, course)


def _load_new_course(context: RestoreContext) -> Iterator[StepEvent]:
    """Load `course.xml` as a new course."""
    manifest = context.manifest
    new, contextid = reserve(Course, 1), reserve(Context, 1)
    context.ids.give("course", {manifest.original_course_id: new})
    context.ids.give("context", {manifest.original_course_contextid: contextid})
    category = context.target.category or default_category()
    loader = context.loaders.choose()
    loader.course = new
    with context.archive.open(COURSE) as stream:
        yield from loader.load(
            stream,
            member=COURSE,
            elements=(structure.element(Course),),
            root=(),
            fixed={
                "category_id": str(category.pk),
                "origin_release": copy_text(release_of(manifest)),
            },
        )
    loader.flush()
    course = Course.objects.filter(pk=new).first()
    if course is None:
        raise DamagedArchive(
            f"The course in it is not course {manifest.original_course_id}, as the manifest says.",
            where=COURSE,
        )
    if not course.contextid:
        course.contextid = contextid
        course.save(update_fields=["contextid"])
    if course.contextid != contextid:
        raise DamagedArchive("The course's context is not the one that the manifest says.", where=COURSE)
    if context.selection.start_date is not None and not context.manifest.original_course_startdate:
        # Without a start date in the archive nothing moves; the course begins then.
        course.startdate = context.selection.start_date
        course.save(update_fields=["startdate"])
    context.course = course


def load_members_of_course(context: RestoreContext) -> Iterator[StepEvent]:
    """Load the members of the course: groups, enrolments, roles, comments and so on."""
    course = course_of(context)
    joins = {"id": str(course.pk), "contextid": str(course.contextid)}
    same = yield from same_in_course(context)
    for path in structure.members_of(Course):
        if comes(context, path):
            if path == COMPLETION and (finding := _criteria_stay(context, course)):
                yield finding
                continue
            with arriving_gradebook(context) if path == GRADEBOOK else nullcontext():
                yield from load_member(
                    context,
                    path,
                    structure.elements_in(Course, path),
                    joins=joins,
                    wanted=partial(is_needed, context),
                    same=same.get(path, NOTHING_SAME),
                    top=top_of(scope_of(path), path, course.pk, people=context.selection.people),
                )
        elif path == ENROLMENTS and path in context.archive and context.manifest.archive_type == "course":
            yield from _enrol_by_hand(context)
    yield from context.matches.findings()


def _criteria_stay(context: RestoreContext, course: Course) -> Finding | None:
    """Return a finding if the course has criteria for its completion: those of the archive do not come, as in Moodle."""
    if context.target.course is None or not CompletionCriterion.objects.filter(within=course).exists():
        return None
    return Finding(
        "info",
        "criteria-stay",
        "The course has criteria for its completion, and keeps them. Those of the archive do not come.",
        COMPLETION,
        "Remove the criteria in the course first if it should have those of the archive.",
    )


def _enrol_by_hand(context: RestoreContext) -> Iterator[StepEvent]:
    """Enrol everybody of the archive by the manual method, if the archive's enrolment methods are not restored."""
    if not context.selection.people:
        return
    ways = Enrol.objects.filter(course=course_of(context))
    there = set(UserEnrolment.objects.filter(enrol__in=ways).values_list("userid", flat=True))
    way = ways.filter(enrol="manual").order_by("pk").first() or Enrol.objects.create(
        course=course_of(context), enrol="manual", timecreated=int(time.time())
    )
    enrolled: dict[int, UserEnrolment] = {}
    with context.archive.open(ENROLMENTS) as stream:
        for record in xml.records(stream, member=ENROLMENTS, tags=("enrolment",)):
            texts = {str(child.tag): digits_of(child.text) for child in record}
            user = context.ids.mention("user", texts.get("userid", 0))
            if user is not None and user not in there:
                start, end, status = (
                    texts.get("timestart", 0),
                    texts.get("timeend", 0),
                    texts.get("status", 0),
                )
                enrolled[user] = UserEnrolment(
                    enrol=way, userid=user, status=status, timestart=start, timeend=end
                )
    UserEnrolment.objects.bulk_create(enrolled.values(), batch_size=1000)
    yield 0


def load_activities(context: RestoreContext) -> Iterator[StepEvent]:
    """Load each activity: its own member, `module.xml`, and its other described members.

    Raises DamagedArchive, InvalidValue or HostileArchive if the members contradict the manifest or each other.
    """
    for entry in context.activities:
        yield from _load_activity(context, entry)
    _check_activities(context)


def _load_activity(context: RestoreContext, entry: ActivityEntry) -> Iterator[StepEvent]:
    """Load the described members of one activity."""
    main = f"{entry.directory}/{entry.modulename}.xml"
    attributes = attributes_of(context.archive, main)
    contextid, shared = context.claims.claim_or_make(integer_in(attributes, "contextid", main))
    if shared:
        context.findings.append(_shared_context(entry, main))
    instance = integer_in(attributes, "id", main)
    model = activities.types().get(entry.modulename)
    new = context.ids.mention(entry.modulename, instance)
    if model is None and context.ids.arrive(entry.modulename, instance) is None:
        raise InvalidValue(f"Two activities are {entry.modulename} {instance}.", where=main)
    people = context.selection.with_userdata(folder(entry))
    owner = context.ids.mention("course_module", entry.moduleid)
    if model is not None:
        yield from load_member(
            context,
            main,
            (structure.element(model),),
            root=("activity",),
            fixed={"owner_id": str(owner)},
            people=people,
            skipped=context.selection.options_off_at(folder(entry)),
            top=top_of("activity", f"{entry.modulename}.xml", owner, people=people),
        )
    fixed: dict[str, str | None] = {
        "instance": str(new),
        "contextid": str(contextid),
        "title": entry.title[:LONGEST_NAME].translate(ONE_LINE),
    }
    module = f"{entry.directory}/module.xml"
    yield from load_member(context, module, (structure.element(Activity),), fixed=fixed, people=people)
    joins = {"id": str(owner), "contextid": str(contextid)}
    for member in structure.members_of(Activity):
        path = f"{entry.directory}/{member}"
        comes = context.selection.comes(layout.find("activity", member), folder(entry))
        if path in context.archive and comes:
            body = structure.elements_in(Activity, member)
            top = top_of("activity", member, owner, people=people)
            yield from load_member(context, path, body, joins=joins, people=people, top=top)


def _shared_context(entry: ActivityEntry, where: str) -> Finding:
    """Return the warning about an activity whose context the archive gives to something else too."""
    return Finding(
        "warning",
        "context-shared",
        f"“{entry.title}” has a context in the archive that belongs to something else too; it has one of its own now.",
        where,
        "Look at its files and roles: the archive does not say which of them are its own.",
    )


def _check_activities(context: RestoreContext) -> None:
    """Check that `module.xml` of each activity agrees with the manifest. Raises DamagedArchive."""
    context.loaders.flush()
    course = course_of(context)
    sections = set(Section.objects.filter(course=course).values_list("pk", flat=True))
    rows = Activity.objects.filter(course=course).values_list("pk", "modulename", "section_id")
    found = {pk: (modulename, section) for pk, modulename, section in rows}
    for entry in context.activities:
        module = f"{entry.directory}/module.xml"
        modulename, section = found.get(context.ids.known("course_module", entry.moduleid) or 0, ("", 0))
        if not section:
            raise DamagedArchive(
                f"It is not about activity {entry.moduleid}, as the manifest says.", where=module
            )
        if modulename != entry.modulename:
            raise DamagedArchive(
                f"Its type is {modulename[:50]!r}, and the manifest says {entry.modulename!r}.", where=module
            )
        if section not in sections:
            raise DamagedArchive("It lies in a section that is not in the archive.", where=module)
    join_instances(context)


def load_files(context: RestoreContext) -> Iterator[StepEvent]:
    """Load the records of the files. Their contents are in the pool already."""
    if not context.selection.allows("files") or layout.FILES not in context.archive:
        return
    top = top_of("archive", layout.FILES, course_of(context).pk, people=context.selection.people)
    yield from load_member(context, layout.FILES, (structure.element(File),), root=("files",), top=top)
    context.loaders.choose().flush()
    yield context.acceptance.files_here
    files.put_right(context)
    # The files of a person belong to no course.
    File.objects.filter(course=context.course, component="user").update(course=None)


def finish(context: RestoreContext) -> Iterator[StepEvent]:
    """Send the last rows, clear references to records that did not arrive, and yield findings about them."""
    context.loaders.flush()
    leave_out_doubles(context)
    renumber_files(context)
    yield from context.findings
    yield from context.loaders.shortened.findings()
    course = course_of(context)
    order_activities(context, course)
    yield from leave_out_people(context)
    yield from keep_access(context)
    hang_items(context, course)
    hang_categories(course)
    yield from leave_out_ownerless(context)
    yield from clear_lost_references(context)
    yield from clashes.clashes(context, course)
    if context.target.course is not None:
        Course.objects.filter(pk=course.pk).update(timemodified=int(time.time()))
