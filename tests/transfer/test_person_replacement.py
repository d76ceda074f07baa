"""One person's work is replaced only where the archive can give back all of it, and a whole copy is stored before."""

from __future__ import annotations

from collections.abc import Generator
from hashlib import sha1
from io import BytesIO

import pytest

from archive.errors import Busy, NotAllowed, NotFound, UsageError
from backup.services import request_backup
from courses import pool
from courses.activities.assign import Assign, AssignGrade, AssignMark
from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.models import Activity, File, Role, Section, User
from courses.models.completion import ActivityCompletion
from courses.models.grades import GradeItem
from courses.models.people import RoleOverride
from jobs import events, runner
from jobs.models import Job
from restore import one_person
from restore.origin import BRING_IN
from restore.person_records import person_records
from selection.models import OptionDefault
from tests.pages.places import Place, activity, make_place
from transfer import person_returns
from transfer.person_returns import people_in, request_person_return
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)
PROHIBIT = -1000


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A small course with people in roles."""
    return make_place()


def store(place: Place, **options: str) -> StoredArchive:
    """Store an archive of the course."""
    runner.run(request_backup(place.course, by=None, notify=False, options=options).pk, raising=True)
    return StoredArchive.objects.order_by("-pk")[0]


def bring(place: Place, archive: StoredArchive, person: User, *, replace: bool = True) -> Job:
    """Bring a person's work in the forum back. Raises the error of the job."""
    job = request_person_return(place.forum, archive, person, replace=replace, by=place.admin, notify=False)
    runner.run(job.pk, raising=True)
    return job


def attach(place: Place, post: ForumPost, content: bytes) -> File:
    """Attach a file to a post of the student."""
    pool.put(BytesIO(content))
    return File.objects.create(
        course=place.course,
        contenthash=sha1(content, usedforsecurity=False).hexdigest(),
        contextid=place.forum.contextid,
        component="mod_forum",
        filearea="attachment",
        itemid=post.pk,
        filepath="/",
        filename="notes.txt",
        userid=place.student.pk,
        filesize=len(content),
        status=0,
        timecreated=1,
        timemodified=1,
        sortorder=0,
    )


def reply(place: Place, by: User, parent: ForumPost) -> ForumPost:
    """Write a reply in the forum."""
    return ForumPost.objects.create(
        discussion=parent.discussion, parent=parent.pk, userid=by.pk, subject="Re", message="Yes"
    )


def test_the_copy_that_is_stored_before_has_everything_that_a_backup_can_have(place: Place) -> None:
    bring(place, store(place), place.student)
    made = Job.objects.filter(operation="backup").order_by("-pk")[0]
    on = ("users", "texts", "files", "comments", "userscompletion", "xapistate", "logs", "grade_histories")
    assert {made.options[name] for name in on} == {"1"}
    assert made.options.get("anonymize", "0") == "0"


@pytest.mark.parametrize("option", ["users", "texts", "files", "userscompletion"])
def test_nothing_is_replaced_where_the_site_has_fixed_that_the_copy_would_lack_work(
    place: Place, option: str
) -> None:
    archive = store(place)
    ForumPost.objects.update(message="Changed")
    OptionDefault.objects.create(operation="backup", name=option, value="0", locked=True)
    with pytest.raises(NotAllowed, match="cannot be stored whole"):
        bring(place, archive, place.student)
    assert ForumPost.objects.get().message == "Changed"


def test_a_replacement_that_the_site_would_refuse_is_refused_before_it_begins(place: Place) -> None:
    archive = store(place)
    OptionDefault.objects.create(operation="backup", name="users", value="0", locked=True)
    before = Job.objects.count()
    with pytest.raises(NotAllowed, match="cannot be stored whole"):
        request_person_return(place.forum, archive, place.student, replace=True, by=place.admin)
    assert Job.objects.count() == before


def test_an_archive_without_what_people_wrote_is_refused(place: Place) -> None:
    archive = store(place, texts="0")
    with pytest.raises(UsageError, match="what people wrote"):
        request_person_return(place.forum, archive, place.student, by=place.admin, notify=False)
    with pytest.raises(UsageError, match="what people wrote"):
        people_in(place.forum, archive, by=place.admin)


def test_records_that_an_option_left_out_of_the_archive_stay(place: Place) -> None:
    archive = store(place, userscompletion="0")
    ActivityCompletion.objects.create(
        activity=place.forum, userid=place.student.pk, completionstate=1, timemodified=1
    )
    job = bring(place, archive, place.student)
    assert ActivityCompletion.objects.count() == 1
    assert "not-in-the-archive" in {one.code for one in job.findings.all()}


def test_a_post_that_stays_because_others_answered_it_keeps_its_files(place: Place) -> None:
    archive = store(place)
    later = reply(place, place.student, ForumPost.objects.get())
    reply(place, place.teacher, later)
    kept = attach(place, later, b"notes")
    bring(place, archive, place.student)
    assert ForumPost.objects.filter(pk=later.pk).exists()
    assert File.objects.filter(pk=kept.pk).exists()


