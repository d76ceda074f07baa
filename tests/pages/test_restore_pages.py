"""The restore wizard and the administrator's pages as plain forms, without a browser and without scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from backup import services
from courses.models import Activity, Category, Course, Section
from courses.services import create_category, create_course
from jobs import runner
from jobs.models import Job
from selection.models import OptionDefault
from tests.jobs_done import back_up, look_at_people, reviewed
from tests.pages.places import Place
from vault.models import StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archives(place: Place, transactional_db: None, tmp_path: Path) -> dict[str, Path]:
    """The course's archive and that of one of its activities, as files."""
    found = {}
    for name, kind, item in (("course", "course", None), ("activity", "activity", place.forum.pk)):
        path = tmp_path / f"{name}.mbz"
        job = services.request_backup(
            place.course, by=place.admin, archive_type=kind, item=item, path=str(path), notify=False
        )
        runner.run(job.pk, raising=True)
        found[name] = path
    Job.objects.all().delete()
    return found


def upload(client: Client, path: Path) -> StoredArchive:
    with path.open("rb") as file:
        answer = looked_at(client, file)
    archive = StoredArchive.objects.get()
    assert answer.headers["Location"] == reverse("restore-inside", args=[archive.pk])
    Job.objects.all().delete()
    return archive


def looked_at(client: Client, file: IO[bytes]) -> HttpResponse:
    """Upload a file, let the worker look into it, and return the page after that."""
    answer = client.post(reverse("restore-upload"), {"file": file})
    job = Job.objects.get(operation="upload")
    assert answer.headers["Location"] == reverse("restore-looking", args=[job.pk])
    assert "is being looked at" in client.get(answer.headers["Location"]).content.decode()
    assert not StoredArchive.objects.exists()
    runner.run(job.pk)
    return cast(HttpResponse, client.get(answer.headers["Location"]))


