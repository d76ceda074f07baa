"""The indexes of archives' names and the statistics of courses' names, by which lists are searched."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from courses.models import Course
from courses.services import create_course
from vault.text_indexes import install

pytestmark = pytest.mark.django_db


def test_the_planner_knows_how_many_courses_have_a_word() -> None:
    """Without, it takes one for the number, and reads all restores of each course instead of the newest ones."""
    for number in range(100):
        create_course(f"C{number}", f"{'Biology' if number % 2 else 'Latin'} {number}")
    with connection.cursor() as cursor:
        cursor.execute("DROP STATISTICS course_fullname")
    install()
    plan = Course.objects.filter(fullname__icontains="biology").order_by().explain(format="json")
    assert 25 <= json.loads(plan)[0]["Plan"]["Plan Rows"] <= 75