def test_a_post_that_goes_takes_its_files_along(place: Place) -> None:
    archive = store(place)
    attach(place, reply(place, place.student, ForumPost.objects.get()), b"notes")
    bring(place, archive, place.student)
    assert not File.objects.filter(filename="notes.txt").exists()


def test_nothing_is_replaced_if_a_content_of_the_person_is_nowhere(place: Place) -> None:
    found = attach(place, ForumPost.objects.get(), b"lost notes")
    archive = store(place, files="0")
    pool.storage().delete(pool.name_of(found.contenthash))
    ForumPost.objects.update(message="Changed")
    with pytest.raises(UsageError, match="notes"):
        bring(place, archive, place.student)
    assert ForumPost.objects.get().message == "Changed"
    assert File.objects.filter(pk=found.pk).exists()


def test_rows_of_others_with_references_to_nothing_stay_as_they_are(place: Place) -> None:
    forum = Forum.objects.get(owner=place.forum)
    other = ForumDiscussion.objects.create(
        forum=forum, name="Theirs", userid=place.teacher.pk, groupid=987_654, timemodified=1
    )
    first = ForumPost.objects.create(discussion=other, userid=place.teacher.pk, parent=876_543, message="A")
    item = GradeItem.objects.create(
        course=place.course,
        activity=place.forum,
        itemtype="mod",
        itemname="Posts",
        calculation="=##gi765432##*2",
        timecreated=1,
        timemodified=1,
    )
    bring(place, store(place), place.student)
    other.refresh_from_db()
    first.refresh_from_db()
    item.refresh_from_db()
    assert item.calculation == "=##gi765432##*2"
    assert (other.groupid, first.parent) == (987_654, 876_543)


def test_marks_belong_to_the_person_whose_grade_they_make(place: Place) -> None:
    found = activity(place.course, "assign", "Essay", intro="")
    assign = Assign.objects.get(owner=found)
    common = {"assign": assign, "timecreated": 1, "timemodified": 1}
    grade = AssignGrade.objects.create(
        userid=place.student.pk, grader=place.teacher.pk, grade=1, attemptnumber=0, **common
    )
    mark = AssignMark.objects.create(gradeid=grade.pk, marker=place.teacher.pk, **common)
    assert person_records(found, place.student.pk).own[AssignMark] == {mark.pk}


def test_the_people_of_an_activity_in_a_subsection_are_its_own_not_those_of_the_subsection(
    place: Place,
) -> None:
    outer = activity(place.course, "subsection", "Trips")
    section = place.course.sections.get()
    section.sequence += f",{outer.pk}"
    section.save()
    inner = Section.objects.create(
        course=place.course,
        number=1,
        component="mod_subsection",
        itemid=outer.instance,
        sequence=str(place.forum.pk),
    )
    Activity.objects.filter(pk=place.forum.pk).update(section=inner)
    place.forum.refresh_from_db()
    assert people_in(place.forum, store(place), by=place.admin) == [place.student]


def between(monkeypatch: pytest.MonkeyPatch, happens: object) -> None:
    """Let something happen after the copy was stored and before the course is locked."""
    original = person_returns._store_once

    def store_once(*given: object) -> Generator[events.Event, None, None]:
        yield from original(*given)  # type: ignore[arg-type]
        happens()  # type: ignore[operator]

    monkeypatch.setattr(person_returns, "_store_once", store_once)


def test_work_that_was_changed_after_its_copy_was_stored_is_not_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = store(place)
    between(monkeypatch, lambda: ForumPost.objects.update(message="Just now"))
    with pytest.raises(Busy, match="was changed after its copy"):
        bring(place, archive, place.student)
    assert ForumPost.objects.get().message == "Just now"


def test_an_activity_that_was_removed_meanwhile_is_not_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = store(place)
    between(monkeypatch, lambda: Activity.objects.filter(pk=place.forum.pk).delete())
    with pytest.raises(NotFound, match="not there any more"):
        bring(place, archive, place.student)


def test_a_person_whom_the_archive_does_not_list_costs_no_copy(place: Place) -> None:
    archive = store(place)
    with pytest.raises(NotFound, match="no work of"):
        bring(place, archive, place.stranger)
    assert StoredArchive.objects.get() == archive


def test_a_second_attempt_takes_the_copy_of_the_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = store(place)
    with monkeypatch.context() as broken:
        broken.setattr(one_person, "plans", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bring(place, archive, place.student)
    job = Job.objects.get(operation="bring_back_person")
    job.state, job.finished, job.attempts_allowed = Job.State.QUEUED, None, 3
    job.save()
    runner.run(job.pk, raising=True)
    assert StoredArchive.objects.count() == 2


def test_who_may_not_restore_peoples_work_in_the_activity_itself_is_refused(place: Place) -> None:
    archive = store(place)
    RoleOverride.objects.create(
        contextid=place.forum.contextid,
        roleid=Role.objects.get(shortname="manager").pk,
        capability=BRING_IN,
        permission=PROHIBIT,
    )
    with pytest.raises(NotAllowed, match="into this activity"):
        request_person_return(place.forum, archive, place.student, by=place.manager, notify=False)
