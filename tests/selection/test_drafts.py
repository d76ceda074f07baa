"""Drafts: choices stay in the session until a job with them has succeeded."""

from __future__ import annotations

from typing import Any

from selection.drafts import MOST_DRAFTS, Draft


def test_choices_are_there_again_for_the_same_wizard_only() -> None:
    session: dict[str, Any] = {}
    draft = Draft(session, "restore-1")
    draft.asked, draft.facts = {"users": "0"}, {"category": 3}
    draft.save()
    again = Draft(session, "restore-1")
    assert (again.asked, again.facts, again.job) == ({"users": "0"}, {"category": 3}, None)
    assert Draft(session, "restore-2").asked == {}


def test_choices_stay_after_a_job_was_requested_with_them() -> None:
    session: dict[str, Any] = {}
    draft = Draft(session, "restore-1")
    draft.asked = {"users": "0"}
    draft.requested(7)
    again = Draft(session, "restore-1")
    assert (again.asked, again.job) == ({"users": "0"}, 7)


def test_forgotten_choices_are_gone_at_once_and_in_the_session() -> None:
    session: dict[str, Any] = {}
    draft = Draft(session, "restore-1")
    draft.asked = {"users": "0"}
    draft.requested(7)
    draft.forget()
    assert (draft.asked, draft.facts, draft.job) == ({}, {}, None)
    assert Draft(session, "restore-1").job is None


def test_the_oldest_choices_go_when_there_are_too_many() -> None:
    session: dict[str, Any] = {}
    for number in range(MOST_DRAFTS + 1):
        draft = Draft(session, f"restore-{number}")
        draft.asked = {"users": "0"}
        draft.save()
    assert Draft(session, "restore-0").asked == {}
    assert Draft(session, "restore-1").asked == {"users": "0"}
