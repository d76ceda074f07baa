"""The guard of these tests: a page that opened an archive would be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from restore.services import opened
from tests.archives_made import small


@pytest.mark.django_db
def test_a_page_that_opened_an_archive_would_be_found(
    as_person: Callable[[str], Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small(tmp_path / "a.mbz")

    def open_it(*_: object) -> None:
        with opened(path):
            pass

    client = as_person("admin")
    open_it()
    monkeypatch.setattr("vault.views.administration.archives_seen", open_it)
    with pytest.raises(AssertionError, match="A page opens an archive"):
        client.get("/administration/")
