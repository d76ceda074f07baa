"""People whose user name is somebody else's here: the person who restores decides about each, and the site about `admin`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.errors import PrecheckFailed, UsageError
from courses.activities.forum import ForumPost
from courses.models import User
from restore.match import read_decisions
from restore.match.decisions import PersonDecision, decisions_text
from restore.services import review
from selection.models import OptionDefault
from tests.archives_made import Change, small, texts
from tests.jobs_done import Restored, back_up, faults, restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

HASH = "0123456789abcdef0123456789abcdef"


def of_admin(target: Path, *, site_hash: str = HASH) -> Path:
    """Write an archive of another site in which Anna is `admin`."""
    changes: dict[str, Change] = {
        "users.xml": ("<username>anna</username><email>anna@", "<username>admin</username><email>root@"),
        "moodle_backup.xml": (
            "<original_site_identifier_hash>" + "0" * 32,
            f"<original_site_identifier_hash>{site_hash}",
        ),
    }
    return small(target, changes)


@pytest.fixture(autouse=True)
def ours(transactional_db: None) -> User:
    """The administrator of this site."""
    return person("admin", is_superuser=True)


def authors(done: Restored) -> set[str]:
    """The user names of those who wrote posts in the restored course."""
    posts = ForumPost.objects.filter(discussion__forum__owner__course=done.course)
    return set(User.objects.filter(pk__in=posts.values("userid")).values_list("username", flat=True))


def test_without_a_decision_the_restore_is_refused_and_the_hint_is_a_way_out(tmp_path: Path) -> None:
    path = of_admin(tmp_path / "a.mbz")
    [finding] = [f for f in review(path, by=None, target={}, options={}) if f.level == "error"]
    assert "“admin”" in finding.message
    assert "accounts" in finding.hint
    with pytest.raises(PrecheckFailed):
        restore(path)
    restore(path, users="0")


def test_a_new_account_under_another_name(tmp_path: Path, ours: User) -> None:
    done = restore(of_admin(tmp_path / "a.mbz"), accounts="admin=new")
    assert authors(done) == {f"admin_{HASH}", "boris"}
    made = User.objects.get(username=f"admin_{HASH}")
    assert (made.email, made.is_superuser) == ("root@example.com", False)
    ours.refresh_from_db()
    assert ours.is_superuser
    written = back_up(done.course, tmp_path / "b.mbz")
    assert faults(written) == []
    assert f"<username>admin_{HASH}</username>" in texts(written)["users.xml"]


def test_the_next_archive_of_that_site_finds_the_account_again(tmp_path: Path) -> None:
    for name in ("a.mbz", "b.mbz"):
        assert f"admin_{HASH}" in authors(restore(of_admin(tmp_path / name), accounts="*=new"))
    third = restore(of_admin(tmp_path / "c.mbz", site_hash="f" * 32), accounts="*=new")
    assert authors(third) == {f"admin_{'f' * 32}", "boris"}
    assert User.objects.filter(username__startswith="admin_").count() == 2


def test_the_account_that_is_here(tmp_path: Path) -> None:
    before = User.objects.count()
    assert authors(restore(of_admin(tmp_path / "a.mbz"), accounts="admin=here")) == {"admin", "boris"}
    assert User.objects.count() == before + 1


def test_each_person_has_a_decision_of_their_own(tmp_path: Path) -> None:
    person("boris")
    path = of_admin(tmp_path / "a.mbz")
    with pytest.raises(PrecheckFailed, match="boris"):
        restore(path, accounts="admin=new")
    assert authors(restore(path, accounts="admin=new, boris=here")) == {f"admin_{HASH}", "boris"}
    assert authors(restore(path, accounts="*=here,boris=new")) == {"admin", f"boris_{HASH}"}


def test_the_site_decides_about_the_admin_of_other_sites(tmp_path: Path) -> None:
    OptionDefault.objects.create(operation="restore", name="duplicate_admin", value=True, locked=True)
    for name in ("a.mbz", "b.mbz"):
        assert authors(restore(of_admin(tmp_path / name))) == {f"admin_{HASH}", "boris"}
    third = restore(of_admin(tmp_path / "c.mbz", site_hash="f" * 32))
    assert authors(third) == {f"admin_{'f' * 32}", "boris"}


@pytest.mark.parametrize(
    "text",
    [
        "admin",
        "admin=",
        "admin=me",
        "=new",
        "a=new,b",
        "a=new:",
        "a=here:b",
        "a=new:Big",
        "*=new:b",
        "a=new:b c",
    ],
)
def test_anything_else_is_no_decision(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="accounts"):
        read_decisions(text)
    with pytest.raises(UsageError, match="accounts"):
        restore(of_admin(tmp_path / "a.mbz"), accounts=text)


def test_decisions_are_read() -> None:
    assert read_decisions("") == {}
    assert read_decisions(" a=b=new , *=here,") == {"a=b": PersonDecision("new"), "*": PersonDecision("here")}
    text = '"a,b=out",boris=new:boris2'
    found = read_decisions(text)
    assert found == {"a,b": PersonDecision("out"), "boris": PersonDecision("new", "boris2")}
    assert read_decisions(decisions_text(found)) == found
