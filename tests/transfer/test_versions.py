"""An activity comes back as it was from a stored archive of its course, next to the one that is there."""

from __future__ import annotations

import pytest
from django.test import Client

from archive.errors import NotAllowed, NotFound
from backup.services import request_backup
from courses.activities.forum import ForumPost
from courses.changes import change_activity, create_activity
from courses.models import Activity, Section
from courses.services import outline
from jobs import runner
from jobs.models import Job
from tests.jobs_done import job_of
from tests.pages.places import Place, activity, make_place
from transfer.versions import request_version, versions_of
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A small course with people in roles, and a stored archive of it."""
    found = make_place()
    runner.run(request_backup(found.course, by=None, notify=False).pk, raising=True)
    return found


def test_an_activity_comes_back_next_to_the_one_that_is_there(place: Place) -> None:
    change_activity(place.forum, name="Changed")
    ForumPost.objects.all().delete()
    client = Client()
    client.force_login(place.admin)
    assert (
        f"/activity/{place.forum.pk}/versions/" in client.get(f"/activity/{place.forum.pk}/").content.decode()
    )
    archive = StoredArchive.objects.get()
    address = f"/activity/{place.forum.pk}/versions/"
    assert f'value="{archive.pk}"' in client.get(address).content.decode()
    runner.run(job_of(client.post(address, {"archive": archive.pk})).pk, raising=True)
    titles = [line.title for line in outline(place.course).activities]
    assert titles == [place.page.title, "Changed", "Field trips"]
    new = Activity.objects.get(title="Field trips")
    [post] = ForumPost.objects.all()
    assert post.discussion.forum.owner == new
    assert post.userid == place.student.pk


def test_an_archive_without_the_activity_is_named(place: Place) -> None:
    later = create_activity(place.course, place.course.sections.get(), "page", "Later")
    with pytest.raises(NotFound, match="does not hold “Later”"):
        request_version(later, StoredArchive.objects.get(), by=place.admin)
    client = Client()
    client.force_login(place.admin)
    address = f"/activity/{later.pk}/versions/"
    answer = client.post(address, {"archive": StoredArchive.objects.get().pk})
    assert answer.status_code == 400
    assert "does not hold" in answer.content.decode()
    assert "Choose an archive" in client.post(address).content.decode()


def test_only_archives_of_the_course_that_may_be_restored_are_versions(place: Place) -> None:
    archive = StoredArchive.objects.get()
    assert versions_of(place.forum, by=place.teacher) == [archive]
    assert versions_of(place.forum, by=place.student) == []
    with pytest.raises(NotAllowed):
        request_version(place.forum, archive, by=place.student)
    StoredArchive.objects.update(source="upload")
    assert versions_of(place.forum, by=place.admin) == []
    assert not Job.objects.filter(operation="restore").exists()


def test_an_activity_comes_back_alone_from_the_archive_of_its_section(place: Place) -> None:
    section = place.course.sections.get()
    request = request_backup(place.course, by=None, archive_type="section", item=section.pk, notify=False)
    runner.run(request.pk, raising=True)
    archive = StoredArchive.objects.get(archive_type="section")
    assert archive in versions_of(place.forum, by=place.teacher)
    job = request_version(place.forum, archive, by=place.admin)
    runner.run(job.pk, raising=True)
    titles = [line.title for line in outline(place.course).activities]
    assert titles == [place.page.title, "Field trips", "Field trips"]
    assert place.course.sections.get() == section


def test_the_archive_of_a_section_without_the_activity_is_no_version_of_it(place: Place) -> None:
    section = place.course.sections.get()
    request = request_backup(place.course, by=None, archive_type="section", item=section.pk, notify=False)
    runner.run(request.pk, raising=True)
    later = create_activity(place.course, section, "page", "Later")
    assert StoredArchive.objects.get(archive_type="section") not in versions_of(later, by=place.admin)


def with_subsection(place: Place) -> tuple[Section, Activity]:
    """The section and the activity of a subsection, into which the forum of the course is moved."""
    outer = place.course.sections.get()
    trips = activity(place.course, "subsection", "Trips")
    outer.sequence += f",{trips.pk}"
    outer.save()
    inner = Section.objects.create(
        course=place.course,
        number=1,
        name="Trips",
        component="mod_subsection",
        itemid=trips.instance,
        sequence=str(place.forum.pk),
    )
    Activity.objects.filter(pk=place.forum.pk).update(section=inner)
    place.forum.refresh_from_db()
    return inner, trips


@pytest.mark.parametrize("of", ["course", "outer section", "subsection"])
def test_an_activity_of_a_subsection_comes_back_into_it(place: Place, of: str) -> None:
    """The subsection itself does not come a second time, whatever the archive is about."""
    inner, trips = with_subsection(place)
    part = {"outer section": trips.section, "subsection": inner}.get(of)
    about = {} if part is None else {"archive_type": "section", "item": part.pk}
    runner.run(request_backup(place.course, by=None, notify=False, **about).pk, raising=True)
    archive = StoredArchive.objects.order_by("-pk")[0]
    job = request_version(place.forum, archive, by=place.admin)
    runner.run(job.pk, raising=True)
    titles = [line.title for section in outline(place.course).sections for line in section.activities]
    assert sorted(titles) == sorted([place.page.title, "Trips", "Field trips", "Field trips"])
    assert place.course.sections.count() == 2
    new = Activity.objects.filter(modulename="forum").latest("pk")
    assert new.section == inner


def test_a_subsection_comes_back_with_what_was_in_it(place: Place) -> None:
    _, trips = with_subsection(place)
    runner.run(request_backup(place.course, by=None, notify=False).pk, raising=True)
    job = request_version(trips, StoredArchive.objects.latest("pk"), by=place.admin)
    runner.run(job.pk, raising=True)
    new = Activity.objects.filter(modulename="subsection").latest("pk")
    assert new.section == trips.section
    [inside] = Section.objects.filter(component="mod_subsection", itemid=new.instance)
    assert [one.title for one in inside.activities.all()] == ["Field trips"]
    assert place.course.sections.count() == 3
