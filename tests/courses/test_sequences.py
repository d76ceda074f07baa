"""Ids begin high, so that those that a Moodle leaves unmapped are nobody's there."""

from __future__ import annotations

import pytest
from django.db import connection, models

from courses import structure
from courses.models import Category, Context, Course, Role
from courses.models.site import SYSTEM_CONTEXT
from courses.sequences import FIRST_ID, raise_sequences
from courses.services import create_course


@pytest.mark.django_db
def test_every_archived_model_gives_ids_from_a_million() -> None:
    low = []
    archived: list[type[models.Model]] = [Context, *structure.archived_models()]
    with connection.cursor() as cursor:
        for model in archived:
            cursor.execute(
                "SELECT pg_get_serial_sequence(%s, %s)", [f'"{model._meta.db_table}"', model._meta.pk.column]
            )
            (sequence,) = cursor.fetchone()
            if sequence is not None:
                cursor.execute("SELECT nextval(%s)", [sequence])
                low += [model] if cursor.fetchone()[0] < FIRST_ID else []
    assert low == []


@pytest.mark.django_db
def test_the_records_of_a_new_site_have_such_ids_and_the_system_context_is_1() -> None:
    course = create_course("HIGH", "High")
    assert min(course.pk, course.contextid) >= FIRST_ID
    assert min(Role.objects.order_by("pk")[0].pk, Category.objects.order_by("pk")[0].pk) >= FIRST_ID
    assert Context.objects.filter(pk__lt=FIRST_ID).get().pk == SYSTEM_CONTEXT == 1


@pytest.mark.django_db
def test_a_site_with_small_ids_keeps_its_rows_and_goes_on_from_a_million() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('courses_course', 'id'), 7)")
    old = create_course("OLD", "Old")
    assert old.pk == 8
    assert raise_sequences() == 1
    assert raise_sequences() == 0
    assert create_course("NEW", "New").pk == FIRST_ID
    assert Course.objects.get(pk=8).shortname == "OLD"


@pytest.mark.django_db
def test_a_sequence_beyond_a_million_stays() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('courses_course', 'id'), 5000000)")
    raise_sequences()
    assert create_course("FAR", "Far").pk == 5_000_001
