"""Names of members: the quick answer for an ordinary name is the one that all checks give."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive import limits
from archive.errors import HostileArchive
from archive.limits import Limits, check_path

NAMES = st.text(st.sampled_from("ab.:/\\_- ü\x01"), max_size=14)
TIGHT = Limits(path=10, depth=2)


def answer(name: str, among: Limits) -> str:
    """The plain form of a name after all checks, or the text of their error."""
    try:
        return limits._checked(name, among)
    except HostileArchive as error:
        return str(error)


@settings(derandomize=True, max_examples=500)
@given(NAMES)
@example("a/../b")
@example("a//b")
@example("C:/b")
@example("a/b/c")
@example("a.b/c-d_e")
def test_an_ordinary_name_is_answered_as_by_all_checks(name: str) -> None:
    for among in (Limits(), TIGHT):
        expected = answer(name, among)
        try:
            found = check_path(name, limits=among)
        except HostileArchive as error:
            found = str(error)
        assert found == expected


def test_names_of_members_that_backups_write_are_ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_checked", lambda name, among: pytest.fail(name))
    for name in (
        "moodle_backup.xml",
        "activities/forum_71/forum.xml",
        "files/da/da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ):
        assert check_path(name) == name
