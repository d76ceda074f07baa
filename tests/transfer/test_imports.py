"""Chosen parts of a course come into another one without people; a duplicate stands after its original."""

from __future__ import annotations

import pytest

from archive.errors import NotAllowed, NotFound, UsageError
from courses.activities.forum import ForumPost
from courses.changes import create_section
from courses.models import Activity, Course, File, Group, Section, User
from courses.services import create_course, outline
from jobs import runner
from jobs.models import Job
from tests.jobs_done import row_counts
from tests.pages.places import make_place, person
from transfer.imports import Parts, part_of, request_duplicate, request_import
from vault.models import LooseFile, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


def imported(source: Course, target: Course, parts: Parts, **more: object) -> Job:
    """Import and return the job. Raises the error of the job."""
    job = request_import(source, target, parts, by=None, notify=False, **more)  # type: ignore[arg-type]
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return job


def titles(course: Course) -> list[tuple[str, list[str]]]:
    """The titles of a course's sections, each with those of its activities, in their order."""
    return [(line.title, [one.title for one in line.activities]) for line in outline(course).sections]


def test_one_activity_comes_without_people(rich: Course) -> None:
    forum = Activity.objects.filter(course=rich, modulename="forum", title__startswith="Forum").first()
    forum = forum or Activity.objects.filter(course=rich, modulename="forum").first()
    assert forum is not None
    target = create_course("T", "Target")
    before = row_counts()
    job = imported(rich, target, Parts(activities=(forum.pk,)))
    assert titles(target) == [("Section 0", [forum.title])]
    assert (job.course, job.source) == (target, rich)
    assert not ForumPost.objects.filter(discussion__forum__owner__course=target).exists()
    assert row_counts()["courses_user"] == before["courses_user"]
    assert not StoredArchive.objects.exists()
    assert not LooseFile.objects.exists()


def test_an_activity_goes_into_the_section_that_is_chosen(rich: Course) -> None:
    page = Activity.objects.filter(course=rich, modulename="page").first()
    assert page is not None
    target = create_course("T", "Target")
    week = create_section(target, "Week")
    create_section(target, "Later")
    imported(rich, target, Parts(activities=(page.pk,)), place={"section": week.pk})
    assert titles(target) == [("Section 0", []), ("Week", [page.title]), ("Later", [])]


def test_contents_of_files_come_from_the_pool(rich: Course) -> None:
    folder = Activity.objects.get(course=rich, modulename="folder")
    target = create_course("T", "Target")
    imported(rich, target, Parts(activities=(folder.pk,)))
    own = File.objects.filter(contextid=folder.contextid, filearea="content")
    new = Activity.objects.get(course=target)
    come = File.objects.filter(contextid=new.contextid, filearea="content")
    assert own.exists()
    assert sorted(come.values_list("contenthash")) == sorted(own.values_list("contenthash"))


def test_what_is_chosen_takes_what_contains_it_and_leaves_out_the_rest(rich: Course) -> None:
    lines = outline(rich).sections
    inner = next(section for section in lines if section.under and section.activities)
    other = next(section for section in lines if not section.under and section.activities)
    two = Parts(activities=(inner.activities[0].id, other.activities[0].id))
    options = part_of(rich, two).options or {}
    left = {name.removesuffix("_included") for name, value in options.items() if name.endswith("_included")}
    everything = {line.folder for line in lines} | {one.folder for line in lines for one in line.activities}
    kept = everything - left
    owner = next(one for line in lines for one in line.activities if one.id == inner.under)
    around = next(line for line in lines if owner in line.activities)
    assert kept == {
        inner.folder,
        inner.activities[0].folder,
        owner.folder,
        around.folder,
        other.folder,
        other.activities[0].folder,
    }


def test_what_the_course_does_not_have_is_named(rich: Course) -> None:
    target = create_course("T", "Target")
    with pytest.raises(NotFound, match="no activity 5"):
        request_import(rich, target, Parts(activities=(5,)), by=None, notify=False)
    with pytest.raises(NotFound, match="no section 5"):
        request_import(rich, target, Parts(sections=(5,)), by=None, notify=False)
    with pytest.raises((UsageError, NotAllowed), match="no people"):
        request_import(rich, target, Parts(), by=None, options={"users": "1"}, notify=False)


def test_rights_are_asked_at_both_courses() -> None:
    place = make_place()
    other = create_course("O", "Other")
    both = person("both", "editingteacher", place.course)
    chosen = Parts(activities=(place.forum.pk,))
    with pytest.raises(NotAllowed, match="not import into"):
        request_import(place.course, other, chosen, by=both, notify=False)
    with pytest.raises(NotAllowed, match="not import from"):
        request_import(other, place.course, Parts(), by=both, notify=False)
    with pytest.raises(NotAllowed, match="not import from"):
        request_import(place.course, other, chosen, by=place.student, notify=False)


def test_a_duplicate_stands_after_its_original_and_has_no_people() -> None:
    place = make_place()
    discussions = ForumPost.objects.count()
    for by in (place.teacher, None):
        job = request_duplicate(place.page, by=by, notify=False)
        runner.run(job.pk, raising=True)
    assert titles(place.course)[0][1] == [
        place.page.title,
        f"{place.page.title} (copy)",
        f"{place.page.title} (copy)",
        place.forum.title,
    ]
    job = request_duplicate(place.forum, by=place.teacher, notify=False)
    runner.run(job.pk, raising=True)
    assert ForumPost.objects.count() == discussions
    with pytest.raises(NotAllowed, match="not duplicate"):
        request_duplicate(place.forum, by=place.student, notify=False)


def test_a_duplicate_of_each_activity_of_the_rich_course_can_be_made(rich: Course) -> None:
    by_type = {one.modulename: one for one in Activity.objects.filter(course=rich).order_by("-pk")}
    groups = Group.objects.filter(course=rich).count()
    people = User.objects.count()
    for activity in by_type.values():
        job = request_duplicate(activity, by=None, notify=False)
        runner.run(job.pk, raising=True)
        line = next(
            section
            for section in outline(rich).sections
            if activity.pk in [one.id for one in section.activities]
        )
        ids = [one.id for one in line.activities]
        assert line.activities[ids.index(activity.pk) + 1].title == f"{activity.title} (copy)"
    assert Group.objects.filter(course=rich).count() == groups
    assert User.objects.count() == people
    assert Section.objects.filter(course=rich).count()


def test_two_activities_come_into_the_sections_of_their_numbers(rich: Course) -> None:
    lines = [line for line in outline(rich).sections if line.activities and not line.under][:2]
    chosen = [line.activities[0] for line in lines]
    target = create_course("T", "Target")
    imported(rich, target, Parts(activities=tuple(one.id for one in chosen)))
    come = {line.number: [one.title for one in line.activities] for line in outline(target).sections}
    for line, one in zip(lines, chosen, strict=True):
        assert come[line.number] == [one.title]
    assert sum(len(found) for found in come.values()) == 2
    target.refresh_from_db()
    assert (target.shortname, target.fullname) == ("T", "Target")


def test_a_whole_course_is_added_to_another(rich: Course) -> None:
    target = create_course("T", "Target")
    people = User.objects.count()
    imported(rich, target, Parts())
    assert Activity.objects.filter(course=target).count() == Activity.objects.filter(course=rich).count()
    assert User.objects.count() == people
