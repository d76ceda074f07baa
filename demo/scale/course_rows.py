"""Adds a very large course to a site: activities, people, files and records, by statements of the server."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, models

from backup.services import request_backup
from courses import pool
from courses.activities.assign import Assign, AssignSubmission
from courses.activities.folder import Folder
from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.activities.label import Label
from courses.activities.page import Page
from courses.activities.url import Url
from courses.bulk import reserve
from courses.capabilities import ensure_standard_roles
from courses.models import (
    Activity,
    Context,
    Course,
    Enrol,
    File,
    Group,
    GroupMember,
    Role,
    RoleAssignment,
    Section,
    User,
    UserEnrolment,
)
from courses.models.grades import GradeCategory, GradeGrade, GradeItem
from courses.services import create_course, default_category
from demo.scale.series import insert, text, without_checks
from jobs import runner

TYPES: tuple[type[models.Model], ...] = (Page, Label, Url, Folder, Forum, Assign, Page, Folder)
"""The types of the activities, in turns."""
POSTS = 20
"""Posts in each discussion."""
GROUP = 500
"""People in each group."""
IN_SECTION = 20
"""Activities in each section."""


@dataclass(frozen=True, slots=True)
class CourseSize:
    """The numbers of what is in a course. Half of the records are posts, a quarter submissions, a quarter grades."""

    activities: int
    people: int
    files: int
    records: int

    def part(self, share: float) -> CourseSize:
        """Return a size whose numbers are a share of these."""
        return CourseSize(*(max(8, int(number * share)) for number in self.numbers))

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """The four numbers."""
        return self.activities, self.people, self.files, self.records


def add_course(size: CourseSize) -> dict[str, int]:
    """Add the course and return ids by name: `course`, `section`, `student`, and the first activity of each type."""
    ensure_standard_roles()
    context = reserve(Context, 1)
    category = default_category().pk
    with without_checks(), connection.cursor() as cursor:
        course = insert(
            Course, 1, contextid=f"{context}", shortname="'LARGE'", fullname="'Everything in one course'",
            category_id=f"{category}", startdate="1788768000", timecreated="1788768000",
        )  # fmt: skip
        sections = max(1, size.activities // IN_SECTION)
        section = insert(
            Section, sections, course_id=f"{course}", number="n - 1", name=text("Week {n}"), summary="''"
        )
        people = _people(size, course, context)
        first: dict[str, int] = {}
        contents = []
        for number, model in enumerate(TYPES):
            count = size.activities // len(TYPES)
            activity, content = _activities(model, count, number, course, section, sections)
            first.setdefault(model.__name__.lower(), activity)
            contents.append((activity, content, count))
        cursor.execute(
            "UPDATE courses_section s SET sequence = a.ids FROM (SELECT section_id, string_agg(id::text, ',' ORDER BY id) AS ids"
            " FROM courses_activity WHERE course_id = %s GROUP BY 1) a WHERE a.section_id = s.id",
            [course],
        )
        posts = _posts(size, contents[4], people)
        items = _grades(size, course, contents[5], people)
        _files(size, course, contents[3])
    return {"course": course, "section": section, "student": people, "grade_item": items, **posts, **first}


def _people(size: CourseSize, course: int, context: int) -> int:
    """Add accounts, enrol them as students, and put them into groups; return the id of the first."""
    student = Role.objects.get(shortname="student").pk
    contexts = reserve(Context, size.people)
    people = insert(
        User, size.people, username=text("student{n}"), email=text("student{n}@example.org"), firstname=text("First{n}"),
        lastname=text("Last{n}"), confirmed="1", contextid=f"{contexts} + n - 1", timecreated="1788768000",
    )  # fmt: skip
    someone = f"{people} + n - 1"
    enrol = insert(Enrol, 1, course_id=f"{course}", enrol="'manual'", roleid=f"{student}")
    insert(UserEnrolment, size.people, enrol_id=f"{enrol}", userid=someone)
    insert(RoleAssignment, size.people, roleid=f"{student}", userid=someone, contextid=f"{context}")
    groups = insert(Group, max(1, size.people // GROUP), course_id=f"{course}", name=text("Group {n}"))
    insert(GroupMember, size.people, group_id=f"{groups} + (n - 1) / {GROUP}", userid=someone)
    return people


def _activities(
    model: type[models.Model], count: int, number: int, course: int, section: int, sections: int
) -> tuple[int, int]:
    """Add activities of one type; return the ids of the first activity and of its content."""
    contexts = reserve(Context, count)
    name = model.__name__
    activity = insert(
        Activity, count, modulename=f"'{name.lower()}'", title=text(f"{name} {{n}} ({number})"), course_id=f"{course}",
        section_id=f"{section} + (n + {number}) % {sections}", contextid=f"{contexts} + n - 1", added="1788768000",
        version="'2024100700'", instance="-(first + n)",
    )  # fmt: skip
    more = {"externalurl": text("https://example.org/{n}")} if model is Url else {}
    content = insert(
        model,
        count,
        owner_id=f"{activity} + n - 1",
        name=text(f"{name} {{n}} ({number})"),
        intro="''",
        **more,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE courses_activity SET instance = id - %s WHERE id >= %s AND id < %s",
            [activity - content, activity, activity + count],
        )
    return activity, content


def _posts(size: CourseSize, forums: tuple[int, int, int], people: int) -> dict[str, int]:
    """Add discussions of `POSTS` posts; the first forum has half of them."""
    count = max(1, size.records // 2 // POSTS)
    someone = f"{people} + n % {size.people}"
    _activity, forum, number = forums
    discussions = insert(
        ForumDiscussion, count, forum_id=f"CASE WHEN n % 2 = 0 THEN {forum} ELSE {forum} + n % {number} END",
        name=text("Discussion {n}"), userid=someone, timemodified="1788768000 + n",
    )  # fmt: skip
    posts = insert(
        ForumPost, count * POSTS, discussion_id=f"{discussions} + (n - 1) / {POSTS}", userid=someone, subject=text("Post {n}"),
        parent=f"CASE WHEN (n - 1) % {POSTS} = 0 THEN 0 ELSE first + (n - 1) / {POSTS} * {POSTS} END",
        message=text("<p>What I read about it, number {n}, and what I think.</p>"), messageformat="1", created="1788768000 + n",
    )  # fmt: skip
    ForumDiscussion.objects.filter(pk__gte=discussions).update(
        firstpost=posts + (models.F("pk") - discussions) * POSTS
    )
    return {"discussion": discussions}


def _grades(size: CourseSize, course: int, assigns: tuple[int, int, int], people: int) -> int:
    """Add submissions and grades of the assignments; return the id of the first grade item."""
    activity, assign, number = assigns
    count = size.records // 4
    each = {"userid": f"{people} + n % {size.people}", "timemodified": "1788768000"}
    insert(
        AssignSubmission, count, assign_id=f"{assign} + (n - 1) / {size.people} % {number}", status="'submitted'", latest="1",
        attemptnumber=f"(n - 1) / ({size.people} * {number})", **each,
    )  # fmt: skip
    category = insert(
        GradeCategory, 1, course_id=f"{course}", depth="1", path="concat('/', first, '/')", fullname="'?'"
    )
    insert(GradeItem, 1, course_id=f"{course}", itemtype="'course'", iteminstance=f"{category}")
    items = insert(
        GradeItem, number, course_id=f"{course}", activity_id=f"{activity} + n - 1", categoryid=f"{category}", itemtype="'mod'",
        itemname=text("Assign {n} (5)"), itemmodule="'assign'", iteminstance=f"{assign} + n - 1", itemnumber="0",
    )  # fmt: skip
    insert(
        GradeGrade,
        count,
        item_id=f"{items} + (n - 1) / {size.people} % {number}",
        finalgrade="n % 100",
        **each,
    )
    return items


def _files(size: CourseSize, course: int, folders: tuple[int, int, int]) -> None:
    """Add files to the folders, each with a content of its own in the pool."""
    activity, _folder, number = folders
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE scale_content (n bigint PRIMARY KEY, sha1 text, size bigint)")
        rows = io.StringIO()
        for position in range(1, size.files + 1):
            content = f"File {position} of the large course.\n".encode() * (1 + position % 20)
            sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            _put(sha1, content)
            rows.write(f"{position}\t{sha1}\t{len(content)}\n")
        rows.seek(0)
        cursor.copy_from(rows, "scale_content")
    column = "(SELECT {} FROM scale_content c WHERE c.n = numbers.n)"
    insert(
        File, size.files, course_id=f"{course}", contenthash=column.format("sha1"), filesize=column.format("size"),
        contextid=f"(SELECT contextid FROM courses_activity WHERE id = {activity} + n % {number})", component="'mod_folder'",
        filearea="'content'", itemid="0", filepath="'/'", filename=text("file{n}.txt"), mimetype="'text/plain'",
    )  # fmt: skip


def _put(sha1: str, content: bytes) -> None:
    """Write a content to the pool's folder, without the care for power failures that `pool.put` takes."""
    place = Path(pool.storage().path(pool.name_of(sha1)))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def prepare_pages(course: int) -> dict[str, int]:
    """Store an archive of the course, and make an administrator and another course; return their ids."""
    admin = User.objects.filter(username="admin").first() or User.objects.create_superuser(
        "admin", "a@example.org", ""
    )
    other = create_course("OTHER", "Another course")
    job = request_backup(Course.objects.get(pk=course), by=admin, notify=False)
    done = runner.run(job.pk, raising=True)
    assert done is not None
    assert done.archive_id is not None
    return {"admin": admin.pk, "other": other.pk, "archive": done.archive_id, "category": other.category_id}
