"""Pages count what is ticked, locked boxes show the value that counts, and the summary beside a form follows the boxes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from jobs.models import Job
from selection.models import OptionDefault
from tests.pages.places import Place
from tests.pages.test_backup_pages import CONTENT, address, boxes
from tests.pages.test_backup_pages import address as stage

SignIn = Callable[[str], Client]
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def section(place: Place) -> str:
    return f"section_{place.course.sections.get().pk}"


def summary(page: str) -> dict[str, str]:
    """The lines of the summary beside a form."""
    found = re.search(r'<section class="panel so-far".*?</section>', page, re.DOTALL)
    assert found is not None
    return dict(re.findall(r'<span class="muted">([^<]*)</span><b>([^<]*)</b>', found[0]))


def leave_the_section_out(client: Client, place: Place) -> str:
    client.post(stage(place, "schema"), {f"page_{place.page.pk}_included": "1"})
    return client.get(stage(place, "schema")).content.decode()


def test_a_section_left_out_counts_none_of_its_activities_and_ticks_none(
    place: Place, as_person: SignIn
) -> None:
    page = leave_the_section_out(as_person("manager"), place)
    found = boxes(page)
    assert "0 of 2 activities chosen" in page
    assert re.search(r'class="count">\s*0 of 2', page)
    for name in (
        f"{section(place)}_included",
        f"page_{place.page.pk}_included",
        f"forum_{place.forum.pk}_included",
    ):
        assert " checked" not in found[name]
    assert "disabled" in found[f"page_{place.page.pk}_included"]
    assert page.count("hidden>left out with its section") == 0
    assert page.count("left out with its section") == 2
    assert summary(page)["Activities"] == "0 of 2"


def test_a_section_that_is_ticked_again_brings_what_could_not_be_ticked(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    leave_the_section_out(client, place)
    client.post(
        stage(place, "schema"), {f"{section(place)}_included": "1", f"{section(place)}_userinfo": "1"}
    )
    assert "2 of 2 activities chosen" in client.get(stage(place, "schema")).content.decode()


def test_an_empty_box_that_the_script_had_unlocked_means_no(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    leave_the_section_out(client, place)
    ticked = {f"{section(place)}_included": "1", f"page_{place.page.pk}_included": "1", "every_box": "1"}
    client.post(stage(place, "schema"), ticked)
    assert "1 of 2 activities chosen" in client.get(stage(place, "schema")).content.decode()


def test_one_type_that_is_chosen_brings_its_section_without_scripts_too(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    client.post(stage(place, "schema"), {"every_box": "1"})
    client.post(stage(place, "schema"), {"bulk": "on", "bulk_type": "forum"})
    page = client.get(stage(place, "schema")).content.decode()
    assert " checked" in boxes(page)[f"{section(place)}_included"]
    assert " checked" in boxes(page)[f"forum_{place.forum.pk}_included"]


def test_people_of_what_is_left_out_are_not_ticked(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    own = {f"{section(place)}_included": "1", f"{section(place)}_userinfo": "1"}
    client.post(stage(place, "schema"), own | {f"forum_{place.forum.pk}_included": "1"})
    found = boxes(client.get(stage(place, "schema")).content.decode())
    assert " checked" not in found[f"page_{place.page.pk}_userinfo"]
    assert "disabled" in found[f"page_{place.page.pk}_userinfo"]


def test_an_option_that_waits_for_another_is_not_ticked_and_says_what_it_waits_for(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    client.post(stage(place, "settings"), dict.fromkeys(CONTENT, "1"))
    page = client.get(stage(place, "settings")).content.decode()
    found = boxes(page)
    assert " checked" not in found["users"]
    assert " checked" not in found["comments"]
    assert "disabled" in found["comments"]
    why = re.search(r'id="comments-why">(.*?)</label>', page, re.DOTALL)
    assert why is not None
    shown = re.findall(r"<span data-\S+>([^<]*)</span>", why[1])
    assert shown == ["It needs “People and their work” (users), which is off."]
    client.post(stage(place, "settings"), dict.fromkeys([*CONTENT, "users"], "1"))
    assert " checked" in boxes(client.get(stage(place, "settings")).content.decode())["comments"]


def test_an_option_that_the_site_has_locked_shows_the_value_that_counts(
    place: Place, as_person: SignIn
) -> None:
    for name, value in (("badges", "0"), ("logs", "1")):
        OptionDefault.objects.create(operation="backup", name=name, value=value, locked=True)
    found = boxes(as_person("manager").get(stage(place, "settings")).content.decode())
    assert " checked" not in found["badges"]
    assert " checked" in found["logs"]


def test_the_summary_beside_a_form_is_that_of_the_boxes_that_are_ticked_now(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    ticked = dict.fromkeys(["activities", "users", "anonymize", "every_box"], "1")
    lines = summary(client.post(stage(place, "settings"), ticked, headers=HTMX).content.decode())
    assert lines["People and their work"] == "anonymous"
    assert "Blocks" in lines["Left out"]
    lines = summary(client.post(stage(place, "settings"), {"every_box": "1"}, headers=HTMX).content.decode())
    assert (lines["People and their work"], lines["Activities"]) == ("no", "0 of 2")
    # What is ticked is kept, so the next page begins with activities only if they are ticked again.
    client.post(stage(place, "settings"), ticked, headers=HTMX)
    tree = {f"{section(place)}_included": "1", f"page_{place.page.pk}_included": "1", "every_box": "1"}
    answer = client.post(stage(place, "schema"), tree, headers=HTMX).content.decode()
    assert summary(answer)["Activities"] == "1 of 2"
    assert "<html" not in answer
    page = client.get(stage(place, "settings")).content.decode()
    assert summary(page)["Activities"] == "1 of 2"  # it survives Back, and any other way to leave the page
    assert not Job.objects.exists()


def test_a_form_with_a_fault_comes_back_as_it_was_filled_in(place: Place, as_person: SignIn) -> None:
    page = as_person("manager").post(address(place, "confirm"), {"filename": "a/b.mbz", "container": "zip"})
    assert '<option value="zip" selected>' in page.content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_counts_locks_and_summary_follow_the_boxes_in_a_browser(
    place: Place, window: Callable[..., Page]
) -> None:
    page = window("ada")
    beside = page.get_by_role("region", name="Your choices so far")
    page.goto(address(place, "settings"))
    comments = page.locator("#comments")
    page.locator("#users").uncheck()
    expect(comments).not_to_be_checked()
    expect(comments).to_be_disabled()
    expect(page.get_by_text("It needs “People and their work” (users), which is off.").first).to_be_visible()
    expect(beside).to_contain_text("People and their workno")
    page.locator("#users").check()
    expect(comments).to_be_checked()
    expect(comments).to_be_enabled()
    page.locator("#blocks").uncheck()
    expect(beside).to_contain_text("Blocks")
    page.get_by_role("button", name="Continue to “").click()
    expect(beside).to_contain_text("Activities2 of 2")
    page.locator(f"#{section(place)}_included").uncheck()
    expect(page.get_by_text("0 of 2 activities chosen")).to_be_visible()
    expect(page.locator(".tree-head .count")).to_have_text("0 of 2")
    expect(beside).to_contain_text("Activities0 of 2")
    expect(page.get_by_text("left out with its section").first).to_be_visible()
    expect(page.locator(f"#forum_{place.forum.pk}_userinfo")).not_to_be_checked()
    page.locator(f"#forum_{place.forum.pk}_included").check()
    expect(page.locator(f"#{section(place)}_included")).to_be_checked()
    expect(page.locator(f"#forum_{place.forum.pk}_userinfo")).to_be_checked()
    expect(beside).to_contain_text("Activities1 of 2")
    page.get_by_role("button", name="Continue to “").last.click()
    expect(beside).to_contain_text("Activities1 of 2")
    page.get_by_role("button", name="Perform backup").click()
    page.get_by_role("heading", name="Backup of Geology of the Alps").wait_for()
    options = Job.objects.get().options
    assert (options[f"page_{place.page.pk}_included"], options[f"forum_{place.forum.pk}_userinfo"]) == (
        "0",
        "1",
    )
