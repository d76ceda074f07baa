"""Pages of long lists by key: every row is on one page, in both directions, and an odd key asks for the first page."""

from __future__ import annotations

import pytest

from courses.models import Course, User
from courses.paging import BY_NAME, KeyPage, counted, key_page, listed_if_few
from courses.services import create_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def courses() -> list[int]:
    """Eleven courses by name; some have the same name."""
    for number in range(11):
        create_course(f"C{number}", f"Geology ~{number // 3}")
    return list(Course.objects.order_by(*BY_NAME).values_list("pk", flat=True))


def page(**sent: str) -> KeyPage[Course]:
    return key_page(Course.objects.all(), sent, size=4, order=BY_NAME)


def ids(found: KeyPage[Course]) -> list[int]:
    return [course.pk for course in found]


def test_the_pages_have_every_row_once_and_lead_back(courses: list[int]) -> None:
    first = page()
    second = page(after=first.following)
    third = page(after=second.following)
    assert [*ids(first), *ids(second), *ids(third)] == courses
    assert (first.preceding, third.following) == ("", "")
    assert ids(page(before=third.preceding)) == ids(second)
    assert ids(page(before=second.preceding)) == ids(first)
    assert page(before=second.preceding).preceding == ""


def test_what_was_added_before_the_first_page_is_seen_by_going_back(courses: list[int]) -> None:
    second = page(after=page().following)
    new = create_course("A", "Astronomy").pk
    # The four rows before the second page fill a page; the new one is on the page before that.
    back = page(before=second.preceding)
    assert (ids(back), back.preceding != "") == (courses[:4], True)
    first = page(before=back.preceding)
    assert (ids(first), first.preceding) == ([new, *courses[:3]], "")


def test_a_page_whose_rows_are_gone_is_the_first_page(courses: list[int]) -> None:
    second = page(after=page().following)
    third = page(after=second.following)
    Course.objects.filter(pk__in=ids(third)).delete()
    found = page(after=second.following)
    assert (ids(found), found.preceding) == (courses[:4], "")
    Course.objects.all().delete()
    assert ids(page(after=second.following)) == []


@pytest.mark.parametrize("letter", ["g", "\N{GRINNING FACE}"])
def test_rows_with_the_longest_names_are_on_a_page_too(letter: str) -> None:
    longest = Course._meta.get_field("fullname").max_length or 0
    for number in range(9):
        create_course(f"C{number}", f"{letter * (longest - 1)}{number}")
    found = page()
    seen = ids(found)
    while found.following and len(seen) < 20:
        found = page(after=found.following)
        seen += ids(found)
    assert seen == list(Course.objects.order_by(*BY_NAME).values_list("pk", flat=True))


def test_a_row_that_was_removed_leaves_its_place(courses: list[int]) -> None:
    first = page()
    Course.objects.get(pk=ids(first)[-1]).delete()
    assert ids(page(after=first.following)) == courses[4:8]


@pytest.mark.parametrize("key", ["x", "~", "Geology~x", "Geology~99999999999999999999", "a" * 1_400 + "~1"])
def test_a_key_that_is_none_asks_for_the_first_page(courses: list[int], key: str) -> None:
    assert ids(page(after=key)) == courses[:4]
    assert ids(page(before=key)) == courses[:4]


def test_rows_are_counted_up_to_a_bound(courses: list[int]) -> None:
    assert str(counted(Course.objects.all(), most=5)) == "more than 5"
    assert str(counted(Course.objects.all(), most=11)) == "11"
    assert not counted(User.objects.none())


def test_few_rows_are_listed_by_their_ids_and_many_are_not(courses: list[int]) -> None:
    found = Course.objects.filter(fullname__startswith="Geology")
    assert set(listed_if_few(found, most=11).values_list("pk", flat=True)) == set(courses)
    assert listed_if_few(found, most=10) is found
