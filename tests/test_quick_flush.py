"""Emptying the database between tests leaves what comes from the models, whatever way the tables are emptied."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connection

from courses.models import Category, User
from tests import quick_flush
from tests.people_made import person


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("most", "way"), [(quick_flush.MOST, "DELETE"), (-1, "TRUNCATE")])
def test_content_types_and_permissions_stay_and_all_else_goes(
    most: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_flush, "MOST", most)
    kept = [sorted(model.objects.values_list("pk", flat=True)) for model in (Permission, ContentType)]
    person("anna")
    Category.objects.create(name="A second category")

    assert any(way in statement for statement in sql_flush(no_style(), connection, reset_sequences=False))
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)

    assert [sorted(model.objects.values_list("pk", flat=True)) for model in (Permission, ContentType)] == kept
    assert all(kept)
    assert not User.objects.filter(username="anna").exists()
    assert not Category.objects.filter(name="A second category").exists()
