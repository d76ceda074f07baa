"""The steps of a restore: generators that read members and write rows, inside one transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial

from django.db import connection

from archive import layout, xml
from archive.errors import DamagedArchive, InvalidValue
from archive.findings import Finding
from archive.manifest import ActivityEntry
from courses import activities, structure
from courses.bulk import reserve
from courses.models import Activity, Block, Context, Course, Enrol, File, Section, UserEnrolment
from courses.models.site import SYSTEM_CONTEXT
from courses.services import create_course, default_category
from courses.summaries import counted
from jobs.plan import Told
from restore.context import NUMBERS_ONLY, Restoration, digits_of, folder
from restore.match.rows import Same, find_same
from restore.members import attributes_of, comes, course_of, integer_in, load_member, top_of
from restore.people import name_roles

COURSE = "course/course.xml"
ENROLMENTS = "course/enrolments.xml"


def load_course(restoration: Restoration) -> Iterator[Told]:
    """The course itself: a new one, or the one that exists."""
    manifest, target = restoration.manifest, restoration.target
    restoration.ids.give("context", {manifest.original_system_contextid: SYSTEM_CONTEXT})
    if target.course is not None:
        restoration.course = target.course
    elif COURSE in restoration.archive:
        yield from _load_new_course(restoration)
    else:
        restoration.course = create_course(
            restoration.settings.text("shortname") or manifest.original_course_shortname,
            restoration.settings.text("fullname") or manifest.original_course_fullname,
            category=target.category,
            format=manifest.original_course_format or "topics",
            startdate=manifest.original_course_startdate,
            enddate=manifest.original_course_enddate,
        )
        Section.objects.filter(course=restoration.course).delete()
    course = restoration.course
    assert course is not None
    restoration.ids.give("course", {manifest.original_course_id: course.pk})
    restoration.ids.give("context", {manifest.original_course_contextid: course.contextid})
    restoration.own_contexts.add(str(course.contextid))
    if target.course is None:
        name_roles(restoration, course)


def _load_new_course(restoration: Restoration) -> Iterator[Told]:
    manifest, settings = restoration.manifest, restoration.settings
    new, context = reserve(Course, 1), reserve(Context, 1)
    restoration.ids.give("course", {manifest.original_course_id: new})
    restoration.ids.give("context", {manifest.original_course_contextid: context})
    category = restoration.target.category or default_category()
    loader = restoration.loader()
    loader.course = new
    with restoration.archive.open(COURSE) as stream:
        yield from loader.load(
            stream,
            member=COURSE,
            elements=(structure.element(Course),),
            root=(),
            fixed={"category_id": str(category.pk)},
        )
    loader.flush()
    course = Course.objects.filter(pk=new).first()
    if course is None:
        raise DamagedArchive(
            f"The course in it is not course {manifest.original_course_id}, as the manifest says.", where=COURSE
        )
    if course.contextid != context:
        raise DamagedArchive("The course's context is not the one that the manifest says.", where=COURSE)
    course.fullname = settings.text("fullname") or course.fullname
    course.shortname = settings.text("shortname") or course.shortname
    course.save(update_fields=["fullname", "shortname"])
    restoration.course = course
    twins = Course.objects.filter(shortname=course.shortname).exclude(pk=course.pk).count()
    if twins:
        yield Finding(
            "info", "same-name", f"Another course is called “{course.shortname}” too.", COURSE, "Rename one of them."
        )


def load_members_of_course(restoration: Restoration) -> Iterator[Told]:
    """Groups, enrolments, roles and comments of the course."""
    course = course_of(restoration)
    joins = {"id": str(course.pk), "contextid": str(course.contextid)}
    for member in structure.members_of(Course):
        if restoration.target.course is not None and not layout.belongs(member, restoration.manifest.kind):
            continue
        if member == ENROLMENTS and not _enrolments_come(restoration):
            yield from _enrol_by_hand(restoration)
            continue
        if member in restoration.archive and comes(restoration, member, "course") and _fits(restoration, member):
            body = structure.placed(Course, member)
            same = find_same(restoration, member, body)
            scope: layout.Scope = "course" if member.startswith("course/") else "archive"
            yield from load_member(
                restoration,
                member,
                body,
                joins=joins,
                wanted=partial(_is_new, same),
                top=top_of(scope, member, course.pk, people=restoration.people),
            )


def _is_new(same: Same, element: structure.Element, old: int) -> bool:
    """Whether a record is none that the target has already."""
    return (element.kind, old) not in same


def _fits(restoration: Restoration, path: str) -> bool:
    """Whether a member fits the target: what is said of a whole course is not said of one that exists."""
    return restoration.target.course is None or not any(
        member.whole for member in layout.members("archive") if member.path == path
    )


def _enrolments_come(restoration: Restoration) -> bool:
    """Whether the ways into the course come along: always, never, or when people do."""
    choice = restoration.settings.text("enrolments")
    return choice == "always" or (choice == "with-users" and restoration.people)


def _enrol_by_hand(restoration: Restoration) -> Iterator[Told]:
    """Without the archive's ways into the course: everybody whom one of them brought in is enrolled by hand."""
    if not restoration.people or ENROLMENTS not in restoration.archive:
        return
    way = Enrol.objects.create(course=course_of(restoration), enrol="manual", timecreated=int(time.time()))
    enrolled: dict[int, UserEnrolment] = {}
    with restoration.archive.open(ENROLMENTS) as stream:
        for record in xml.records(stream, member=ENROLMENTS, tags=("enrolment",)):
            texts = {str(child.tag): digits_of(child.text) for child in record}
            user = restoration.ids.mention("user", texts.get("userid", 0))
            if user is not None:
                start, end, status = texts.get("timestart", 0), texts.get("timeend", 0), texts.get("status", 0)
                enrolled[user] = UserEnrolment(enrol=way, userid=user, status=status, timestart=start, timeend=end)
    yield len(UserEnrolment.objects.bulk_create(enrolled.values(), batch_size=1000))


