"""Options of a schedule that cannot have an effect are refused when it is saved, each with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from selection.models import OptionDefault
from vault.models import Schedule
from vault.schedule_options import idle_options

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"users": "0"},
        {"users": "1", "anonymize": "1", "single_names": "1"},
        {"logs": 1, "grade_histories": True, "files": "0", "container": "zip"},
    ],
)
def test_options_with_an_effect_are_accepted(options: dict[str, Any]) -> None:
    assert idle_options(options) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"users": "0", "comments": "0"},
            "The option comments has no effect. It needs “People and their work”",
        ),
        ({"users": "0", "logs": "1"}, "The option logs cannot be 1. It needs “People and their work”"),
        ({"single_names": "1"}, "The option single_names cannot be 1. It needs “Make people anonymous”"),
        ({"course_fullname": "X"}, "The option course_fullname is for restoring only."),
        ({"forum_7_included": "0"}, "There is no forum_7 here"),
        ({"grade_history": "1"}, "Did you mean grade_histories"),
        ({"container": "rar"}, "The option container cannot be “rar”."),
    ],
)
def test_each_option_without_an_effect_is_named_with_the_reason(options: dict[str, Any], says: str) -> None:
    [sentence] = idle_options(options)
    assert says in sentence


def test_a_value_that_the_administrator_has_fixed_otherwise_is_refused() -> None:
    OptionDefault.objects.create(
        preset="automated", operation="backup", name="blocks", value="0", locked=True
    )
    [sentence] = idle_options({"blocks": "1"})
    assert "The administrator has fixed this" in sentence
    assert idle_options({"blocks": "0"}) == []


def test_a_schedule_with_such_an_option_is_not_valid() -> None:
    schedule = Schedule(name="Every night", weekdays=[0], options={"users": "0", "comments": "0"})
    with pytest.raises(ValidationError, match="The option comments has no effect"):
        schedule.clean()
