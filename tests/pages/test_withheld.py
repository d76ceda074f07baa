"""A backup by somebody who may not take people from a course says so: before the press, in the result, in lists and figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from backup.services import request_backup
from courses.capabilities import ALLOW
from courses.models import Course, Role, RoleAssignment, RoleOverride, User
from courses.services import create_course
from jobs import runner
from jobs.models import Job
from selection.models import OptionDefault
from tests.jobs_done import reviewed
from tests.pages.places import Place
from vault import schedules
from vault.forms import ScheduleForm
from vault.models import Schedule, ScheduleRun, StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)

LACKS = "without people and their work"


def backed_up(course: Course, by: User | None, **options: str) -> Job:
    """A backup that has been made."""
    job = request_backup(course, by=by, options=options, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return job


def page(client: Client, name: str, *args: object) -> str:
    """The text of a page, with single spaces."""
    return " ".join(client.get(reverse(name, args=args), follow=True).content.decode().split())


@pytest.mark.parametrize("stage", ["settings", "schema", "confirm"])
@pytest.mark.parametrize("kind", ["course", "section", "activity"])
def test_the_wizard_says_it_at_every_stage(place: Place, as_person: SignIn, kind: str, stage: str) -> None:
    pk = {"course": place.course.pk, "section": place.course.sections.get().pk, "activity": place.forum.pk}[
        kind
    ]
    assert LACKS in page(as_person("teacher"), f"backup-{stage}", kind, pk)
    assert LACKS not in page(as_person("manager"), f"backup-{stage}", kind, pk)


def test_pages_with_the_button_back_up_now_say_it_beside_it(place: Place, as_person: SignIn) -> None:
    assert LACKS in page(as_person("teacher"), "course", place.course.pk)
    assert LACKS in page(as_person("teacher"), "courses")
    assert LACKS not in page(as_person("manager"), "course", place.course.pk)
    assert LACKS not in page(as_person("manager"), "courses").partition("<table")[2]


def test_the_result_is_amber(place: Place, as_person: SignIn) -> None:
    job = backed_up(place.course, place.teacher)
    found = page(as_person("teacher"), "job", job.pk)
    assert 'class="outcome warn"' in found
    assert 'class="outcome ok"' not in found
    assert "The archive is without people and their work" in found
    assert [finding.code for finding in job.findings.all()] == ["userdata-withheld"]
    assert "Done without people" in page(as_person("teacher"), "jobs")


def test_who_may_take_people_and_leaves_them_out_has_made_a_choice(place: Place, as_person: SignIn) -> None:
    for job in (backed_up(place.course, place.manager), backed_up(place.course, place.manager, users="0")):
        assert not job.findings.exists()
        assert not job.result["userdata_withheld"]
        assert 'class="outcome ok"' in page(as_person("manager"), "job", job.pk)


def test_what_the_site_leaves_out_for_everybody_is_not_for_lack_of_a_right(place: Place) -> None:
    OptionDefault.objects.create(operation="backup", name="users", value="0", locked=True)
    for by in (place.teacher, place.manager):
        assert not backed_up(place.course, by).findings.exists()


def test_lists_say_it_of_the_archive(place: Place, as_person: SignIn) -> None:
    backed_up(place.course, place.teacher)
    archive = StoredArchive.objects.get()
    assert archive.userdata_withheld
    admin = as_person("admin")
    for name, *args in (
        ("archives",),
        ("archive", archive.pk),
        ("restore",),
        ("course", place.course.pk),
        ("administration",),
    ):
        assert "Without people and their work" in page(admin, name, *args), name
    assert "state-warn" in page(admin, "courses").partition("<table")[2]


def test_the_administrators_figure_counts_courses_without_a_whole_archive(
    place: Place, as_person: SignIn
) -> None:
    admin = as_person("admin")
    create_course("NONE", "Never backed up")
    figure = '<b class="state-warn">1</b> <span> <a href="/?state=partial">backed up only'
    assert figure not in page(admin, "administration")
    backed_up(place.course, place.teacher)
    assert figure in page(admin, "administration")
    listed = " ".join(admin.get("/?state=partial").content.decode().split())
    assert "Geology of the Alps" in listed
    assert "Never backed up</a>" not in listed
    backed_up(place.course, place.manager)
    backed_up(place.course, place.teacher)
    assert figure not in page(admin, "administration")


def run_of(place: Place, owner: User, **options: str) -> ScheduleRun:
    """A run of a schedule that has ended."""
    schedule = Schedule.objects.create(
        name="Nightly", scope="list", weekdays=[0], owner=owner, options=options
    )
    schedule.courses.add(place.course)
    run = schedules.start_run(schedule)
    for job in Job.objects.filter(state=Job.State.QUEUED):
        runner.run(job.pk, raising=True)
    run.refresh_from_db()
    return run


def test_the_report_of_a_run_says_it(place: Place, as_person: SignIn) -> None:
    run = run_of(place, place.teacher)
    assert (run.report["succeeded"], run.report["withheld"]) == (1, 1)
    admin = as_person("admin")
    assert "Done without people" in page(admin, "run", run.pk)
    assert "may not take them from this course" in page(admin, "run", run.pk)
    assert "state-warn" in page(admin, "schedules")
    assert "state-warn" in page(admin, "schedule", run.schedule_id)


def test_a_restore_says_that_people_in_the_archive_stay_away(place: Place, as_person: SignIn) -> None:
    backed_up(place.course, place.manager)
    archive = StoredArchive.objects.get()
    creator = Role.objects.get(shortname="coursecreator")
    teacher = Role.objects.get(shortname="editingteacher")
    for role in (creator, teacher):
        RoleAssignment.objects.create(
            roleid=role.pk, userid=place.teacher.pk, contextid=place.course.category.contextid
        )
    client = as_person("teacher")
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "new", "category": place.course.category_id},
    )
    assert "People and their work are in the archive and stay away." in reviewed(client, archive)


# The form of a schedule.


def allow_people(course: Course) -> None:
    """Let teachers of the course take people from it."""
    RoleOverride.objects.create(
        roleid=Role.objects.get(shortname="editingteacher").pk,
        capability="moodle/backup:userinfo",
        permission=ALLOW,
        contextid=course.contextid,
    )


def teach(teacher: User, shortname: str) -> Course:
    """Another course of the teacher."""
    course = create_course(shortname, f"Course {shortname}")
    role = Role.objects.get(shortname="editingteacher")
    RoleAssignment.objects.create(roleid=role.pk, userid=teacher.pk, contextid=course.contextid)
    return course


def offered(form: ScheduleForm) -> tuple[str, list[str]]:
    """Return the preset choice about people, and all choices of it."""
    choices = form.fields["people"].choices  # type: ignore[attr-defined]
    return form["people"].value(), [value for value, _title in choices]


FILLED = {
    "name": "Nightly",
    "scope": "list",
    "weekdays": ["0"],
    "time": "02:30",
    "timezone": "UTC",
    "keep_count": "7",
}


def test_a_new_schedule_presets_what_its_owner_may_do_in_every_course(place: Place) -> None:
    assert offered(ScheduleForm(user=place.teacher)) == ("without", ["without"])
    assert offered(ScheduleForm(user=place.manager)) == ("with", ["with", "anonymous", "without"])
    assert offered(ScheduleForm(user=place.admin)) == ("with", ["with", "anonymous", "without"])
    allow_people(place.course)
    assert offered(ScheduleForm(user=place.teacher)) == ("with", ["with", "without"])
    teach(place.teacher, "SEA")
    assert offered(ScheduleForm(user=place.teacher)) == ("without", ["with", "without"])


def test_a_schedule_with_people_is_saved_for_courses_whose_people_the_owner_may_take(place: Place) -> None:
    allow_people(place.course)
    sea = teach(place.teacher, "SEA")
    form = ScheduleForm(
        {**FILLED, "people": "with", "courses": [place.course.pk, sea.pk]}, user=place.teacher
    )
    assert not form.is_valid()
    assert form.errors == {
        "people": [
            "You may not take people and their work from “Course SEA”. Choose “Without people”, or leave these courses out."
        ]
    }
    form = ScheduleForm({**FILLED, "people": "with", "courses": [place.course.pk]}, user=place.teacher)
    assert form.is_valid(), form.errors


def test_an_administrator_who_changes_a_schedule_is_offered_what_its_owner_may_do(
    place: Place, as_person: SignIn
) -> None:
    sea = create_course("SEA", "Sea")
    schedule = Schedule.objects.create(
        name="Nightly", scope="list", weekdays=[0], owner=place.teacher, options={"users": "1"}
    )
    schedule.courses.add(place.course)
    form = ScheduleForm(instance=schedule, user=place.admin)
    assert offered(form) == ("without", ["without"])
    client = as_person("admin")
    edit = reverse("schedule-edit", args=[schedule.pk])
    for chosen in (
        {"people": "with", "courses": [place.course.pk]},
        {"people": "without", "courses": [sea.pk]},
    ):
        answer = client.post(edit, {**FILLED, **chosen})
        assert answer.status_code == 200
        assert "There is a problem" in answer.content.decode()
    schedule.refresh_from_db()
    assert list(schedule.courses.all()) == [place.course]