def load_sections(restoration: Restoration) -> Iterator[Told]:
    """The sections that come along; for an activity alone, the section that it goes into."""
    course = course_of(restoration)
    if not restoration.manifest.sections:
        _place_activities(restoration, course)
        return
    last = Section.objects.filter(course=course).order_by("-number").values_list("number", flat=True).first()
    for entry in restoration.sections:
        path = f"{entry.directory}/section.xml"
        yield from load_member(restoration, path, (structure.element(Section),))
    restoration.loader().flush()
    if restoration.target.course is not None:
        fresh = [restoration.ids.known("course_section", entry.sectionid) for entry in restoration.sections]
        start = -1 if last is None else last
        for number, new in enumerate(fresh, start + 1):
            if new is not None:
                Section.objects.filter(pk=new).update(number=number)


def _place_activities(restoration: Restoration, course: Course) -> None:
    """Finds or makes the section for activities that come without one."""
    target = restoration.target
    section = Section.objects.filter(course=course, pk=target.section).first() if target.section else None
    section = section or Section.objects.filter(course=course).order_by("number").last()
    section = section or Section.objects.create(course=course, number=0, sequence="", summary="")
    olds = {entry.sectionid for entry in restoration.manifest.activities}
    restoration.ids.give("course_section", dict.fromkeys(olds, section.pk))


def load_activities(restoration: Restoration) -> Iterator[Told]:
    """Each activity that comes along: its own file, how the course sees it, and its other described members."""
    included = {folder(entry) for entry in restoration.activities}
    for entry in restoration.manifest.activities:
        if folder(entry) not in included:
            path = f"{entry.directory}/{entry.modulename}.xml"
            restoration.skipped_contexts.add(digits_of(attributes_of(restoration, path).get("contextid")))
    for entry in restoration.activities:
        yield from _load_activity(restoration, entry)
    _check_activities(restoration)


def _load_activity(restoration: Restoration, entry: ActivityEntry) -> Iterator[Told]:
    main = f"{entry.directory}/{entry.modulename}.xml"
    attributes = attributes_of(restoration, main)
    context = restoration.claim_context(integer_in(attributes, "contextid", main), where=main)
    instance = integer_in(attributes, "id", main)
    model = activities.types().get(entry.modulename)
    new = restoration.ids.mention(entry.modulename, instance)
    if model is None and restoration.ids.arrive(entry.modulename, instance) is None:
        raise InvalidValue(f"Two activities are {entry.modulename} {instance}.", where=main)
    people = restoration.with_work(entry)
    if not people:
        restoration.workless_contexts.add(integer_in(attributes, "contextid", main))
    owner = restoration.ids.mention("course_module", entry.moduleid)
    if model is not None:
        yield from load_member(
            restoration,
            main,
            (structure.element(model),),
            root=("activity",),
            fixed={"owner_id": str(owner)},
            people=people,
            top=top_of("activity", f"{entry.modulename}.xml", owner, people=people),
        )
    fixed: dict[str, str | None] = {
        "instance": str(new),
        "contextid": str(context),
        "title": entry.title[:1333].replace("\\", "\\\\").replace("\t", " ").replace("\n", " ").replace("\r", " "),
    }
    module = f"{entry.directory}/module.xml"
    yield from load_member(restoration, module, (structure.element(Activity),), fixed=fixed, people=people)
    joins = {"id": str(owner), "contextid": str(context)}
    for member in structure.members_of(Activity):
        path = f"{entry.directory}/{member}"
        if path in restoration.archive and comes(restoration, member, "activity"):
            body = structure.placed(Activity, member)
            top = top_of("activity", member, owner, people=people)
            yield from load_member(restoration, path, body, joins=joins, people=people, top=top)


