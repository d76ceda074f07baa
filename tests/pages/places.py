"""A small course with people in roles, made row by row, for the tests of pages."""

from __future__ import annotations

from dataclasses import dataclass

from courses import activities
from courses.models import Activity, Context, Course, Enrol, Role, RoleAssignment, User, UserEnrolment
from courses.services import create_course

PASSWORD = "correct horse"
EVIL = '<p onclick="steal()">Rocks <script>steal()</script><a href="javascript:steal()">here</a></p>'


@dataclass
class Place:
    """The course, its activities and its people."""

    course: Course
    page: Activity
    forum: Activity
    admin: User
    manager: User
    teacher: User
    student: User
    stranger: User


def make_place() -> Place:
    """Make a course of two activities, one of them with a discussion, and one person for each role."""
    course = create_course("GEO1", "Geology of the Alps", summary=EVIL)
    page = activity(course, "page", "Rocks <b>and</b> minerals", content=EVIL, intro="")
    forum = activity(course, "forum", "Field trips", intro="<p>Where to go</p>")
    section = course.sections.get()
    section.sequence = f"{page.pk},{forum.pk}"
    section.save()
    place = Place(
        course=course,
        page=page,
        forum=forum,
        admin=User.objects.create_superuser(
            "ada", "ada@example.org", PASSWORD, firstname="Ada", lastname="Byron"
        ),
        manager=person("mona", "manager", course),
        teacher=person("tess", "editingteacher", course),
        student=person("stan", "student", course),
        stranger=person("nora"),
    )
    discuss(forum, place.student)
    return place


def activity(course: Course, modulename: str, title: str, **columns: object) -> Activity:
    """Make an activity in the first section of a course, with its own record."""
    owner = Activity.objects.create(
        course=course,
        section=course.sections.get(),
        modulename=modulename,
        version=2024100700,
        instance=Activity.objects.filter(modulename=modulename).count() + 1,
        contextid=Context.objects.create().pk,
        title=title,
    )
    model = activities.types()[modulename]
    values = {"owner": owner, "name": title, **columns}
    content = model._default_manager.create(**values)
    owner.instance = content.pk
    owner.save(update_fields=["instance"])
    return owner


def discuss(forum: Activity, by: User) -> None:
    """Make a discussion with one post."""
    from courses.activities.forum import Forum, ForumDiscussion, ForumPost

    discussion = ForumDiscussion.objects.create(
        forum=Forum.objects.get(owner=forum), name="To the glacier", userid=by.pk, timemodified=1_700_000_000
    )
    post = ForumPost.objects.create(
        discussion=discussion,
        userid=by.pk,
        subject="To the glacier",
        message="<p>Who comes along?</p>",
        created=1_700_000_000,
        modified=1_700_000_000,
    )
    discussion.firstpost = post.pk
    discussion.save()


def person(username: str, role: str = "", course: Course | None = None) -> User:
    """Make a person; with `course`, enrol them there with `role`."""
    user = User.objects.create_user(
        username, f"{username}@example.org", PASSWORD, firstname=username.capitalize(), lastname="Test"
    )
    if course is not None:
        found = Role.objects.get(shortname=role)
        RoleAssignment.objects.create(contextid=course.contextid, roleid=found.pk, userid=user.pk)
        enrol, _ = Enrol.objects.get_or_create(course=course, enrol="manual")
        UserEnrolment.objects.create(enrol=enrol, userid=user.pk)
    return user
