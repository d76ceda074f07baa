"""Forms of options: the search in the tree of sections and activities, and the buttons for many."""

from __future__ import annotations

import pytest

from courses.capabilities import EVERYTHING
from selection import forms
from selection.resolution import resolve
from selection.settings import Item, Settings

ITEMS = (
    Item("section_1", None, "Rocks"),
    Item("forum_7", "section_1", "Why are they folded?"),
    Item("quiz_8", "section_1", "What do you know?"),
    Item("section_2", None, "Excursion"),
    Item("page_9", "section_2", "What to bring"),
    Item("forum_10", "section_2", "Who rides with whom?"),
)


def settings(**asked: str) -> Settings:
    return resolve(asked, operation="backup", may=EVERYTHING, items=ITEMS)


def searched(text: str) -> tuple[int, set[str], set[str]]:
    """The number of activities that a search finds, what it finds, and what is shown."""
    nodes = forms.tree(ITEMS, settings())
    number = forms.search(nodes, text)
    every = [*nodes, *(child for node in nodes for child in node.children)]
    return number, set(forms.found(nodes)), {node.item.owner for node in every if node.shown}


def test_an_empty_search_finds_everything() -> None:
    everything = {item.owner for item in ITEMS}
    assert searched("") == (4, everything, everything)


def test_an_activity_is_found_by_its_name_and_shown_in_its_section() -> None:
    assert searched("BRING") == (1, {"page_9"}, {"section_2", "page_9"})


def test_an_activity_is_found_by_its_type() -> None:
    assert searched("forum") == (
        2,
        {"forum_7", "forum_10"},
        {"section_1", "forum_7", "section_2", "forum_10"},
    )


def test_a_section_that_is_found_brings_what_is_in_it() -> None:
    assert searched("excursion") == (
        2,
        {"section_2", "page_9", "forum_10"},
        {"section_2", "page_9", "forum_10"},
    )


def test_each_word_of_a_search_has_to_be_there() -> None:
    assert searched("forum folded") == (1, {"forum_7"}, {"section_1", "forum_7"})
    assert searched("forum bring") == (0, set(), set())


@pytest.mark.parametrize(
    ("bulk_type", "expected"),
    [
        ("all", {"forum_7_included", "forum_10_included"}),
        ("forum", {"forum_7_included", "forum_10_included"}),
        ("page", set()),
        ("people", {"forum_7_userinfo", "forum_10_userinfo"}),
    ],
)
def test_a_button_for_many_means_what_the_search_has_found(bulk_type: str, expected: set[str]) -> None:
    form = {"bulk": "off", "bulk_type": bulk_type, "search": "forum"}
    assert forms.bulk(form, ITEMS, settings()) == dict.fromkeys(expected, "0")


def test_what_is_chosen_after_a_search_brings_the_sections_that_it_stands_in() -> None:
    form = {"bulk": "on", "bulk_type": "all", "search": "bring"}
    assert forms.bulk(form, ITEMS, settings(section_2_included="0")) == {
        "page_9_included": "1",
        "section_2_included": "1",
    }


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, False),
        ({"search": "forum", "searched": ""}, True),
        ({"search": "", "searched": "forum"}, True),
        ({"search": "forum", "searched": "forum"}, False),
        ({"search": "forum", "searched": "", "go": "1"}, False),
        ({"search": "forum", "searched": "", "bulk": "on"}, False),
        ({"search": "forum", "searched": "forum", "find": "1"}, True),
    ],
)
def test_a_form_searches_by_its_button_or_by_enter_in_a_changed_search_field(
    form: dict[str, str], expected: bool
) -> None:
    assert forms.searches(form) is expected


def test_the_summary_names_content_that_is_off_and_no_other_switch() -> None:
    from selection.selection import Selection

    resolved = resolve(
        {"badges": "0"},
        operation="restore",
        may=EVERYTHING,
        items=ITEMS,
        archive_settings=dict.fromkeys(settings(), "1"),
    )
    lines = dict(forms.so_far(Selection(resolved, "restore", "course")))
    assert lines["Left out"] == "Badges"
