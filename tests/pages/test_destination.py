"""The stage “Where it goes”: what each person can choose there, the search for a course, and the place in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from lxml import html

from courses.models import Category, Course, RoleAssignment, Section
from courses.services import create_category, create_course
from tests.pages.places import Place
from tests.pages.test_restore_pages import archives, upload
from vault.models import StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["archives"]


@pytest.fixture
def whole(place: Place, archives: dict[str, Path], as_person: SignIn) -> StoredArchive:
    """The archive of a whole course, uploaded by the administrator."""
    return upload(as_person("admin"), archives["course"])


@pytest.fixture
def single(place: Place, archives: dict[str, Path], as_person: SignIn) -> StoredArchive:
    """The archive of one activity, uploaded by the administrator."""
    return upload(as_person("admin"), archives["activity"])


def destination(archive: StoredArchive) -> str:
    return reverse("restore-destination", args=[archive.pk])


def parsed(answer: Any) -> Any:
    return html.document_fromstring(answer.content.decode())


def tree_of(client: Client, address: str) -> Any:
    return parsed(client.get(address))


def listed(client: Client, archive: StoredArchive, query: str = "") -> list[int]:
    """The ids of the courses in the list, in order."""
    return [
        int(one)
        for one in tree_of(client, destination(archive) + query).xpath("//input[@name='course']/@value")
    ]


def locked(client: Client, archive: StoredArchive) -> dict[str, str]:
    """The reason for each kind of target that cannot be chosen."""
    tree = tree_of(client, destination(archive))
    return {
        kind: " ".join(tree.get_element_by_id(f"where-{kind}-why").text_content().split())
        for kind in tree.xpath("//input[@name='where'][@disabled]/@value")
    }


def facts(client: Client, archive: StoredArchive) -> object:
    """The saved target of the wizard."""
    return client.session["drafts"][f"restore-{archive.pk}"]["facts"]


def test_a_teacher_adds_to_her_course_or_replaces_its_content_and_is_told_why_she_makes_no_new_one(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("teacher")
    archive = upload(client, archives["course"])
    assert locked(client, archive) == {"new": "There is no category in which you may create courses."}
    tree = tree_of(client, destination(archive))
    assert tree.xpath("//input[@name='where'][@checked]/@value") == ["merge"]
    assert tree.xpath("//input[@name='course'][@checked]/@value") == [str(place.course.pk)]
    assert tree.xpath("//button[@name='go'][not(@disabled)]")


def test_a_part_of_a_course_replaces_nothing_and_the_page_says_why(
    single: StoredArchive, as_person: SignIn
) -> None:
    reason = "Only the archive of a whole course can replace the content of a course."
    assert locked(as_person("admin"), single) == {"replace": reason}
    page = as_person("admin").post(destination(single), {"where": "replace", "course": "1"}).content.decode()
    assert reason in page


@pytest.mark.parametrize("word", ["glacier", "ICE-7", "Q-77", "polar", "world / polar"])
def test_a_course_is_found_by_name_short_name_id_number_and_category(
    whole: StoredArchive, as_person: SignIn, word: str
) -> None:
    polar = create_category("Polar regions", parent=create_category("World"))
    found = create_course("ICE-7", "Walks on a glacier", category=polar, idnumber="Q-77")
    create_course("SEA-1", "Sailing")
    # The course that is proposed stays in the list.
    assert found.pk in listed(as_person("admin"), whole, f"?search={word}")
    assert len(listed(as_person("admin"), whole, f"?search={word}")) == 2


def test_courses_are_listed_in_pages_with_the_chosen_one_always_among_them(
    place: Place, whole: StoredArchive, as_person: SignIn
) -> None:
    for number in range(25):
        create_course(f"A{number:02}", f"Alpine walks {number:02}")
    client = as_person("admin")
    pages, query = [], ""
    for _ in range(3):
        pages.append(listed(client, whole, query))
        further = tree_of(client, f"{destination(whole)}{query}").xpath("//button[@name='after']/@value")
        query = f"?{urlencode({'after': further[0]})}" if further else ""
    assert query == ""
    assert [len(page) for page in pages] == [11, 11, 6]
    assert all(place.course.pk in page for page in pages)
    assert {pk for page in pages for pk in page} == set(Course.objects.values_list("pk", flat=True))


def test_searching_without_scripts_keeps_what_is_chosen(
    place: Place, whole: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    other = create_course("SEA-1", "Sailing")
    sent = {"where": "replace", "course": other.pk, "search": "geology", "searched": "", "find": "1"}
    answer = client.post(destination(whole), sent, follow=True)
    tree = parsed(answer)
    assert tree.xpath("//input[@name='where'][@checked]/@value") == ["replace"]
    assert tree.xpath("//input[@name='course'][@checked]/@value") == [str(other.pk)]
    assert tree.xpath("//input[@name='course']/@value") == [str(other.pk), str(place.course.pk)]


def test_enter_in_the_search_field_searches_and_does_not_go_on(
    whole: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    typed = {"where": "new", "category": Category.objects.all()[0].pk, "search": "sail", "searched": ""}
    answer = client.post(destination(whole), typed)
    assert answer.headers["Location"].startswith(destination(whole) + "?")
    answer = client.post(destination(whole), typed | {"go": "1"})
    assert answer.headers["Location"] == reverse("restore-settings", args=[whole.pk])


def test_a_course_in_which_a_person_may_not_restore_is_neither_listed_nor_taken(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("teacher")
    archive = upload(client, archives["course"])
    other = create_course("SEA-1", "Sailing")
    assert listed(client, archive) == [place.course.pk]
    page = client.post(destination(archive), {"where": "merge", "course": other.pk}).content.decode()
    assert "Choose the course that the course goes into." in page


def test_an_activity_goes_to_the_chosen_place_of_a_section(
    place: Place, single: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    section = place.course.sections.get()
    tree = tree_of(client, f"{destination(single)}?course={place.course.pk}")
    values = tree.xpath("//select[@name='place']//option/@value")
    assert values == ["", f"{section.pk}:", f"{section.pk}:1", f"{section.pk}:2"]
    sent = {"where": "merge", "course": place.course.pk, "places_of": place.course.pk, "go": "1"}
    client.post(destination(single), sent | {"place": f"{section.pk}:2"})
    assert facts(client, single) == {"course": place.course.pk, "section": section.pk, "position": 2}
    tree = tree_of(client, destination(single))
    assert tree.xpath("//select[@name='place']//option[@selected]/@value") == [f"{section.pk}:2"]
    client.post(destination(single), sent | {"place": ""})
    assert facts(client, single) == {"course": place.course.pk}


def test_a_course_whose_places_were_not_shown_is_asked_about_before_the_wizard_goes_on(
    place: Place, single: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    other = create_course("SEA-1", "Sailing")
    Section.objects.create(course=other, number=1, name="Knots")
    sent = {"where": "merge", "course": other.pk, "places_of": place.course.pk, "place": "", "go": "1"}
    answer = client.post(destination(single), sent, follow=True)
    tree = parsed(answer)
    assert tree.xpath("//input[@name='places_of']/@value") == [str(other.pk)]
    assert tree.xpath("//select[@name='place']//optgroup/@label")[-1] == "Knots"


def test_a_place_that_the_course_does_not_have_is_refused(
    place: Place, single: StoredArchive, as_person: SignIn
) -> None:
    elsewhere = create_course("SEA-1", "Sailing").sections.get()
    sent = {"where": "merge", "course": place.course.pk, "places_of": place.course.pk, "go": "1"}
    for value in (f"{elsewhere.pk}:", "1:99999999999999999999", "x", ":"):
        page = as_person("admin").post(destination(single), sent | {"place": value}).content.decode()
        assert "Choose a place that the course has." in page, value


def test_the_page_of_a_course_leads_to_each_way_by_a_second_press(
    place: Place, as_person: SignIn, whole: StoredArchive
) -> None:
    StoredArchive.objects.update(course=place.course, source=StoredArchive.Source.BACKUP)
    client = as_person("admin")
    course = client.get(reverse("course", args=[place.course.pk])).content.decode()
    assert reverse("restore-course", args=[place.course.pk]) in course
    tree = tree_of(client, reverse("restore-course", args=[place.course.pk]))
    buttons = {button.get("value"): button for button in tree.xpath("//button[@name='where']")}
    assert set(buttons) == {"new", "merge", "replace"}
    expected = {
        "new": {"category": place.course.category_id},
        "merge": {"course": place.course.pk},
        "replace": {"course": place.course.pk, "replace": True},
    }
    for kind, button in buttons.items():
        form = button.getparent()
        fields = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
        answer = client.post(form.get("action"), fields | {"where": kind})
        assert answer.headers["Location"] == reverse("restore-settings", args=[whole.pk])
        assert facts(client, whole) == expected[kind]


def test_the_page_of_a_course_asks_for_the_place_of_an_activity(
    place: Place, as_person: SignIn, single: StoredArchive
) -> None:
    StoredArchive.objects.update(course=place.course, source=StoredArchive.Source.BACKUP)
    client = as_person("admin")
    tree = tree_of(client, reverse("restore-course", args=[place.course.pk]))
    assert tree.xpath("//button[@name='where']/@value") == ["new", "merge"]
    form = tree.xpath("//button[@value='merge']/..")[0]
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
    tree = parsed(client.post(form.get("action"), fields | {"where": "merge"}, follow=True))
    assert tree.xpath("//input[@name='where'][@checked]/@value") == ["merge"]
    assert tree.xpath("//input[@name='places_of']/@value") == [str(place.course.pk)]


def test_a_teacher_without_a_category_is_told_on_the_page_of_the_course(
    place: Place, as_person: SignIn, whole: StoredArchive
) -> None:
    StoredArchive.objects.update(course=place.course, source=StoredArchive.Source.BACKUP)
    page = as_person("teacher").get(reverse("restore-course", args=[place.course.pk])).content.decode()
    assert "There is no category in which you may create courses." in page
    assert 'value="new"' not in page
    assert 'value="replace"' in page


def test_an_upload_for_a_course_is_proposed_for_that_course(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    other = create_course("SEA-1", "Sailing")
    tree = tree_of(client, reverse("restore-course", args=[other.pk]))
    assert tree.xpath("//form[@enctype]//input[@name='course']/@value") == [str(other.pk)]
    archive = upload(client, archives["course"])
    inside = f"{reverse('restore-inside', args=[archive.pk])}?course={other.pk}"
    goes_on = tree_of(client, inside).xpath("//div[@class='bar-actions']/a/@href")[0]
    tree = tree_of(client, goes_on)
    assert tree.xpath("//input[@name='where'][@checked]/@value") == ["merge"]
    assert tree.xpath("//input[@name='course'][@checked]/@value") == [str(other.pk)]


def test_whoever_may_restore_nowhere_is_told_whom_to_ask(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    archive = upload(as_person("teacher"), archives["course"])
    RoleAssignment.objects.filter(userid=place.teacher.pk).delete()
    client = as_person("teacher")
    assert set(locked(client, archive)) == {"new", "merge", "replace"}
    page = client.get(destination(archive)).content.decode()
    assert "Ask a manager of a course or of a category" in page
    assert tree_of(client, destination(archive)).xpath("//button[@name='go'][@disabled]")
