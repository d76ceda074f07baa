"""Disaster copies: what is put back is what was copied, whatever the new machine has there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command

from courses import pool, sentinel
from courses.models import MarkedStorage
from tests.courses.test_sentinel import a_new_site
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def copy(own_storages: Path, tmp_path: Path) -> Path:
    """The copy of a site with an archive."""
    a_new_site()
    stored = storage.put(ContentFile(b"an archive"), title="a.mbz")
    StoredArchive.objects.create(file=stored.file, sha256=stored.sha256, size=stored.size, title="a")
    call_command("disaster_copy", "make", str(tmp_path / "copy"))
    return tmp_path / "copy"


def test_a_copy_is_taken_on_a_machine_where_migrate_ran_before(copy: Path, own_storages: Path) -> None:
    rows = list(MarkedStorage.objects.values("alias", "site", "token"))
    for alias in ("pool", "archives"):
        shutil.rmtree(own_storages / alias)
    MarkedStorage.objects.all().delete()
    a_new_site()
    # The database of the copy is put back; it names the sentinels of the copy.
    MarkedStorage.objects.all().delete()
    MarkedStorage.objects.bulk_create(MarkedStorage(**row) for row in rows)
    for alias in (pool.ALIAS, storage.ALIAS):
        call_command("disaster_copy", "put_back", str(copy), "--part", alias)
        sentinel.require(alias)


def test_a_file_with_the_size_of_the_copied_one_and_other_bytes_is_replaced(copy: Path) -> None:
    archive = StoredArchive.objects.get()
    storages["archives"].delete(archive.file)
    storages["archives"].save(archive.file, ContentFile(b"no archive"))
    call_command("disaster_copy", "put_back", str(copy), "--part", "archives")
    assert storages["archives"].open(archive.file).read() == b"an archive"
