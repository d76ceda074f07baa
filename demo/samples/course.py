"""Makes a sample course with sections, activities, people and their work, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from archive.releases import VERSION_OF_4_5
from courses.models import (
    Activity,
    ActivityTag,
    Course,
    CourseFormatOption,
    CourseTag,
    File,
    RoleOverride,
    Section,
)
from courses.models.people import Role
from courses.services import default_category
from demo.samples import activities, contents, forums, people, work
from demo.samples.draft import DAY, START, TERM, CourseDraft, Progress, Slot, no_progress, store_contents
from demo.samples.sizes import SIZES, Size
from demo.samples.words import SECTIONS, TAGS, TITLES

LOCK = 7302
FORUM_PEOPLE = 1_000
FORUM_LENGTH = 650
DISCUSSION = 50

ADD_BY_TYPE = {
    "label": activities.add_label,
    "page": activities.add_page,
    "url": activities.add_url,
    "resource": activities.add_resource,
    "folder": activities.add_folder,
    "book": activities.add_book,
    "choice": activities.add_choice,
    "glossary": work.add_glossary,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The result of making a course: its id, names, counts and seconds. `bytes` is the sum of all contents."""

    course_id: int
    shortname: str
    fullname: str
    records: int
    files: int
    bytes: int
    people: int
    activities: int
    seconds: float


def make_sample(size: str, *, seed: int = 1, progress: Progress = no_progress) -> Sample:
    """Make a course of a size in `SIZES`, with progress reports, and return its facts. The same seed gives the same course."""
    plan, started = SIZES[size], time.perf_counter()
    with transaction.atomic():
        draft = _begin(
            f"WATER-{size}-{seed}", f"Water: rivers, seas and cities ({size})", seed=seed, progress=progress
        )
        people.add_people(draft, plan.people)
        people.add_groups(draft)
        sections = [draft.rows.number(Section) for _ in range(plan.sections + 1)]
        _plan_activities(draft, plan, sections)
        _describe(draft)
        _add_sections(draft, sections)
        _add_contents(draft, plan)
        return _end(draft, started)


def make_forum(posts: int, *, seed: int = 1, progress: Progress = no_progress) -> Sample:
    """Make a course of one forum and 1,000 people: exactly `posts` posts in discussions of 50, half of them rated."""
    started = time.perf_counter()
    with transaction.atomic():
        draft = _begin(f"FORUM-{posts}-{seed}", f"Forum of {posts:,} posts", seed=seed, progress=progress)
        people.add_people(draft, FORUM_PEOPLE)
        sections = [draft.rows.number(Section) for _ in range(4)]
        slot = draft.slot("forum", "Big", sections[0])
        _add_sections(draft, sections)
        _add_module(draft, slot, added=START)
        forums.add_big_forum(draft, slot, posts=posts, each=DISCUSSION, length=FORUM_LENGTH)
        return _end(draft, started)


def _begin(shortname: str, fullname: str, *, seed: int, progress: Progress) -> CourseDraft:
    """Add an empty course and return the draft. A lock makes other makers with the same seed wait, as they share people."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, seed])
    draft = CourseDraft(seed=seed, course=0, contextid=0, root=settings.SITE_URL, progress=progress)
    draft.contextid = draft.context()
    same_name = Course.objects.filter(shortname__startswith=shortname).count()
    draft.course = draft.add(
        Course,
        contextid=draft.contextid,
        category_id=default_category().pk,
        shortname=f"{shortname} {same_name + 1}" if same_name else shortname,
        fullname=fullname,
        idnumber="",
        summary=f"<p>Where water comes from, where it goes, and what people say of it. {fullname}.</p>",
        startdate=START,
        enddate=START + TERM,
        timecreated=START,
        timemodified=START,
        showactivitydates=1,
        enablecompletion=0,
        groupmode=2,
    )
    for name in ("hiddensections", "coursedisplay"):
        draft.add(
            CourseFormatOption, course_id=draft.course, format="topics", sectionid=0, name=name, value="0"
        )
    return draft


def _describe(draft: CourseDraft) -> None:
    """Add the course's picture and tags."""
    content = contents.picture(draft.random("course"), width=320, height=180)
    draft.file(content, contextid=draft.contextid, area="course/overviewfiles", name="course.png")
    for tag in TAGS[:3]:
        draft.add(CourseTag, course_id=draft.course, name=tag.lower(), rawname=tag)