def test_an_uploaded_course_is_restored_step_by_step(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    science = create_category("Science")
    archive = upload(client, archives["course"])
    assert (archive.users, archive.archive_type, archive.course_title) == (
        True,
        "course",
        "Geology of the Alps",
    )
    page = client.get(reverse("restore-inside", args=[archive.pk])).content.decode()
    assert "Field trips" in page
    assert "Rocks &lt;b&gt;and&lt;/b&gt; minerals" in page
    answer = client.get(reverse("restore-settings", args=[archive.pk]))
    assert answer.headers["Location"] == reverse("restore-destination", args=[archive.pk])
    answer = client.post(
        reverse("restore-destination", args=[archive.pk]), {"where": "new", "category": science.pk}
    )
    assert answer.headers["Location"] == reverse("restore-settings", args=[archive.pk])
    chosen = {
        "users": "1",
        "activities": "1",
        "course_fullname": "Geology again",
        "course_shortname": "GEO2",
        "course_startdate": "2026-09-01",
    }
    answer = client.post(reverse("restore-settings", args=[archive.pk]), chosen)
    assert answer.headers["Location"] == reverse("restore-schema", args=[archive.pk])
    page = client.get(reverse("restore-schema", args=[archive.pk])).content.decode()
    assert "2 of 2 activities chosen" in page
    section = f"section_{place.course.sections.get().pk}"
    tree = {f"{section}_included": "1", f"{section}_userinfo": "1", f"forum_{place.forum.pk}_included": "1"}
    client.post(
        reverse("restore-schema", args=[archive.pk]), tree | {f"forum_{place.forum.pk}_userinfo": "1"}
    )
    page = reviewed(client, archive)
    assert "Checks before the restore" in page
    assert "Geology again" in page
    assert "a new course in Science" in page
    assert "1 of 2" in page
    answer = client.post(reverse("restore-review", args=[archive.pk]))
    job = Job.objects.get(operation="restore")
    assert answer.headers["Location"] == reverse("job", args=[job.pk])
    runner.run(job.pk, raising=True)
    course = Course.objects.get(shortname="GEO2")
    assert (course.fullname, course.category) == ("Geology again", science)
    assert [one.modulename for one in course.activities.all()] == ["forum"]
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "The restore is complete" in page
    assert reverse("course", args=[course.pk]) in page


def test_one_activity_goes_into_a_course_that_exists(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    other = create_course("BIO1", "Biology")
    archive = upload(client, archives["activity"])
    page = client.post(reverse("restore-destination", args=[archive.pk]), {"where": "merge"}).content.decode()
    assert "Choose the course that the activity goes into." in page
    client.post(reverse("restore-destination", args=[archive.pk]), {"where": "merge", "course": other.pk})
    assert "Biology" in reviewed(client, archive)
    client.post(reverse("restore-review", args=[archive.pk]), {"users": "1"})
    runner.run(Job.objects.get(operation="restore").pk, raising=True)
    assert [one.title for one in other.activities.all()] == ["Field trips"]


def test_what_is_chosen_as_the_destination_counts_and_a_course_alone_is_added_to(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    archive = upload(client, archives["activity"])
    address = reverse("restore-destination", args=[archive.pk])
    category = Category.objects.all()[0]
    # The list of courses is not shown beside “As a new course”; the course that was proposed in it is sent all the same.
    both = {"where": "new", "category": category.pk, "course": place.course.pk}
    client.post(address, both)
    assert client.session["drafts"][f"restore-{archive.pk}"]["facts"] == {"category": category.pk}
    answer = client.post(address, {"category": category.pk, "course": place.course.pk})
    assert answer.headers["Location"] == reverse("restore-people", args=[archive.pk])
    assert client.session["drafts"][f"restore-{archive.pk}"]["facts"] == {"course": place.course.pk}


def test_what_is_no_archive_is_refused_with_one_sentence_at_its_field(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("admin")
    answer: Any = looked_at(client, SimpleUploadedFile("notes.mbz", b"my notes"))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "<title>Error: Restore" in page
    assert 'href="#file">notes.mbz: ' in page
    assert not StoredArchive.objects.exists()
    answer = client.post(reverse("restore-upload"))
    assert "Choose a file first." in answer.content.decode()


def test_a_damaged_archive_is_refused_when_it_is_brought(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    whole = archives["course"].read_bytes()
    sent = SimpleUploadedFile("cut.mbz", whole[: len(whole) // 2])
    answer = looked_at(as_person("admin"), sent)
    assert answer.status_code == 400
    assert "cut.mbz: " in answer.content.decode()
    assert not StoredArchive.objects.exists()


def test_a_teacher_restores_without_people_and_is_told_why(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    archive = upload(as_person("teacher"), archives["activity"])
    client = as_person("teacher")
    page = client.get(reverse("restore-destination", args=[archive.pk])).content.decode()
    assert "There is no category in which you may create courses." in page
    client.post(
        reverse("restore-destination", args=[archive.pk]), {"where": "merge", "course": place.course.pk}
    )
    page = reviewed(client, archive)
    assert "It takes the right moodle/restore:userinfo" in page
    assert as_person("manager").get(reverse("restore-inside", args=[archive.pk])).status_code == 404


def test_where_it_goes_is_checked_again_when_it_is_sent(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    archive = upload(client, archives["course"])
    address = reverse("restore-destination", args=[archive.pk])
    assert "Choose where it goes." in client.post(address, {}).content.decode()
    assert "Choose the category" in client.post(address, {"where": "new", "category": "999"}).content.decode()
    page = client.post(address, {"where": "elsewhere", "course": place.course.pk}).content.decode()
    assert "Choose where it goes." in page
    page = client.post(address, {"where": "merge", "course": "999"}).content.decode()
    assert "Choose the course that the course goes into." in page
    assert Category.objects.exists()


def test_what_a_condition_misses_is_brought_along_by_a_button(
    place: Place, archives: dict[str, Path], as_person: SignIn, tmp_path: Path
) -> None:
    other = Activity.objects.filter(course=place.course).exclude(pk=place.forum.pk).order_by("pk")[0]
    condition = {"op": "&", "c": [{"type": "completion", "cm": place.forum.pk, "e": 1}], "showc": [True]}
    Activity.objects.filter(pk=other.pk).update(availability=json.dumps(condition))
    client = as_person("admin")
    archive = upload(client, back_up(place.course, tmp_path / "conditions.mbz"))
    category = Category.objects.all()[0]
    client.post(reverse("restore-destination", args=[archive.pk]), {"where": "new", "category": category.pk})
    forum = f"forum_{place.forum.pk}"
    everything = [f"{one.modulename}_{one.pk}" for one in Activity.objects.filter(course=place.course)]
    sections = [f"section_{one.pk}" for one in Section.objects.filter(course=place.course)]
    ticked = {f"{owner}_included": "1" for owner in (*everything, *sections) if owner != forum}
    client.post(reverse("restore-schema", args=[archive.pk]), ticked)
    shown = reviewed(client, archive)
    assert f'name="bring" value="{forum}"' in shown
    assert f"#{other.modulename}_{other.pk}_included" in shown
    answer = client.post(reverse("restore-schema", args=[archive.pk]), {"bring": forum})
    assert answer.headers["Location"] == reverse("restore-review", args=[archive.pk])
    asked = client.session["drafts"][f"restore-{archive.pk}"]["asked"]
    assert asked.get(f"{forum}_included", "1") == "1"
    assert 'name="bring"' not in reviewed(client, archive)
    assert client.post(reverse("restore-schema", args=[archive.pk]), {"bring": "quiz_99"}).status_code == 302


def test_an_archive_is_checked_by_a_job(place: Place, archives: dict[str, Path], as_person: SignIn) -> None:
    client = as_person("admin")
    archive = upload(client, archives["course"])
    client.post(reverse("archive-check", args=[archive.pk]))
    job = Job.objects.get()
    runner.run(job.pk, raising=True)
    archive.refresh_from_db()
    assert archive.verified is not None
    assert archive.verify_errors == 0
    assert "The archive is intact" in client.get(reverse("job", args=[job.pk])).content.decode()
    assert "Intact" in client.get(reverse("archives")).content.decode()


def test_the_administrator_sets_defaults_and_locks(place: Place, as_person: SignIn) -> None:
    client = as_person("admin")
    form = {f"backup-{name}": "1" for name in ("users", "activities", "blocks", "files", "logs")}
    client.post(
        reverse("administration-options"), form | {"backup-anonymize": "1", "backup-anonymize-locked": "on"}
    )
    rows = {(row.operation, row.name): (row.value, row.locked) for row in OptionDefault.objects.all()}
    assert rows["backup", "anonymize"] == ("1", True)
    assert rows["backup", "logs"] == ("1", False)
    assert ("backup", "users") not in rows
    assert rows["backup", "badges"] == ("0", False)
    page = client.get(reverse("backup-settings", args=["course", place.course.pk])).content.decode()
    assert "The administrator has fixed this for the whole site." in page
    page = client.post(reverse("administration-options"), {"backup-container": "rar"}).content.decode()
    assert 'href="#backup-container"' in page


def test_the_administrators_page_has_the_restores_of_all_courses(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    archive = upload(client, archives["course"])
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "new", "category": Category.objects.all()[0].pk},
    )
    client.post(reverse("restore-review", args=[archive.pk]))
    page = client.get(reverse("administration")).content.decode()
    assert "Waiting" in page
    assert archive.title in page


def test_other_options_of_one_activity_are_checked_before_the_restore_starts(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    archive = upload(client, archives["activity"])
    client.post(
        reverse("restore-destination", args=[archive.pk]), {"where": "merge", "course": place.course.pk}
    )
    review = reverse("restore-review", args=[archive.pk])
    for stage in ("settings", "schema"):
        client.get(reverse(f"restore-{stage}", args=[archive.pk]), follow=True)
        look_at_people()
        answer = client.get(reverse(f"restore-{stage}", args=[archive.pk]), follow=True)
        assert answer.redirect_chain[-1][0] == review
    answer = client.post(review, {"go": "checked"})
    assert answer.headers["Location"] == review
    assert "so the restore is checked again" in client.get(review).content.decode()
    assert not Job.objects.filter(operation="restore").exists()
    client.post(review, {"go": "checked"})
    options = Job.objects.get(operation="restore").options
    assert (options["users"], options["calendarevents"]) == ("0", "0")


def test_the_options_of_one_activity_bring_their_check_along_while_they_are_ticked(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    archive = upload(client, archives["activity"])
    client.post(
        reverse("restore-destination", args=[archive.pk]), {"where": "merge", "course": place.course.pk}
    )
    page = client.post(
        reverse("restore-review", args=[archive.pk]), {"users": "1"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    for part in ("so-far", "checks", "review-actions"):
        assert f'id="{part}"' in page
    checked = Job.objects.get(operation="rehearse")
    assert (checked.options["users"], checked.options["calendarevents"]) == ("1", "0")
    assert not Job.objects.filter(operation="restore").exists()
