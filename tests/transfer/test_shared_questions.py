"""A course whose questions an activity elsewhere uses is not removed, by no door, and nothing of it goes into the bin."""

from __future__ import annotations

import pytest
from django.test import Client

from archive.errors import UsageError
from courses import removal
from courses.activities.quiz import QuestionReference, QuestionSetReference, Quiz, QuizSlot
from courses.changes import create_activity
from courses.models import Activity, Course
from courses.models.questions import QuestionBankEntry, QuestionCategory
from courses.services import create_course
from jobs import runner
from jobs.models import Job
from tests.jobs_done import digests
from tests.pages.places import Place, make_place
from transfer import removals
from transfer.models import RemovedItem
from vault.models import LooseFile, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)
SENTENCE = "“Theirs” of “Another course” uses questions of “Geology of the Alps”"


@pytest.fixture(params=["a fixed question", "a random question"])
def place(request: pytest.FixtureRequest, transactional_db: None) -> Place:
    """A course with a question that a quiz of another course uses: a fixed one, or one drawn at random."""
    found = make_place()
    category = QuestionCategory.objects.create(
        course=found.course, name="Bank", contextid=found.course.contextid, contextlevel=50, stamp="a"
    )
    entry = QuestionBankEntry.objects.create(category=category)
    other = create_course("THEIRS", "Another course")
    quiz = create_activity(other, other.sections.get(), "quiz", "Theirs")
    slot = QuizSlot.objects.create(quiz=Quiz.objects.get(owner=quiz), slot=1, page=1)
    if request.param == "a fixed question":
        QuestionReference.objects.create(
            within=slot, usingcontextid=quiz.contextid, questionbankentryid=entry.pk
        )
    else:
        QuestionSetReference.objects.create(
            within=slot, usingcontextid=quiz.contextid, questionscontextid=found.course.contextid
        )
    return found


def test_the_door_refuses_it_with_the_name_of_who_uses_them(place: Place) -> None:
    before = digests()
    with pytest.raises(UsageError, match=SENTENCE):
        removal.remove(place.course)
    assert digests() == before


def test_the_job_of_the_page_fails_and_says_why(place: Place) -> None:
    client = Client()
    client.force_login(place.admin)
    answer = client.post(f"/remove/course/{place.course.pk}/")
    job = Job.objects.get(operation="remove")
    assert answer.headers["Location"] == f"/jobs/{job.pk}/"
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, SENTENCE in job.error) == (Job.State.FAILED, True)
    assert job.error_hint == "Remove these questions there first."
    assert SENTENCE in client.get(f"/jobs/{job.pk}/").content.decode()
    assert Course.objects.filter(pk=place.course.pk).exists()


def test_the_bin_and_the_store_stay_empty(place: Place) -> None:
    job = removals.request_removal(place.course, by=None, notify=False)
    with pytest.raises(UsageError, match=SENTENCE):
        runner.run(job.pk, raising=True)
    assert not RemovedItem.objects.exists()
    assert not StoredArchive.objects.exists()
    assert not LooseFile.objects.exists()


def test_it_is_removed_when_nobody_uses_them_any_more(place: Place) -> None:
    Activity.objects.get(title="Theirs").delete()
    removal.remove(place.course)
    assert not Course.objects.filter(pk=place.course.pk).exists()
    assert RemovedItem.objects.get().title == place.course.fullname
