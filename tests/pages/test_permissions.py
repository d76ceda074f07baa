"""Rights to pages: each page opens for those who may see it, and tells others why it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from courses import pool
from courses.activities.forum import ForumDiscussion, ForumPost
from courses.capabilities import PROHIBIT
from courses.models import File, Role, RoleOverride, User
from courses.models.grades import GradeItem
from courses.models.questions import QuestionCategory
from courses.services import create_course
from jobs import queue
from jobs.models import Job
from tests.pages.places import Place, activity, person
from vault import storage
from vault.models import StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db


def archive_of(place: Place, *, users: bool = True, by: User | None = None) -> StoredArchive:
    return StoredArchive.objects.create(
        file=f"2025-01/{StoredArchive.objects.count()}/a.mbz",
        title="a.mbz",
        course=place.course,
        course_title="Geology",
        size=12,
        sha256="0" * 64,
        users=users,
        created_by=by,
    )


def test_every_page_asks_strangers_to_sign_in(client: Client) -> None:
    names = [
        "courses",
        "archives",
        "jobs",
        "schedules",
        "schedule-new",
        "restore",
        "administration",
        "administration-options",
    ]
    with_number = [
        "course",
        "activity",
        "archive",
        "archive-download",
        "archive-remove",
        "job",
        "job-log",
        "schedule",
        "schedule-edit",
        "run",
        "restore-inside",
        "restore-destination",
        "restore-settings",
        "restore-schema",
        "restore-people",
        "restore-review",
    ]
    addresses = [reverse(name) for name in names] + [reverse(name, args=[1]) for name in with_number]
    addresses += [
        reverse(f"backup-{stage}", args=["course", 1]) for stage in ("settings", "schema", "confirm")
    ]
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, answer.headers.get("Location")) == (
            302,
            f"/accounts/login/?next={address}",
        )


def test_nothing_changes_by_looking(place: Place, as_person: SignIn) -> None:
    archive, job = (
        archive_of(place),
        queue.request("backup", by=place.admin, course=place.course, notify=False),
    )
    addresses = [
        reverse("backup-now", args=["course", place.course.pk]),
        reverse("job-cancel", args=[job.pk]),
        reverse("archive-hold", args=[archive.pk]),
        reverse("archive-check", args=[archive.pk]),
        reverse("restore-upload"),
        reverse("theme"),
    ]
    for address in addresses:
        assert as_person("admin").get(address).status_code == 405


def test_posts_without_a_token_are_refused(place: Place) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(place.admin)
    assert client.post(reverse("backup-now", args=["course", place.course.pk])).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("name", "status"),
    [("admin", 200), ("manager", 200), ("teacher", 200), ("student", 403), ("stranger", 403)],
)
def test_a_course_and_its_activities_are_for_those_who_may_look_at_it(
    place: Place, as_person: SignIn, name: str, status: int
) -> None:
    for address in (
        reverse("course", args=[place.course.pk]),
        reverse("activity", args=[place.forum.pk]),
        reverse("backup-settings", args=["course", place.course.pk]),
        reverse("backup-confirm", args=["activity", place.forum.pk]),
        reverse("backup-confirm", args=["section", place.course.sections.get().pk]),
    ):
        answer = as_person(name).get(address)
        assert answer.status_code == status
        if status == 403:
            assert "Not allowed" in answer.content.decode()


def test_the_list_of_courses_has_only_those_that_one_may_look_at(place: Place, as_person: SignIn) -> None:
    assert "Geology of the Alps" in as_person("teacher").get("/").content.decode()
    page = as_person("student").get("/").content.decode()
    assert "Geology of the Alps" not in page
    assert "No courses for you yet" in page


def test_what_people_wrote_takes_the_right_to_peoples_data(place: Place, as_person: SignIn) -> None:
    address = reverse("activity", args=[place.forum.pk])
    assert "To the glacier" in as_person("manager").get(address).content.decode()
    page = as_person("teacher").get(address).content.decode()
    assert "To the glacier" not in page
    assert "You may not see people and their work in this course" in page
    records = reverse("records", args=[place.forum.pk, "forumpost"])
    assert as_person("manager").get(records).status_code == 200
    assert as_person("teacher").get(records).status_code == 403


# Who may see what of a course: its own content (admin, manager, teacher), and people's work (admin, manager).
EVERYBODY = ("admin", "manager", "teacher", "student", "stranger", "elsewhere")
OWN, WORK = [200, 200, 200, 403, 403, 403], [200, 200, 403, 403, 403, 403]


def test_each_page_with_peoples_data_is_for_those_with_the_right_to_it(place: Place) -> None:
    other = create_course("GEO2", "Geology of the sea")
    people = {name: getattr(place, name) for name in EVERYBODY[:-1]}
    people["elsewhere"] = person("elena", "editingteacher", other)
    discussion = ForumDiscussion.objects.get()
    item = GradeItem.objects.create(course=place.course, itemtype="manual", itemname="Oral")
    category = QuestionCategory.objects.create(
        course=place.course, contextid=place.course.contextid, name="Easy"
    )
    forum, course = place.forum.pk, place.course.pk
    post = ForumPost.objects.get()
    allowed = {
        f"/activity/{forum}/": OWN,
        f"/activity/{forum}/records/forumdiscussion/": WORK,
        f"/activity/{forum}/records/file/": OWN,
        f"/activity/{forum}/discussion/{discussion.pk}/": WORK,
        f"/course/{course}/people/": OWN,
        f"/course/{course}/gradebook/": OWN,
        f"/course/{course}/grades/{item.pk}/": WORK,
        f"/course/{course}/category/{category.pk}/": OWN,
        f"/course/{course}/person/{place.student.pk}/": WORK,
        f"/course/{course}/records/userenrolment/": WORK,
        f"/course/{course}/records/enrol/": OWN,
        stored(place, "mod_forum", "intro", 0): OWN,
        stored(place, "mod_forum", "attachment", post.pk): WORK,
    }
    for address, expected in allowed.items():
        for name, status in zip(EVERYBODY, expected, strict=True):
            client = Client()
            client.force_login(people[name])
            assert client.get(address).status_code == status, (address, name)


def stored(place: Place, component: str, area: str, item: int, *, by: User | None = None) -> str:
    """A file of the forum, and its address."""
    sha1, length = pool.put(ContentFile(b"a map"))
    where = {"contextid": place.forum.contextid, "component": component, "filearea": area, "itemid": item}
    name = f"map {File.objects.count()}.png"
    File.objects.create(
        course=place.course,
        contenthash=sha1,
        filesize=length,
        filepath="/",
        filename=name,
        mimetype="image/png",
        userid=by.pk if by else None,
        **where,
    )
    return reverse("file", args=[f"{place.forum.contextid}/{component}/{area}/{item}/{name}"])


def test_people_get_their_own_files_back(place: Place, as_person: SignIn) -> None:
    address = stored(place, "mod_forum", "attachment", ForumPost.objects.get().pk, by=place.teacher)
    assert as_person("teacher").get(address).status_code == 200


def test_a_right_that_is_taken_away_at_an_activity_is_missed_there_and_not_elsewhere(
    place: Place, as_person: SignIn
) -> None:
    file = stored(place, "mod_forum", "attachment", ForumPost.objects.get().pk)
    RoleOverride.objects.create(
        contextid=place.forum.contextid,
        roleid=Role.objects.get(shortname="manager").pk,
        capability="moodle/backup:userinfo",
        permission=PROHIBIT,
    )
    client = as_person("manager")
    assert "To the glacier" not in client.get(reverse("activity", args=[place.forum.pk])).content.decode()
    assert client.get(reverse("records", args=[place.forum.pk, "forumpost"])).status_code == 403
    assert client.get(file).status_code == 403
    assert "Stan Test" in client.get(f"/course/{place.course.pk}/people/").content.decode()


@pytest.mark.parametrize(
    "path",
    ["1/2", "x/mod_forum/intro/0/a.png", "9²/mod_forum/intro/0/a.png", f"{'9' * 40}/mod_forum/intro/0/a.png",
     "1/mod_forum/intro/0/%00.png", "1/mod_forum/intro/0/"],
)  # fmt: skip
def test_an_address_that_is_no_files_is_not_found(place: Place, as_person: SignIn, path: str) -> None:
    assert as_person("admin").get(f"/file/{path}").status_code == 404


def test_a_file_whose_content_is_gone_is_not_found(place: Place, as_person: SignIn) -> None:
    address = stored(place, "mod_forum", "intro", 0)
    File.objects.filter(filename=address.rpartition("/")[2].replace("%20", " ")).update(contenthash="0" * 40)
    other = pool.put(ContentFile(b"another map"))[0]
    File.objects.create(
        course=place.course,
        contextid=1,
        component="course",
        filearea="summary",
        filename="b",
        contenthash=other,
    )
    assert as_person("admin").get(address).status_code == 404


def test_an_archive_with_people_is_downloaded_only_with_the_right_to_peoples_data(
    place: Place, as_person: SignIn
) -> None:
    with_people, without = archive_of(place), archive_of(place, users=False)
    for archive in (with_people, without):
        name = storage.archives().save(archive.file, ContentFile(b"twelve bytes"))
        StoredArchive.objects.filter(pk=archive.pk).update(file=name)

    def status(name: str, archive: StoredArchive) -> int:
        return as_person(name).get(reverse("archive-download", args=[archive.pk])).status_code

    assert [status(name, with_people) for name in ("admin", "manager", "teacher", "student")] == [
        200,
        200,
        403,
        404,
    ]
    assert [status(name, without) for name in ("admin", "manager", "teacher", "student")] == [
        200,
        200,
        200,
        404,
    ]
    answer = as_person("teacher").get(reverse("archive-download", args=[without.pk]))
    assert answer.getvalue() == b"twelve bytes"
    refusal = as_person("teacher").get(reverse("archive-download", args=[with_people.pk])).content.decode()
    assert "It holds people&#x27;s data" in refusal
    assert "It holds people&#x27;s data" in as_person("teacher").get(reverse("archives")).content.decode()


def test_a_job_is_seen_by_its_owner_and_the_administrator(place: Place, as_person: SignIn) -> None:
    job = queue.request("backup", by=place.teacher, course=place.course, title="Geology", notify=False)
    for name, status in (("teacher", 200), ("admin", 200), ("manager", 404), ("stranger", 404)):
        assert as_person(name).get(reverse("job", args=[job.pk])).status_code == status
        assert as_person(name).get(reverse("job-log", args=[job.pk])).status_code == status
    assert as_person("manager").post(reverse("job-cancel", args=[job.pk])).status_code == 404
    assert as_person("teacher").post(reverse("job-cancel", args=[job.pk])).status_code == 302
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_the_administrators_pages_are_for_the_administrator(place: Place, as_person: SignIn) -> None:
    for address in (reverse("administration"), reverse("administration-options")):
        assert as_person("admin").get(address).status_code == 200
        for name in ("manager", "teacher", "student", "stranger"):
            assert as_person(name).get(address).status_code == 403
    assert "Administration" not in as_person("manager").get("/").content.decode()


def test_archives_are_removed_by_those_who_made_them_and_administrators(
    place: Place, as_person: SignIn
) -> None:
    archive = archive_of(place, by=place.manager)
    address = reverse("archive-remove", args=[archive.pk])
    assert as_person("teacher").post(address).status_code == 403
    assert "Remove this archive for good?" in as_person("manager").get(address).content.decode()
    assert as_person("manager").post(address).status_code == 302
    assert not StoredArchive.objects.exists()


def test_a_protected_archive_is_let_go_by_who_protected_it_and_by_administrators(
    place: Place, as_person: SignIn
) -> None:
    archive = archive_of(place, by=place.teacher)
    hold, remove = (reverse(name, args=[archive.pk]) for name in ("archive-hold", "archive-remove"))
    assert as_person("manager").post(hold, {"keep": "1"}).status_code == 302
    # Protecting it once more changes nothing about who did.
    assert as_person("teacher").post(hold, {"keep": "1"}).status_code == 302
    assert as_person("teacher").post(hold, {"keep": "0"}).status_code == 403
    assert as_person("teacher").post(remove).status_code == 403
    page = as_person("teacher").get(reverse("archive", args=[archive.pk])).content.decode()
    assert "Protected by Mona Test" in page
    assert "Stop protecting it" not in page
    archive.refresh_from_db()
    assert (archive.keep, archive.held_by) == (True, place.manager)
    assert as_person("manager").post(hold, {"keep": "0"}).status_code == 302
    assert as_person("teacher").post(remove).status_code == 302
    assert not StoredArchive.objects.exists()


def test_an_upload_that_an_administrator_protected_is_not_removed_by_its_owner(
    place: Place, as_person: SignIn
) -> None:
    archive = archive_of(place, by=place.manager)
    StoredArchive.objects.update(source="upload", course=None)
    hold, remove = (reverse(name, args=[archive.pk]) for name in ("archive-hold", "archive-remove"))
    assert as_person("admin").post(hold, {"keep": "1"}).status_code == 302
    assert as_person("manager").post(hold, {"keep": "0"}).status_code == 403
    assert as_person("manager").post(remove).status_code == 403
    assert as_person("admin").post(remove).status_code == 302


def test_the_queries_of_the_list_of_archives_do_not_grow_with_it(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    for one in (place.page, place.forum):
        archive = archive_of(place)
        StoredArchive.objects.filter(pk=archive.pk).update(archive_type="activity", item=one.pk)
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("archives"))
    for number in range(10):
        made = activity(place.course, "page", f"Page {number}")
        archive = archive_of(place)
        StoredArchive.objects.filter(pk=archive.pk).update(archive_type="activity", item=made.pk)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("archives"))
    assert len(many) == len(few)


def test_uploading_takes_the_right_to_upload(place: Place, as_person: SignIn) -> None:
    sent = SimpleUploadedFile("course.mbz", b"not an archive")
    assert as_person("stranger").post(reverse("restore-upload"), {"file": sent}).status_code == 403
    assert "Upload and look inside" not in as_person("stranger").get(reverse("restore")).content.decode()


def test_schedules_are_for_those_who_may_back_up(place: Place, as_person: SignIn) -> None:
    assert as_person("stranger").get(reverse("schedule-new")).status_code == 403
    page = as_person("teacher").get(reverse("schedule-new")).content.decode()
    assert "All courses" not in page
    assert "Geology of the Alps" in page
    assert "All courses" in as_person("admin").get(reverse("schedule-new")).content.decode()