def _plan_activities(draft: CourseDraft, size: Size, sections: list[int]) -> None:
    """Reserve the activities, with types in turns, so that every section has different ones."""
    left = dict(size.activities)
    position = 0
    while any(left.values()):
        for modulename in left:
            if left[modulename]:
                left[modulename] -= 1
                number = size.activities[modulename] - left[modulename] - 1
                titles = TITLES[modulename]
                again = number // len(titles)
                title = titles[number % len(titles)] + (f" ({again + 1})" if again else "")
                draft.slot(modulename, title, sections[position % len(sections)])
                position += 1


def _add_sections(draft: CourseDraft, sections: list[int]) -> None:
    for number, section in enumerate(sections):
        random = draft.random("section", number)
        inside = [str(slot.cmid) for slot in draft.slots if slot.section == section]
        name = SECTIONS[(number - 1) % len(SECTIONS)] if number else None
        if name and number > len(SECTIONS):
            name = f"{name} ({(number - 1) // len(SECTIONS) + 1})"
        summary = draft.text(random, link=True) if number else ""
        if number == 1:
            content = contents.picture(random)
            draft.file(
                content, contextid=draft.contextid, area="course/section", itemid=section, name="drop.png"
            )
            summary += '<p><img src="@@PLUGINFILE@@/drop.png" alt="A drop" width="160" height="100"></p>'
        draft.add(
            Section,
            id=section,
            course_id=draft.course,
            number=number,
            name=name,
            summary=summary,
            sequence=",".join(inside),
            timemodified=START,
        )


def _add_contents(draft: CourseDraft, size: Size) -> None:
    """Add every activity with its contents. Forums share the discussions, most of which are in the first."""
    names = store_contents(draft, size.contents)
    shares = _shares(size.discussions, size.activities["forum"])
    for number, slot in enumerate(draft.slots):
        _add_module(draft, slot, added=START + number * 60)
        if slot.modulename == "forum":
            grouped = slot.title == TITLES["forum"][2]
            forums.add_forum(draft, slot, discussions=next(shares), posts=size.posts, grouped=grouped)
        elif slot.modulename == "assign":
            work.add_assign(draft, slot, names=names)
        else:
            ADD_BY_TYPE[slot.modulename](draft, slot, size)
        draft.forget_areas(slot.contextid)


def _shares(whole: int, parts: int) -> Iterator[int]:
    """Yield the shares of `whole` for `parts` parts: the first is larger, the others are equal."""
    part = whole // (parts + 1)
    yield whole - part * (parts - 1)
    for _ in range(parts - 1):
        yield part


def _add_module(draft: CourseDraft, slot: Slot, *, added: int) -> None:
    """Add the course module; some are hidden, indented, with group mode, or restricted to one group."""
    number = draft.slots.index(slot)
    team = ""
    if draft.groups and number % 12 == 11:
        team = f'{{"op":"&","c":[{{"type":"group","id":{draft.groups[0]}}}],"showc":[true]}}'
    draft.add(
        Activity,
        id=slot.cmid,
        version=VERSION_OF_4_5,
        modulename=slot.modulename,
        section_id=slot.section,
        course_id=draft.course,
        instance=slot.instance,
        contextid=slot.contextid,
        title=slot.title,
        idnumber=f"{slot.modulename}-{number + 1}" if number % 5 == 0 else "",
        added=added,
        indent=int(number % 7 == 6),
        visible=int(number % 15 != 14),
        visibleold=1,
        groupmode=1 if slot.title == TITLES["forum"][2] else 0,
        groupingid=draft.grouping if slot.title == TITLES["forum"][2] else 0,
        availability=team or None,
        showdescription=int(slot.modulename == "label"),
    )
    if number % 6 == 1:
        tag = TAGS[number % len(TAGS)]
        draft.add(ActivityTag, activity_id=slot.cmid, name=tag.lower(), rawname=tag)
    if number % 10 == 6:
        student = Role.objects.values_list("pk", flat=True).get(shortname="student")
        draft.add(
            RoleOverride,
            contextid=slot.contextid,
            roleid=student,
            capability="mod/forum:replypost",
            permission=-1,
            timemodified=START + DAY,
            modifierid=draft.teachers[0].id,
        )


def _end(draft: CourseDraft, started: float) -> Sample:
    """Send the remaining rows and return the facts of the course."""
    draft.rows.flush()
    course = Course.objects.get(pk=draft.course)
    files = File.objects.filter(course=course).exclude(filename=".").count()
    return Sample(
        course_id=course.pk,
        shortname=course.shortname,
        fullname=course.fullname,
        records=draft.rows.count,
        files=files,
        bytes=draft.stored,
        people=len(draft.everybody),
        activities=len(draft.slots),
        seconds=round(time.perf_counter() - started, 3),
    )
