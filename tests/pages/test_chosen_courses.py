"""A form never does more than was chosen: the courses of a schedule, and the protection of an archive."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from courses.models import Category, Course
from courses.services import create_category, create_course
from tests.pages.places import Place
from tests.pages.test_permissions import archive_of
from tests.pages.test_schedule_pages import FORM
from vault import schedules
from vault.models import Schedule

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db

SAYING_NOTHING = {name: value for name, value in FORM.items() if name != "scope"}


@pytest.fixture
def others(place: Place) -> tuple[Category, list[Course]]:
    """A category with two more courses."""
    science = create_category("Science")
    return science, [
        create_course(f"BIO{number}", f"Biology {number}", category=science) for number in (1, 2)
    ]


def test_ticked_courses_are_what_a_schedule_covers_when_no_radio_is_chosen(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    as_person("admin").post(reverse("schedule-new"), {**SAYING_NOTHING, "courses": [place.course.pk]})
    schedule = Schedule.objects.get()
    assert schedule.scope == "list"
    assert list(schedules.courses_of(schedule)) == [place.course]


def test_a_category_is_what_a_schedule_covers_when_no_radio_is_chosen(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    science, courses = others
    as_person("admin").post(reverse("schedule-new"), {**SAYING_NOTHING, "category": science.pk})
    schedule = Schedule.objects.get()
    assert schedule.scope == "category"
    assert list(schedules.courses_of(schedule)) == courses


def test_a_schedule_of_which_nothing_says_what_it_covers_is_refused(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    client = as_person("admin")
    for form in (SAYING_NOTHING, {**SAYING_NOTHING, "scope": ""}):
        page = client.post(reverse("schedule-new"), form).content.decode()
        assert '<a href="#id_scope">Choose which courses the schedule backs up.' in page
        assert 'id="id_scope"' in page
    both = {**SAYING_NOTHING, "courses": [place.course.pk], "category": others[0].pk}
    page = client.post(reverse("schedule-new"), both).content.decode()
    assert "Choose which of the two the schedule backs up." in page
    assert not Schedule.objects.exists()


def test_all_courses_beside_a_list_that_says_less_is_refused(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    client = as_person("admin")
    ticked = {**FORM, "scope": "all", "courses": [place.course.pk]}
    page = client.post(reverse("schedule-new"), ticked).content.decode()
    assert "1 course is ticked, and “All courses” is chosen as well." in page
    assert "Choose “Chosen courses”, or untick the courses." in page
    named = {**FORM, "scope": "all", "category": others[0].pk}
    page = client.post(reverse("schedule-new"), named).content.decode()
    assert "A category is chosen, and “All courses” is chosen as well." in page
    wider = {**FORM, "scope": "category", "category": others[0].pk, "courses": [place.course.pk]}
    page = client.post(reverse("schedule-new"), wider).content.decode()
    assert "1 course is ticked, and “A category and those below it” is chosen as well." in page
    assert not Schedule.objects.exists()


def test_courses_ticked_on_a_schedule_of_all_are_not_forgotten(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    client = as_person("admin")
    client.post(reverse("schedule-new"), {**FORM, "scope": "all"})
    schedule = Schedule.objects.get()
    address = reverse("schedule-edit", args=[schedule.pk])
    page = client.post(address, {**FORM, "scope": "all", "courses": [place.course.pk]}).content.decode()
    assert "There is a problem" in page
    client.post(address, {**FORM, "scope": "list", "courses": [place.course.pk]})
    schedule.refresh_from_db()
    assert list(schedules.courses_of(schedule)) == [place.course]


def test_no_radio_is_chosen_beforehand_where_there_are_several(place: Place, as_person: SignIn) -> None:
    page = as_person("admin").get(reverse("schedule-new")).content.decode()
    assert 'value="all" checked' not in page
    assert 'value="list" checked' not in page
    assert 'value="list" checked' in as_person("teacher").get(reverse("schedule-new")).content.decode()


def test_a_schedule_says_how_many_courses_it_covers_and_which_before_it_is_run(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    client = as_person("admin")
    chosen = {**FORM, "courses": [place.course.pk, others[1][0].pk]}
    page = client.post(reverse("schedule-new"), chosen, follow=True).content.decode()
    assert "It covers 2 courses: Biology 1 and Geology of the Alps." in page
    assert page.count("2 courses: Biology 1 and Geology of the Alps.") == 2  # the message, and the page
    schedule = Schedule.objects.get()
    client.post(reverse("schedule-edit", args=[schedule.pk]), {**FORM, "scope": "all"})
    create_course("CHEM", "Chemistry")
    page = client.get(reverse("schedule", args=[schedule.pk])).content.decode()
    assert "It covers 4 courses: Biology 1, Biology 2, Chemistry and 1 more." in page
    assert "All courses (4 now)" in client.get(reverse("schedules")).content.decode()
    assert "(4 now)" in client.get(reverse("schedule-new")).content.decode()


def test_a_schedule_that_covers_nothing_says_so(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn
) -> None:
    client = as_person("admin")
    client.post(reverse("schedule-new"), {**FORM, "scope": "category", "category": others[0].pk})
    schedule = Schedule.objects.get()
    Schedule.objects.update(category=None)
    page = client.get(reverse("schedule", args=[schedule.pk])).content.decode()
    assert "It covers no course." in page
    assert "“Run now” would back up nothing." in page


def test_an_archive_stays_protected_when_nothing_says_otherwise(place: Place, as_person: SignIn) -> None:
    archive = archive_of(place, by=place.admin)
    address = reverse("archive-hold", args=[archive.pk])
    client = as_person("admin")
    client.post(address, {"keep": "1"})
    assert client.post(address).status_code == 400
    archive.refresh_from_db()
    assert archive.keep
    client.post(address, {"keep": "0"})
    archive.refresh_from_db()
    assert not archive.keep


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_ticking_a_course_chooses_its_radio_and_another_radio_unticks_it(
    place: Place, window: Callable[..., Page]
) -> None:
    create_course("BIO1", "Biology")
    page = window("ada")
    page.goto(reverse("schedule-new"))
    filled = "getComputedStyle(document.querySelector('input[value={}]')).backgroundColor"
    assert page.evaluate(filled.format("all")) == page.evaluate(filled.format("without"))
    page.get_by_label("Geology of the Alps").check()
    expect(page.get_by_label("Chosen courses")).to_be_checked()
    expect(page.get_by_text("1 of 2 ticked")).to_be_visible()
    page.get_by_label("All courses").check()
    expect(page.get_by_label("Geology of the Alps")).not_to_be_checked()
    expect(page.get_by_text("0 of 2 ticked")).to_be_visible()
    page.get_by_label("Geology of the Alps").check()
    page.get_by_label("Name").fill("Every night")
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.get_by_text("It covers 1 course: Geology of the Alps.").first).to_be_visible()


def test_the_form_lists_some_of_many_courses_and_searches_for_others_without_losing_what_is_ticked(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.forms.OFFERED", 1)
    client, (_, (first, second)) = as_person("admin"), others
    sent = {
        **FORM,
        "scope": "list",
        "courses": [first.pk],
        "course_search": "biology 2",
        "find": "1",
        "name": "",
    }
    answer = client.post(reverse("schedule-new"), sent)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="course-{first.pk}"' in page
    assert f'id="course-{second.pk}"' in page
    assert f'id="course-{place.course.pk}"' not in page
    assert "Give the schedule a name" not in page
    assert Schedule.objects.count() == 0
    plain = client.get(reverse("schedule-new")).content.decode()
    assert plain.count('name="courses"') == 1
    assert 'name="course_search"' in plain


class Buttons(HTMLParser):
    """The attributes of the submit buttons of a page's forms, form by form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[list[dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.forms.append([])
        elif tag == "button" and self.forms and dict(attrs).get("type", "submit") == "submit":
            self.forms[-1].append(dict(attrs))


def test_the_enter_key_saves_a_schedule_and_searches_only_after_a_changed_search(
    place: Place, others: tuple[Category, list[Course]], as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.forms.OFFERED", 1)
    client = as_person("admin")
    page = client.get(reverse("schedule-new")).content.decode()
    [buttons] = [form for form in Buttons(page).forms if any(one.get("name") == "find" for one in form)]
    # A browser presses the first button of a form, whatever it is called.
    assert "name" not in buttons[0]
    assert 'name="course_searched" value=""' in page
    sent = {**FORM, "scope": "list", "courses": [others[1][0].pk]}
    searched = {**sent, "course_search": "geology", "course_searched": ""}
    page = client.post(reverse("schedule-new"), searched).content.decode()
    assert Schedule.objects.count() == 0
    assert 'name="course_searched" value="geology"' in page
    client.post(reverse("schedule-new"), {**sent, "course_search": "geology", "course_searched": "geology"})
    assert Schedule.objects.count() == 1
    # The button saves, even if something was typed into the search and not looked for.
    client.post(reverse("schedule-new"), {**searched, "go": "1"})
    assert Schedule.objects.count() == 2
