"""The people and archives of the permission matrix: who they are, and what was made by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client

from courses import pool, removal
from courses.activities.forum import ForumDiscussion
from courses.changes import create_activity, create_section
from courses.models import (
    Activity,
    Category,
    Course,
    Enrol,
    File,
    Role,
    RoleAssignment,
    Section,
    User,
    UserEnrolment,
)
from courses.models.grades import GradeItem
from courses.services import create_category, create_course
from courses.signing import site_hash
from jobs import queue
from jobs.models import Job
from notices.hooks import create_hook
from notices.models import WebHook
from tests.archives_made import Change, small
from tests.pages.places import activity, discuss
from tests.people_made import person
from transfer.models import RemovedItem
from vault import schedules, storage
from vault.models import Schedule, ScheduleRun, StoredArchive

NOBODY = "nobody"
PEOPLE = {
    NOBODY: "has not signed in",
    "outsider": "has an account and no role",
    "suspended": "was manager of the course; the account is suspended, the session still there",
    "student": "is a student of the course",
    "assistant": "is a teacher of the course who may not edit",
    "teacher": "is an editing teacher of the course",
    "neighbour": "is an editing teacher of another course",
    "head": "is manager of the course's category",
    "other_head": "is manager of another category",
    "traveller": "is an editing teacher of the course, and manager of the other category",
    "admin": "is an administrator of the site",
}
"""The columns of the matrix."""

ARCHIVES = {
    "own": "by teacher, without people",
    "with people": "by head, with people",
    "without people": "by head, without people",
    "anonymous": "by head, with people made anonymous",
    "scheduled": "by a schedule of head, with people",
    "activity": "of the forum, by head, with people",
    "held": "by teacher, without people; protected by head",
    "upload": "uploaded by teacher, with people",
    "forged": "uploaded by teacher, with people and the hash of this site",
    "course gone": "by teacher, with people; the course has been removed since",
}
"""The kinds of archives in the matrix."""

VALUE = "</name>\n        <value>"
"""What stands between the name of an option and its value in the manifest of the small archive."""

FORGED: dict[str, Change] = {"moodle_backup.xml": ("0" * 32, site_hash())}
WITHOUT_PEOPLE: dict[str, Change] = {"moodle_backup.xml": (f"users{VALUE}1", f"users{VALUE}0")}
ANONYMOUS: dict[str, Change] = {"moodle_backup.xml": (f"anonymize{VALUE}0", f"anonymize{VALUE}1")}
FORUM_ALONE: dict[str, Change] = {"moodle_backup.xml": ("<type>course</type>", "<type>activity</type>")}


@dataclass
class World:
    """The site of the matrix."""

    course: Course
    section: Section
    forum: Activity
    second: Section
    other: Course
    removed: RemovedItem
    discussion: ForumDiscussion
    grade_item: GradeItem
    category: Category
    elsewhere: Category
    people: dict[str, User]
    file: str
    job: Job
    schedule: Schedule
    run: ScheduleRun
    hook: WebHook
    archives: dict[str, StoredArchive] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)


def make_world() -> World:
    """Make the site: a course in a category, another category with a course, a person for each column, and archives."""
    category, elsewhere = create_category("Science"), create_category("Elsewhere")
    course = create_course("GEO1", "Geology of the Alps", category=category)
    other = create_course("SEA1", "Geology of the sea", category=elsewhere)
    forum = activity(course, "forum", "Field trips", intro="<p>Where to go</p>")
    section = course.sections.get(number=0)
    section.sequence = str(forum.pk)
    section.save()
    second = create_section(course, "Week 2")
    removal.remove(create_activity(course, second, "page", "Old page"))
    people = {
        "outsider": person("nora"),
        "suspended": person("sam", "manager", at=course),
        "student": person("stan", "student", at=course),
        "assistant": person("tom", "teacher", at=course),
        "teacher": person("tess", "editingteacher", at=course),
        "neighbour": person("elena", "editingteacher", at=other),
        "head": person("mona", "manager", at=category),
        "other_head": person("otto", "manager", at=elsewhere),
        "traveller": person("tamara", "manager", at=elsewhere),
        "admin": person("ada", is_superuser=True),
    }
    assign(people["traveller"], "editingteacher", course)
    enrol = Enrol.objects.create(course=course, enrol="manual")
    UserEnrolment.objects.create(enrol=enrol, userid=people["student"].pk)
    User.objects.filter(pk=people["suspended"].pk).update(suspended=1)
    discuss(forum, people["student"])
    schedule = Schedule.objects.create(
        name="Nightly", scope="list", weekdays=[0], owner=people["teacher"], options={"users": "0"}
    )
    schedule.courses.add(course)
    world = World(
        course=course,
        section=section,
        forum=forum,
        second=second,
        other=other,
        removed=RemovedItem.objects.get(),
        discussion=ForumDiscussion.objects.get(),
        grade_item=GradeItem.objects.create(course=course, itemtype="manual", itemname="Oral"),
        category=category,
        elsewhere=elsewhere,
        people=people,
        file=attached(forum),
        job=queue.request(
            "backup", by=people["teacher"], course=course, title="Geology of the Alps", notify=False
        ),
        schedule=schedule,
        run=schedules.start_run(schedule),
        hook=create_hook("Chat", "https://example.org/hook", "sixteen letters!", by=None),
    )
    for name in PEOPLE:
        world.clients[name] = Client()
        if name != NOBODY:
            world.clients[name].force_login(people[name])
    add_archives(world, Path(mkdtemp(prefix="coursekeep-matrix-")))
    return world


def assign(user: User, role: str, at: Course | Category) -> None:
    """Give a person a role there."""
    found = Role.objects.get(shortname=role)
    RoleAssignment.objects.create(roleid=found.pk, userid=user.pk, contextid=at.contextid)


def attached(forum: Activity) -> str:
    """Attach a file to the post of the forum, and return the rest of its address."""
    sha1, length = pool.put(ContentFile(b"a map"))
    post = ForumDiscussion.objects.get().firstpost
    File.objects.create(
        course=forum.course, contenthash=sha1, filesize=length, filepath="/", filename="map.png",
        mimetype="image/png", contextid=forum.contextid, component="mod_forum", filearea="attachment", itemid=post,
    )  # fmt: skip
    return f"{forum.contextid}/mod_forum/attachment/{post}/map.png"


def add_archives(world: World, folder: Path) -> None:
    """Store an archive of each kind."""
    teacher, head = world.people["teacher"], world.people["head"]
    gone = create_course("OLD1", "Gone", category=world.category)
    assign(teacher, "editingteacher", gone)
    plain, forged = small(folder / "plain.mbz"), small(folder / "forged.mbz", FORGED)
    alone, anonymous = small(folder / "alone.mbz", FORUM_ALONE), small(folder / "an.mbz", ANONYMOUS)
    bare = small(folder / "bare.mbz", WITHOUT_PEOPLE)
    uploaded = {"source": "upload", "created_by": teacher}
    rows: dict[str, tuple[Path, dict[str, Any]]] = {
        "own": (bare, {"course": world.course, "created_by": teacher, "users": False}),
        "with people": (plain, {"course": world.course, "created_by": head}),
        "without people": (bare, {"course": world.course, "created_by": head, "users": False}),
        "anonymous": (anonymous, {"course": world.course, "created_by": head, "anonymized": True}),
        "scheduled": (plain, {"course": world.course, "created_by": head, "source": "schedule"}),
        "activity": (
            alone,
            {
                "course": world.course,
                "created_by": head,
                "archive_type": "activity",
                "item": world.forum.pk,
            },
        ),
        "held": (
            bare,
            {
                "course": world.course,
                "created_by": teacher,
                "users": False,
                "keep": True,
                "held_by": head,
            },
        ),
        "upload": (plain, uploaded),
        "forged": (forged, uploaded),
        "course gone": (plain, {"course": gone, "created_by": teacher}),
    }
    for kind, (path, facts) in rows.items():
        world.archives[kind] = storage.record(
            storage.put(path, title="a.mbz"), course_title=f"Archive {kind}", **facts
        )
    gone.delete()
    world.archives["course gone"].refresh_from_db()
