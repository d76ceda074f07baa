"""One thing has one name: in the steps of a wizard, in the heading and the title of the page, and on the buttons to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from lxml import html

from selection.stages import BACKUP_STAGES, RESTORE_STAGES
from tests.jobs_done import reviewed
from tests.pages.places import Place
from tests.pages.test_restore_pages import archives, upload

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["archives"]


def names(page: str) -> tuple[str, str, str]:
    """The current step, the heading, and the title of a page without the site's name."""
    tree = html.document_fromstring(page)
    step = tree.find(".//li[@aria-current='step']")
    heading, title = tree.find(".//h1"), tree.find(".//title")
    assert step is not None
    assert heading is not None
    assert title is not None
    said = [" ".join("".join(str(text) for text in one.itertext()).split()) for one in (step, heading, title)]
    return said[0], said[1], said[2].removesuffix(f" \N{EN DASH} {settings.SITE_NAME}")


def test_the_steps_of_both_wizards_are_called_as_their_pages(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    course = place.course.pk
    pages = [
        client.get(reverse(f"backup-{name}", args=["course", course])).content.decode()
        for name in ("settings", "schema", "confirm")
    ]
    assert [names(page) for page in pages] == [(name, name, name) for name in BACKUP_STAGES[:3]]
    archive = upload(client, archives["course"])
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "new", "category": place.course.category_id},
    )
    found = [
        names(client.get(reverse(f"restore-{name}", args=[archive.pk]), {"show": "1"}).content.decode())
        for name in ("inside", "destination", "settings", "schema", "people", "review")
    ]
    assert found == [(name, name, name) for name in RESTORE_STAGES[:6]]


def test_a_button_that_jumps_to_a_step_and_one_that_starts_it_have_its_name(
    place: Place, archives: dict[str, Path], as_person: SignIn
) -> None:
    client = as_person("admin")
    options = client.get(reverse("backup-settings", args=["course", place.course.pk])).content.decode()
    confirm = client.get(reverse("backup-confirm", args=["course", place.course.pk])).content.decode()
    assert re.search(rf"Jump to “{BACKUP_STAGES[2]}”", options)
    assert re.search(rf"</svg>\s*{BACKUP_STAGES[3]}\s*</button>", confirm)
    archive = upload(client, archives["course"])
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "new", "category": place.course.category_id},
    )
    options = client.get(reverse("restore-settings", args=[archive.pk])).content.decode()
    review = reviewed(client, archive)
    assert re.search(rf"Jump to “{RESTORE_STAGES[5]}”", options)
    assert re.search(rf"</svg>\s*{RESTORE_STAGES[6]}\s*</button>", review)
