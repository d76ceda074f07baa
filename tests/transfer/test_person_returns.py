"""One person's work comes back from a stored archive into the activity that is there; everybody else's stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from archive.errors import NotAllowed, NotFound, UsageError
from backup.services import request_backup
from courses.activities.forum import ForumPost
from courses.models import Activity, Course, User
from jobs import runner
from jobs.models import Job
from restore.person_records import models_in, person_records
from tests.jobs_done import back_up, compared, digests, job_of, look_at_people
from tests.pages.places import Place, make_place
from transfer.person_returns import people_in, request_person_return
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"logs": "1", "grade_histories": "1"}


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A small course with people in roles, and a stored archive of it."""
    found = make_place()
    runner.run(request_backup(found.course, by=None, notify=False).pk, raising=True)
    return found


def bring(activity: Activity, person: User, *, by: User, replace: bool = False) -> Job:
    """Bring a person's work back from the oldest archive. Raises the error of the job."""
    archive = StoredArchive.objects.order_by("pk")[0]
    job = request_person_return(activity, archive, person, replace=replace, by=by, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return job


def remove_work(activity: Activity, person: User) -> int:
    """Delete all that is a person's in an activity; return the number of rows."""
    found = person_records(activity, person.pk)
    with transaction.atomic():
        for model in reversed(models_in(activity)):
            model._base_manager.filter(pk__in=found.own[model]).delete()
    return sum(map(len, found.own.values()))


def busiest(activity: Activity, people: list[User]) -> User | None:
    """The person with the most rows in an activity; None if nobody has any."""
    rows = {one: sum(map(len, person_records(activity, one.pk).own.values())) for one in people}
    found = max(rows, key=lambda one: rows[one], default=None)
    return found if found and rows[found] else None


def differences(first: Path, second: Path) -> list[str]:
    """The differences of two archives of the course, as sentences."""
    found = compared(first, second).differences
    return [f"{one.kind} {one.member} {one.path}: {one.message[:300]}" for one in found]


def test_the_work_of_each_person_in_each_activity_comes_back_whole(rich: Course, tmp_path: Path) -> None:
    admin = User.objects.create_superuser("root", "root@example.org", "secret")
    runner.run(request_backup(rich, by=None, notify=False, options=ALL).pk, raising=True)
    was = back_up(rich, tmp_path / "was.mbz", logs="1", grade_histories="1")
    archive = StoredArchive.objects.order_by("pk")[0]
    removed: dict[str, int] = {}
    found = Activity.objects.filter(course=rich).select_related("course", "section").order_by("pk")
    for activity in found:
        if activity.modulename in removed:
            continue
        person = busiest(activity, people_in(activity, archive, by=admin))
        if person is not None:
            removed[activity.modulename] = remove_work(activity, person)
            bring(activity, person, by=admin)
    assert {"forum", "assign", "quiz", "workshop", "data", "glossary"} <= removed.keys()
    after = back_up(rich, tmp_path / "after.mbz", logs="1", grade_histories="1")
    assert not differences(was, after)


def test_the_posts_of_others_stay_and_only_the_persons_come_back(place: Place) -> None:
    first = ForumPost.objects.get()
    mine = ForumPost.objects.create(
        discussion=first.discussion, parent=first.pk, userid=place.teacher.pk, subject="Re", message="Yes"
    )
    runner.run(request_backup(place.course, by=None, notify=False).pk, raising=True)
    StoredArchive.objects.order_by("pk")[0].delete()
    ForumPost.objects.filter(pk=first.pk).update(message="Changed by the student")
    ForumPost.objects.filter(pk=mine.pk).update(message="Changed by the teacher")
    later = ForumPost.objects.create(
        discussion=first.discussion, parent=first.pk, userid=place.teacher.pk, subject="Later", message="New"
    )
    bring(place.forum, place.teacher, by=place.admin, replace=True)
    assert dict(ForumPost.objects.values_list("pk", "message")) == {
        first.pk: "Changed by the student",
        mine.pk: "Yes",
    }
    assert not ForumPost.objects.filter(pk=later.pk).exists()


def test_what_others_answered_stays_with_the_post_that_they_answered(place: Place) -> None:
    first = ForumPost.objects.get()
    later = ForumPost.objects.create(
        discussion=first.discussion, parent=first.pk, userid=place.student.pk, subject="Later", message="New"
    )
    answer = ForumPost.objects.create(
        discussion=first.discussion, parent=later.pk, userid=place.teacher.pk, subject="Re", message="Good"
    )
    job = bring(place.forum, place.student, by=place.admin, replace=True)
    assert set(ForumPost.objects.values_list("pk", flat=True)) == {first.pk, later.pk, answer.pk}
    assert "work-of-others-inside" in {one.code for one in job.findings.all()}


def test_an_answer_whose_post_is_gone_stays_away_and_is_counted(place: Place) -> None:
    first = ForumPost.objects.get()
    ForumPost.objects.create(
        discussion=first.discussion, parent=first.pk, userid=place.teacher.pk, subject="Re", message="Yes"
    )
    StoredArchive.objects.all().delete()
    runner.run(request_backup(place.course, by=None, notify=False).pk, raising=True)
    first.discussion.delete()
    with transaction.atomic():
        ForumPost.objects.all().delete()
    job = bring(place.forum, place.teacher, by=place.admin)
    assert not ForumPost.objects.exists()
    assert "nothing-to-belong-to" in {one.code for one in job.findings.all()}


def test_what_the_person_has_there_now_is_replaced_only_if_chosen_and_stored_first(place: Place) -> None:
    ForumPost.objects.update(message="Changed")
    before = digests()
    with pytest.raises(UsageError, match="has work in “Field trips” now: 1 forum discussion, 1 forum post"):
        bring(place.forum, place.student, by=place.admin)
    assert digests() == before
    bring(place.forum, place.student, by=place.admin, replace=True)
    assert ForumPost.objects.get().message == "<p>Who comes along?</p>"
    stored = StoredArchive.objects.order_by("-pk")[0]
    assert (stored.archive_type, stored.item) == ("activity", place.forum.pk)


def test_a_person_without_work_in_the_archive_is_named(place: Place) -> None:
    with pytest.raises(NotFound, match="no work of Mona Test in “Field trips”"):
        bring(place.forum, place.manager, by=place.admin)


def test_who_may_not_restore_peoples_work_is_refused(place: Place) -> None:
    archive = StoredArchive.objects.get()
    with pytest.raises(NotAllowed):
        request_person_return(place.forum, archive, place.student, by=place.student, notify=False)
    with pytest.raises(NotAllowed, match="not restore people's work"):
        request_person_return(place.forum, archive, place.student, by=place.teacher, notify=False)
    assert not Job.objects.filter(operation="bring_back_person").exists()


def test_an_archive_without_names_is_refused(place: Place) -> None:
    for options in ({"users": "0"}, {"anonymize": "1"}):
        StoredArchive.objects.all().delete()
        runner.run(request_backup(place.course, by=None, notify=False, options=options).pk, raising=True)
        with pytest.raises((UsageError, NotAllowed)):
            people_in(place.forum, StoredArchive.objects.get(), by=place.admin)


def test_the_page_of_earlier_versions_leads_to_the_people_and_brings_one_persons_work_back(
    place: Place,
) -> None:
    archive = StoredArchive.objects.get()
    ForumPost.objects.all().delete()
    client = Client()
    client.force_login(place.manager)
    address = f"/activity/{place.forum.pk}/versions/{archive.pk}/"
    assert address in client.get(f"/activity/{place.forum.pk}/versions/").content.decode()
    assert "as soon as a worker is free" in client.get(address).content.decode()
    look_at_people()
    page = client.get(address).content.decode()
    assert "Stan Test" in page
    assert "Nora Test" not in page
    assert client.post(address, {"person": place.stranger.pk}).status_code == 400
    answer = client.post(address, {"person": place.student.pk, "replace": "1"})
    number = job_of(answer).pk
    runner.run(number, raising=True)
    assert ForumPost.objects.get().userid == place.student.pk
    assert "Stan Test" in client.get(f"/jobs/{number}/").content.decode()


def test_the_pages_for_one_persons_work_are_closed_to_who_may_not_restore_peoples_work(place: Place) -> None:
    client = Client()
    client.force_login(place.teacher)
    address = f"/activity/{place.forum.pk}/versions/{StoredArchive.objects.get().pk}/"
    assert address not in client.get(f"/activity/{place.forum.pk}/versions/").content.decode()
    assert client.get(address).status_code == 403
