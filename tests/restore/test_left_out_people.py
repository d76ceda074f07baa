"""People who are left out of a restore: their work stays away, what others did stays as it is, and a finding counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.errors import NotAllowed
from courses import authors, structure
from courses.activities.forum import ForumDiscussion, ForumPost
from courses.activities.quiz import QuizAttempt
from courses.fields import UserRef
from courses.models import GroupMember, User, UserEnrolment
from courses.services import default_category
from restore.services import request_restore, review
from tests.archives_made import small, texts
from tests.jobs_done import back_up, faults, restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT, TEACHER = "rich1_s01", "rich1_t1"


def posts() -> set[tuple[str, int, bool]]:
    """Return the posts of all forums: the subject, whether somebody has written it, and whether it has a text."""
    return {(post.subject, bool(post.userid), bool(post.message)) for post in ForumPost.objects.all()}


def test_posts_go_and_those_with_replies_of_others_stay_without_text_and_name(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    done = restore(path, accounts="anna=out")
    assert not User.objects.filter(username="anna").exists()
    assert posts() == {
        ("(left out)", False, False),
        ("An answer", True, True),
        ("The last word", True, True),
    }
    [discussion] = ForumDiscussion.objects.all()
    assert (discussion.name, discussion.userid) == ("(left out)", 0)
    assert ForumPost.objects.get(parent=0).pk == discussion.firstpost
    [finding] = done.job.findings.filter(code="person-left-out")
    assert finding.message.startswith("1 person is left out, as chosen. What was theirs stays away: ")
    assert "1 forum post" in finding.message
    assert "2 records, to which others replied, stay without text and name." in finding.message
    assert done.job.result["people_left_out"] == 1


def test_who_answered_last_goes_without_a_trace(tmp_path: Path) -> None:
    restore(small(tmp_path / "a.mbz"), accounts="boris=out")
    assert posts() == {("First post", True, True), ("Another answer", True, True)}


def test_if_all_are_left_out_nothing_of_anybody_comes(tmp_path: Path) -> None:
    done = restore(small(tmp_path / "a.mbz"), accounts="anna=out,boris=out")
    assert not ForumDiscussion.objects.exists()
    assert not ForumPost.objects.exists()
    assert not GroupMember.objects.exists()
    assert User.objects.count() == 0
    written = back_up(done.course, tmp_path / "b.mbz")
    assert faults(written) == []
    assert "anna" not in texts(written).get("users.xml", "")


def test_the_review_counts_the_same_as_the_restore(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    said = review(path, by=None, target={}, options={"accounts": "anna=out"})
    [finding] = [f for f in said if f.code == "person-left-out"]
    assert finding.message == restore(path, accounts="anna=out").job.findings.get(code=finding.code).message


@pytest.mark.parametrize("name", [STUDENT, TEACHER])
def test_of_a_rich_course_no_row_is_theirs_or_names_them_and_the_rows_of_others_are_all_there(
    name: str, fixtures: Path
) -> None:
    rich = fixtures / "rich1-users.mbz"
    restore(rich)
    user = User.objects.get(username=name)
    theirs = {
        model: set(authors.rows_of(model, [user.pk]).values_list("pk", flat=True))
        for model in structure.archived_models()
    }
    assert sum(map(len, theirs.values())) > 50
    before = {model: model._base_manager.count() for model in structure.archived_models()}
    start = {model: highest(model) for model in structure.archived_models()}
    User.objects.filter(pk=user.pk).update(username="somebody.else", email="other@example.org", firstaccess=1)
    done = restore(rich, accounts=f"{name}=out")
    people = set(User.objects.values_list("pk", flat=True)) | {0, -1, None}
    for model in structure.archived_models():
        new = model._base_manager.filter(pk__gt=start[model])
        for field in model._meta.concrete_fields:
            if isinstance(field, UserRef):
                assert set(new.values_list(field.name, flat=True)) <= people, (model, field.name)
        author = authors.author_of(model)
        if author is not None and model is not UserEnrolment and not model.archive_meta.emptied:
            gone = len(theirs[model])
            assert before[model] - new.count() >= gone, model
    assert not User.objects.filter(username=name).exists()
    assert QuizAttempt.objects.filter(pk__gt=start[QuizAttempt]).exists()
    assert "person-left-out" in done.findings


def highest(model: structure.Model) -> int:
    """Return the highest id of a model's rows, 0 if there are none."""
    return model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 0


def test_who_may_not_make_accounts_may_leave_people_out_and_decide_nothing_else(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    person("anna")
    teacher = person("vera", "manager", is_superuser=False)
    request_restore(path, by=teacher, options={"accounts": "anna=here"}, notify=False)
    editor = person("carl", "manager", at=default_category())
    with pytest.raises(NotAllowed, match="moodle/restore:createuser"):
        request_restore(path, by=editor, options={"accounts": "anna=here"}, notify=False)
    with pytest.raises(NotAllowed, match="moodle/restore:createuser"):
        request_restore(path, by=editor, options={"accounts": "*=new"}, notify=False)
    done = restore(path, by=editor, accounts="*=out")
    assert done.job.result["people_left_out"] == 2
