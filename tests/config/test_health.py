"""Probes: they answer before anything else looks at the request, and say which part cannot be used."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.files.storage import Storage
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from config import health
from courses.models import File
from vault.models import StoredArchive


def has_files() -> None:
    """Let the database say that the pool has a content, and that there is an archive."""
    File.objects.create(
        contenthash="1" * 40, contextid=1, component="x", filearea="y", filepath="/", filename="f"
    )
    StoredArchive.objects.create(file="2026-01/a/a.mbz", title="a.mbz", size=1, sha256="0" * 64)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_last", (0.0, {}))


def test_a_process_that_lives_says_so_without_database_and_session() -> None:
    """No mark allows the database here: a query would fail the test."""
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert not answer.cookies


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_a_probe_comes_by_plain_http_to_any_name(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["courses.example"]
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get(path, headers={"host": "10.0.0.7:8000"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert Client().get("/", headers={"host": "10.0.0.7:8000"}).status_code in (301, 400)


@pytest.mark.django_db
def test_a_site_with_all_its_parts_is_ready() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == dict.fromkeys(health.PARTS, True)


@pytest.mark.django_db
def test_many_probes_are_one_look() -> None:
    Client().get("/readyz")
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            Client().get("/readyz")
    assert len(asked) == 0


def test_a_probe_gets_the_last_answer_while_another_one_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_last", (0.0, {"database": False}))
    answers: list[int] = []
    probe = threading.Thread(target=lambda: answers.append(Client().get("/readyz").status_code), daemon=True)
    with health._lock:
        probe.start()
        probe.join(10)
        assert answers == [503]


@pytest.mark.django_db
@pytest.mark.parametrize("part", health.PARTS)
def test_a_part_that_fails_makes_the_site_not_ready_and_tells_nothing_else(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("password of the server")

    monkeypatch.setitem(health.PARTS, part, fail)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {name: name != part for name in health.PARTS}
    assert b"password" not in answer.content


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(
        MigrationLoader,
        "build_graph",
        lambda self: setattr(self, "disk_migrations", {("vault", "9999"): None}),
    )
    with pytest.raises(health.NotReady, match=r"1 migrations are not applied, such as vault\.9999"):
        health.look_at_migrations()


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    health.look_at_storage("pool")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(health.NotReady, match="cannot be written"):
        health.look_at_storage("pool")


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["archives", "pool"])
def test_an_empty_folder_in_place_of_a_storage_is_found_and_stays_empty(
    alias: str, own_storages: Path
) -> None:
    folder = own_storages / alias
    folder.mkdir()
    health.look_at_storage(alias)
    assert list(folder.iterdir()) == []
    has_files()
    assert health.state()[alias] is False
    assert list(folder.iterdir()) == []


class StorageElsewhere(Storage):
    """A storage that is no folder of this machine."""

    there = True

    def exists(self, name: str) -> bool:
        if not self.there:
            raise ConnectionError("the bucket does not answer")
        return False

    def _open(self, name: str, mode: str = "rb") -> Any:
        raise FileNotFoundError(name)


@pytest.mark.django_db
def test_a_storage_elsewhere_is_asked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STORAGES = {**settings.STORAGES, "pool": {"BACKEND": f"{__name__}.StorageElsewhere"}}
    health.look_at_storage("pool")
    monkeypatch.setattr(StorageElsewhere, "there", False)
    with pytest.raises(ConnectionError):
        health.look_at_storage("pool")


def test_a_broker_that_does_not_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    health.look_at_broker()
    dead = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(health, "app", dead)
    with pytest.raises(OperationalError):
        health.look_at_broker()
