"""The pages of copies, imports, removals and the recycle bin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from lxml import html

from courses import removal
from courses.changes import create_section
from courses.models import Activity, Course, Role, RoleAssignment, User
from courses.services import create_course, outline
from jobs import runner
from jobs.models import Job
from tests.jobs_done import HasHeaders, job_of
from tests.pages.places import Place, make_place
from transfer.models import RemovedItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A small course with people in roles."""
    return make_place()


def signed_in(user: object) -> Client:
    """A browser of a person."""
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def done(answer: HasHeaders) -> Job:
    """The job that a page led to, run to its end."""
    job = job_of(answer)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return job


def test_a_teacher_removes_an_activity_and_brings_it_back(place: Place) -> None:
    client = signed_in(place.teacher)
    page = client.get(f"/activity/{place.forum.pk}/").content.decode()
    assert f"/remove/activity/{place.forum.pk}/" in page
    asked = client.get(f"/remove/activity/{place.forum.pk}/").content.decode()
    assert "Remove this activity?" in asked
    assert Activity.objects.filter(pk=place.forum.pk).exists()
    job = done(client.post(f"/remove/activity/{place.forum.pk}/"))
    said = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "recycle bin" in said
    assert not Activity.objects.filter(pk=place.forum.pk).exists()
    item = RemovedItem.objects.get()
    listed = client.get(f"/course/{place.course.pk}/bin/").content.decode()
    assert place.forum.title in listed
    assert f"/bin/{item.pk}/restore/" in listed
    job = done(client.post(f"/bin/{item.pk}/restore/"))
    assert "The return is complete" in client.get(f"/jobs/{job.pk}/").content.decode()
    assert [line.title for line in outline(place.course).activities] == [place.page.title, place.forum.title]
    assert "Nothing was removed" in client.get(f"/course/{place.course.pk}/bin/").content.decode()


def test_a_manager_removes_a_section_and_a_course(place: Place) -> None:
    client, week = signed_in(place.admin), create_section(place.course, "Week")
    assert f"/remove/section/{week.pk}/" in client.get(f"/course/{place.course.pk}/").content.decode()
    done(client.post(f"/remove/section/{week.pk}/"))
    done(client.post(f"/remove/course/{place.course.pk}/"))
    assert not Course.objects.exists()
    listed = client.get("/bin/").content.decode()
    assert place.course.fullname in listed
    item = RemovedItem.objects.get(archive__archive_type="course")
    job = done(client.post(f"/bin/{item.pk}/restore/"))
    assert job.course is not None
    assert job.course.fullname == place.course.fullname
    # What was removed from the course before is in its recycle bin again.
    assert "Week" in client.get(f"/course/{job.course.pk}/bin/").content.decode()


def test_an_entry_is_removed_for_good_after_a_question(place: Place) -> None:
    removal.remove(place.forum)
    item, client = RemovedItem.objects.get(), signed_in(place.teacher)
    assert "for good?" in client.get(f"/bin/{item.pk}/empty/").content.decode()
    assert RemovedItem.objects.exists()
    assert client.post(f"/bin/{item.pk}/empty/").headers["Location"] == f"/course/{place.course.pk}/bin/"
    assert not RemovedItem.objects.exists()


def test_a_copy_is_made_by_its_form(place: Place) -> None:
    client = signed_in(place.admin)
    page = client.get(f"/course/{place.course.pk}/copy/").content.decode()
    assert "GEO1_1" in page
    assert "copy 1" in page
    teacher = Role.objects.get(shortname="editingteacher")
    sent = {
        "fullname": "Next year",
        "shortname": "NEXT",
        "category": place.course.category_id,
        "startdate": "2027-09-01",
        "people": "roles",
        "roles": [teacher.pk],
    }
    job = done(client.post(f"/course/{place.course.pk}/copy/", sent))
    assert "The copy is complete" in client.get(f"/jobs/{job.pk}/").content.decode()
    copy = job.course
    assert copy is not None
    assert (copy.fullname, copy.shortname, copy.visible) == ("Next year", "NEXT", 0)
    held = RoleAssignment.objects.get(contextid=copy.contextid)
    assert (held.userid, held.roleid) == (place.teacher.pk, teacher.pk)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"category": ""}, "Choose the category"),
        ({"startdate": "tomorrow"}, "Write the date as"),
        ({"people": "roles"}, "Choose the roles"),
        ({"startdate": "2027-09-01", "enddate": "2026-09-01"}, "end date is not after"),
    ],
)
def test_a_form_of_a_copy_with_a_fault_comes_back_as_it_was_filled_in(
    place: Place, sent: dict[str, str], sentence: str
) -> None:
    client = signed_in(place.admin)
    filled = {"fullname": "My own name", "category": str(place.course.category_id), **sent}
    answer = client.post(f"/course/{place.course.pk}/copy/", filled)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in page
    assert "My own name" in page
    assert not Job.objects.exists()