def _check_activities(restoration: Restoration) -> None:
    """What the course says of an activity must be what the manifest says. Raises DamagedArchive."""
    for loader in (restoration.with_people, restoration.without_people):
        loader.flush()
    course = course_of(restoration)
    sections = set(Section.objects.filter(course=course).values_list("pk", flat=True))
    rows = Activity.objects.filter(course=course).values_list("pk", "modulename", "section_id")
    found = {pk: (modulename, section) for pk, modulename, section in rows}
    for entry in restoration.activities:
        module = f"{entry.directory}/module.xml"
        modulename, section = found.get(restoration.ids.known("course_module", entry.moduleid) or 0, ("", 0))
        if not section:
            raise DamagedArchive(f"It is not about activity {entry.moduleid}, as the manifest says.", where=module)
        if modulename != entry.modulename:
            raise DamagedArchive(
                f"Its type is {modulename[:50]!r}, and the manifest says {entry.modulename!r}.", where=module
            )
        if section not in sections:
            raise DamagedArchive("It lies in a section that is not in the archive.", where=module)


def load_blocks(restoration: Restoration) -> Iterator[Told]:
    """The blocks of the course and of the activities that come along, with their roles and comments."""
    if not restoration.settings.allows("blocks"):
        return
    owners = {f"{entry.directory}/": entry for entry in restoration.activities}
    kind = restoration.manifest.kind
    for path in sorted(restoration.archive.members):
        found = BLOCK.match(path)
        if found is None or (found["owner"] not in owners and (found["owner"] != "course/" or kind != "course")):
            continue
        entry = owners.get(found["owner"])
        activity = restoration.ids.mention("course_module", entry.moduleid) if entry else None
        people = restoration.with_work(entry) if entry else restoration.people
        fixed = {"activity_id": None if activity is None else str(activity)}
        said = attributes_of(restoration, path)
        context = restoration.claim_context(integer_in(said, "contextid", path), where=path)
        yield from load_member(restoration, path, (structure.element(Block),), fixed=fixed, people=people)
        block = restoration.ids.known("block_instance", integer_in(said, "id", path))
        joins = {"contextid": str(context), "id": str(block)}
        for member in structure.members_of(Block):
            inside = f"{found['folder']}{member}"
            if inside in restoration.archive and comes(restoration, member, "block"):
                body, top = structure.placed(Block, member), top_of("block", member, block, people=people)
                yield from load_member(restoration, inside, body, joins=joins, people=people, top=top)


BLOCK = re.compile(r"(?P<folder>(?P<owner>course/|activities/[^/]+/)blocks/[a-z][a-z0-9_]*_[0-9]{1,18}/)block\.xml\Z")


def load_files(restoration: Restoration) -> Iterator[Told]:
    """The places and names of the files."""
    if not restoration.settings.allows("files") or layout.FILES not in restoration.archive:
        return
    top = top_of("archive", layout.FILES, course_of(restoration).pk, people=restoration.people)
    yield from load_member(restoration, layout.FILES, (structure.element(File),), root=("files",), top=top)
    restoration.loader().flush()
    # The files of a person are the person's in every course.
    File.objects.filter(course=restoration.course, component="user").update(course=None)


def finish(restoration: Restoration) -> Iterator[Told]:
    """Sends the last rows, takes back what refers to nothing, and says what was lost on the way."""
    for loader in (restoration.with_people, restoration.without_people):
        loader.flush()
    yield from restoration.findings
    course = course_of(restoration)
    _order_sections(restoration, course)
    for kind, olds in restoration.ids.missing().items():
        if kind in NUMBERS_ONLY:
            continue
        news = [new for old in olds if (new := restoration.ids.mention(kind, old)) is not None]
        changed = _forget(kind, news)
        if changed:
            yield Finding(
                "info",
                "reference-lost",
                f"The archive mentions {counted(kind, len(olds))} that it does not hold.",
                hint=f"Nothing stands there now in {changed} {'place' if changed == 1 else 'places'}.",
            )
    if restoration.target.course is not None:
        Course.objects.filter(pk=course.pk).update(timemodified=int(time.time()))


def _forget(kind: str, news: list[int]) -> int:
    """Sets every reference of a kind to these ids to what means nothing; how many there were."""
    changed = 0
    with connection.cursor() as cursor:
        for model in structure.parts():
            for field in model._meta.concrete_fields:
                if getattr(field, "refers", None) == kind and hasattr(field, "none"):
                    nothing = None if field.null else field.none
                    cursor.execute(
                        f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s WHERE "{field.column}" = ANY(%s)',
                        [nothing, news],
                    )
                    changed += cursor.rowcount
    return changed


def _order_sections(restoration: Restoration, course: Course) -> None:
    """Takes activities that did not come out of the sections' order, and puts those that a target got at its end."""
    there: dict[int, list[int]] = {}
    for activity, within in Activity.objects.filter(course=course).order_by("id").values_list("id", "section_id"):
        there.setdefault(within, []).append(activity)
    for section in Section.objects.filter(course=course):
        ordered = [int(number) for number in (section.sequence or "").split(",") if number]
        inside = there.get(section.pk, [])
        kept = [number for number in ordered if number in inside]
        kept += [number for number in inside if number not in kept]
        sequence = ",".join(str(number) for number in kept)
        if sequence != (section.sequence or ""):
            Section.objects.filter(pk=section.pk).update(sequence=sequence)
