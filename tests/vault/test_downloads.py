"""Downloads of archives: the size that is stated is that of the file, whatever the row says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.people_made import PASSWORD, person
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"not really an archive" * 10_000


@pytest.fixture
def archive() -> StoredArchive:
    """An archive that the person "owner" uploaded."""
    return storage.record(
        storage.put(io.BytesIO(CONTENT), title="a.mbz"), source="upload", created_by=person("owner")
    )


@pytest.mark.parametrize("content", [CONTENT, CONTENT[:5000], CONTENT + b"more", b""])
def test_the_stated_size_is_the_size_of_what_is_sent(archive: StoredArchive, content: bytes) -> None:
    Path(storage.archives().path(archive.file)).write_bytes(content)
    client = Client()
    assert client.login(username="owner", password=PASSWORD)
    answer = client.get(reverse("archive-download", args=[archive.pk]))
    sent = answer.getvalue()
    assert sent == content
    assert answer.headers["Content-Length"] == str(len(content))
