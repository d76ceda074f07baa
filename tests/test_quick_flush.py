"""Emptying the database between tests leaves what comes from the models, whatever way the tables are emptied."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from courses.models import Category, User
from tests import quick_flush
from tests.people_made import person


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [quick_flush.MOST, -1], ids=["by deletion", "by truncation"])
def test_content_types_and_permissions_stay_and_all_else_goes(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_flush, "MOST", most)
    kept = [sorted(model.objects.values_list("pk", flat=True)) for model in (Permission, ContentType)]
    person("anna")
    Category.objects.create(name="A second category")

    call_command("flush", verbosity=0, interactive=False)

    assert [sorted(model.objects.values_list("pk", flat=True)) for model in (Permission, ContentType)] == kept
    assert all(kept)
    assert not User.objects.filter(username="anna").exists()
    assert not Category.objects.filter(name="A second category").exists()
