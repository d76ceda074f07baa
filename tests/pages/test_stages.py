"""The button that leads on from a stage of a wizard says which stage comes next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from lxml import html

from selection import stages
from tests.pages.places import Place
from tests.pages.test_restore_pages import archives, upload

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["archives"]
SignIn = Callable[[str], Client]


def page_at(client: Client, address: str) -> Any:
    """Return the page at an address, after its redirections."""
    return html.document_fromstring(client.get(address, follow=True).content.decode())


def said(page: Any) -> str:
    """Return the text of the button or link that leads on."""
    [button] = page.xpath("//div[contains(@class, 'bar-actions')]//*[contains(@class, 'btn-primary')]")
    return str(button.text_content()).strip()


def heading(page: Any) -> str:
    """Return the heading of the page."""
    return str(page.xpath("string(//h1)")).strip()


def follow(client: Client, address: str, **sent: object) -> str:
    """Send the form of a stage and return the address that it leads to."""
    return client.post(address, {"go": "1", **sent}).headers["Location"]


def test_the_button_of_each_stage_of_a_backup_names_the_next_stage(place: Place, as_person: SignIn) -> None:
    client = as_person("admin")
    address = reverse("backup-settings", args=["course", place.course.pk])
    for _ in range(2):
        text, address = said(page_at(client, address)), follow(client, address)
        assert text == f"Continue to “{heading(page_at(client, address))}”"


@pytest.mark.parametrize(("kind", "people"), [("course", True), ("course", False), ("activity", True)])
def test_the_button_of_each_stage_of_a_restore_names_the_next_stage(
    place: Place, as_person: SignIn, archives: dict[str, Path], kind: str, people: bool
) -> None:
    client = as_person("admin")
    archive = upload(client, archives[kind])
    inside = page_at(client, reverse("restore-inside", args=[archive.pk]))
    address = reverse("restore-destination", args=[archive.pk])
    assert said(inside) == f"Continue to “{heading(page_at(client, address))}”"
    new = {"where": "new", "category": place.course.category_id}
    users = {"users": "1"} if people else {}
    for sent in (new, users, {})[: 3 if kind == "course" else 1]:
        text, address = said(page_at(client, address)), follow(client, address, **sent)
        assert text == f"Continue to “{heading(page_at(client, address))}”"


def test_the_page_of_people_leads_to_the_check() -> None:
    found = stages.stages(stages.RESTORE_STAGES, stages.RESTORE_STAGES.index(stages.PEOPLE))
    assert stages.go_on(found) == "Continue to “Check and restore”"


def test_the_last_stage_leads_to_no_other() -> None:
    assert stages.go_on(stages.stages(stages.BACKUP_STAGES, len(stages.BACKUP_STAGES) - 1)) == "Continue"