def test_an_import_of_two_activities_is_made_by_two_pages(place: Place) -> None:
    other, client = create_course("O", "Other"), signed_in(place.admin)
    page = client.get(f"/course/{other.pk}/import/?search=geology").content.decode()
    address = f"/course/{other.pk}/import/{place.course.pk}/"
    assert address in page
    assert place.forum.title in client.get(address).content.decode()
    assert "Choose what is to be imported" in client.post(address).content.decode()
    sent = {"activity": [place.forum.pk, place.page.pk]}
    job = done(client.post(address, sent))
    assert "The import is complete" in client.get(f"/jobs/{job.pk}/").content.decode()
    assert {line.title for line in outline(other).activities} == {place.forum.title, place.page.title}


def test_the_parts_of_a_course_are_searched_and_what_is_ticked_stays(place: Place) -> None:
    other, client = create_course("O", "Other"), signed_in(place.admin)
    address = f"/course/{other.pk}/import/{place.course.pk}/"
    found = client.post(address, {"search": "FIELD forum", "find": "1", "activity": place.page.pk})
    assert found.status_code == 200
    page: Any = html.document_fromstring(found.content.decode())
    lines = page.xpath("//li[@data-item]")
    assert [(one.get("data-item"), one.get("hidden") is None) for one in lines] == [
        ("section", True),
        ("activity", False),
        ("activity", True),
    ]
    assert page.xpath("string(//*[@data-found])") == "1 found"
    assert [one.get("value") for one in page.xpath("//input[@name='activity'][@checked]")] == [
        str(place.page.pk)
    ]
    # Enter in the search field sends the form by its first button, which searches.
    assert page.xpath("//form[.//input[@name='search']]//button/@name")[0] == "find"
    assert not Job.objects.exists()


def test_a_subsection_is_found_with_what_is_in_it(rich: Course) -> None:
    other = create_course("O", "Other")
    client = signed_in(User.objects.create_superuser("root", "root@example.org", "secret"))
    below = next(line for line in outline(rich).sections if line.under and line.activities)
    inner = below.activities[0]
    sent = {"search": inner.title, "find": "1"}
    answer = client.post(f"/course/{other.pk}/import/{rich.pk}/", sent)
    page: Any = html.document_fromstring(answer.content.decode())
    shown = page.xpath("//input[not(ancestor::li[@hidden])][@name='section' or @name='activity']/@value")
    assert {str(below.id), str(inner.id)} <= set(shown)
    assert len(shown) < len(outline(rich).activities)


def test_one_activity_is_imported_into_a_chosen_section(place: Place) -> None:
    other, client = create_course("O", "Other"), signed_in(place.admin)
    week = create_section(other, "Week")
    sent = {"activity": place.forum.pk, "place": week.pk}
    done(client.post(f"/course/{other.pk}/import/{place.course.pk}/", sent))
    assert [line.title for line in outline(other).sections if line.activities] == ["Week"]


def test_an_activity_is_duplicated_with_one_press(place: Place) -> None:
    client = signed_in(place.teacher)
    assert (
        f"/activity/{place.page.pk}/duplicate/" in client.get(f"/activity/{place.page.pk}/").content.decode()
    )
    done(client.post(f"/activity/{place.page.pk}/duplicate/"))
    titles = [line.title for line in outline(place.course).activities]
    assert titles == [place.page.title, f"{place.page.title} (copy)", place.forum.title]


def test_a_form_that_is_sent_twice_makes_one_job(place: Place) -> None:
    client = signed_in(place.teacher)
    sent = {"token": "abc123"}
    first = client.post(f"/remove/activity/{place.forum.pk}/", sent).headers["Location"]
    assert client.post(f"/remove/activity/{place.forum.pk}/", sent).headers["Location"] == first
    assert Job.objects.count() == 1
