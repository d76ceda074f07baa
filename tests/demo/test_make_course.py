"""Sample courses: what is in them, that a seed says all, and that nothing is left of one that failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from archive.comparison.compare import compare
from archive.container import open_archive
from courses import activities, pool, structure
from courses.activities.forum import ForumDiscussion, ForumPost, ForumRating
from courses.models import Activity, Course, File, Preference, Section, User, UserEnrolment
from demo.samples import SIZES, make_sample
from demo.samples import course as making
from demo.samples.rows import RowBuffer

TYPES = {"label", "page", "url", "resource", "folder", "book", "forum", "assign", "choice", "glossary"}
UNUSED = {
    "AssignPdfFiles",
    "AssignPdfRotation",
    "AssignPdfMarkerFiles",
    "AssignAllocatedMarker",
    "AssignMark",
}
"""What no sample course has: what only the tool for marking PDFs writes, and several markers of one submission."""
OF_THE_COURSE = {
    "Section",
    "CourseFormatOption",
    "CourseTag",
    "Activity",
    "ActivityTag",
    "File",
    "User",
    "ProfileField",
    "UserTag",
    "Preference",
    "Enrol",
    "UserEnrolment",
    "RoleAssignment",
    "RoleOverride",
    "Group",
    "GroupMember",
    "Grouping",
    "GroupingGroup",
    "Comment",
}


@pytest.fixture(autouse=True)
def _pool(tmp_path: Path, settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "pool": {**settings.STORAGES["pool"], "OPTIONS": {"location": str(tmp_path / "pool")}},
    }


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the answer of `make_course --json`."""
    call_command("make_course", *arguments, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def backed_up(course: int, path: Path) -> str:
    """The archive of a course."""
    call_command("backup", str(course), "-o", str(path), "--json")
    return str(path)


@pytest.mark.django_db
def test_the_smallest_course_has_every_described_type_of_activity(capsys: pytest.CaptureFixture[str]) -> None:
    answer = made(capsys, "--size", "XS")
    found = set(Activity.objects.filter(course=answer["course_id"]).values_list("modulename", flat=True))
    assert found == TYPES
    assert 100 <= answer["records"] <= 200


@pytest.mark.django_db
def test_a_course_fills_every_kind_of_record_and_has_as_many_as_its_size_says() -> None:
    answer = make_sample("S")
    empty = {model.__name__ for model in structure.archived_models() if not model._default_manager.exists()}
    described = {
        element.model.__name__
        for name, model in activities.types().items()
        if name in TYPES
        for element in structure.element(model).walk()
    }
    assert empty & (described | OF_THE_COURSE) == UNUSED
    rows = sum(model._default_manager.count() for model in structure.archived_models())
    assert answer.records == pytest.approx(SIZES["S"].records, rel=0.15)
    assert rows == pytest.approx(answer.records, rel=0.02)


@pytest.mark.django_db
def test_every_file_of_a_course_is_in_the_pool() -> None:
    answer = make_sample("XS")
    files = File.objects.filter(course=answer.course_id).exclude(filename=".")
    assert files.count() == answer.files > 10
    for file in files:
        assert pool.size(file.contenthash) == file.filesize


@pytest.mark.django_db
def test_sections_list_their_activities_in_order() -> None:
    answer = make_sample("S")
    listed = ",".join(s.sequence or "" for s in Section.objects.filter(course=answer.course_id) if s.sequence)
    there = set(Activity.objects.filter(course=answer.course_id).values_list("pk", flat=True))
    assert {int(number) for number in listed.split(",")} == there
    assert all(section.name for section in Section.objects.filter(course=answer.course_id, number__gt=0))


@pytest.mark.django_db
def test_people_of_a_sample_course_cannot_sign_in() -> None:
    make_sample("XS")
    people = User.objects.filter(username__startswith="sample1.")
    assert people.count() == SIZES["XS"].people
    assert not any(person.has_usable_password() or person.check_password("") for person in people)


@pytest.mark.django_db
def test_courses_of_one_seed_share_their_people_and_courses_of_two_do_not() -> None:
    first, again, other = make_sample("XS"), make_sample("XS"), make_sample("XS", seed=2)
    assert User.objects.count() == 2 * SIZES["XS"].people
    assert len({first.course_id, again.course_id, other.course_id}) == 3
    assert first.shortname != again.shortname
    enrolled = [
        set(UserEnrolment.objects.filter(enrol__course=made.course_id).values_list("userid", flat=True))
        for made in (first, again, other)
    ]
    assert enrolled[0] == enrolled[1]
    assert not enrolled[0] & enrolled[2]


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_makes_the_same_course(tmp_path: Path) -> None:
    first, again = make_sample("S", seed=5), make_sample("S", seed=5)
    Course.objects.filter(pk=again.course_id).update(shortname=first.shortname)
    one, two = (backed_up(each.course_id, tmp_path / f"{each.course_id}.mbz") for each in (first, again))
    with open_archive(one) as a, open_archive(two) as b:
        comparison = compare(a, b)
    assert comparison.equal, comparison.differences[:5]


@pytest.mark.django_db(transaction=True)
def test_a_sample_course_comes_back_from_its_archive_as_it_was(tmp_path: Path) -> None:
    course = make_sample("S", seed=6)
    archive = backed_up(course.course_id, tmp_path / "a.mbz")
    with open_archive(archive) as opened:
        page = next(path for path in opened.members if path.endswith("/page.xml"))
        text = "".join(opened.read(path).decode() for path in opened.members if path.endswith("/page.xml"))
    assert page
    assert "VIEWBYID*" in text
    assert settings.SITE_URL not in text
    call_command("restore", archive, "--json")
    again = backed_up(Course.objects.latest("pk").pk, tmp_path / "b.mbz")
    with open_archive(archive) as a, open_archive(again) as b:
        comparison = compare(a, b)
    assert comparison.equal, comparison.differences[:5]


@pytest.mark.django_db
def test_a_forum_has_exactly_so_many_posts_half_of_them_rated(capsys: pytest.CaptureFixture[str]) -> None:
    answer = made(capsys, "--forum-posts", "120")
    forum = Activity.objects.get(course=answer["course_id"]).instance
    posts = ForumPost.objects.filter(discussion__forum=forum)
    assert posts.count() == 120
    assert ForumRating.objects.filter(post__in=posts).count() == 60
    assert answer["people"] == 1000
    for discussion in ForumDiscussion.objects.filter(forum=forum):
        inside = list(posts.filter(discussion=discussion).order_by("pk"))
        assert len(inside) == (50 if len(inside) > 20 else 20)
        assert inside[0].pk == discussion.firstpost
        assert {post.parent for post in inside[1:]} == {inside[0].pk}


@pytest.mark.django_db
def test_replies_answer_earlier_posts_of_their_discussion() -> None:
    make_sample("S")
    for discussion in ForumDiscussion.objects.all():
        earlier: set[int] = set()
        for post in ForumPost.objects.filter(discussion=discussion).order_by("pk"):
            assert post.parent in earlier if earlier else post.parent == 0
            earlier.add(post.pk)


@pytest.mark.django_db
def test_nothing_is_left_of_a_course_that_could_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the end")

    monkeypatch.setattr(making, "_end", fail)
    with pytest.raises(RuntimeError, match="the end"):
        make_sample("XS")
    assert not Course.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("number", ["0", "-5", "many", "99999999999"])
def test_a_wrong_number_of_posts_is_refused(number: str) -> None:
    with pytest.raises(CommandError, match="should be a number from 1 to"):
        call_command("make_course", f"--forum-posts={number}")


@pytest.mark.django_db
def test_rows_have_the_defaults_of_their_model_and_texts_come_through_whole() -> None:
    rows = RowBuffer()
    value = "tab\t, line\nand \\ back\\nslash"
    user = rows.add(User, contextid=77, username="a.person", firstname=value)
    preferences = [rows.add(Preference, user_id=user, name=str(number), value=value) for number in range(300)]
    rows.flush()
    found = User.objects.get(pk=user)
    plain = User(pk=user, contextid=77, username="a.person", firstname=value)
    for field in User._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(plain, field.attname), field.name
    assert rows.count == 301 == 1 + len(set(preferences))
    assert set(Preference.objects.values_list("value", flat=True)) == {value}
