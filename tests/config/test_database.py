"""Addresses of databases."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from config.database import database_from_url


def test_every_part_of_an_address_is_used() -> None:
    assert database_from_url("postgresql://anna:p%40ss@db.example:5433/courses?sslmode=require") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "courses",
        "USER": "anna",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "connect_timeout": "5"},
    }


def test_a_socket_folder_can_be_the_host() -> None:
    database = database_from_url("postgres:///courses?host=/run/postgresql")
    assert (database["HOST"], database["NAME"], database["OPTIONS"]) == (
        "/run/postgresql",
        "courses",
        {"connect_timeout": "5"},
    )


def test_a_time_to_connect_in_the_address_goes_before_the_usual_one() -> None:
    database = database_from_url("postgres://db/courses?connect_timeout=30")
    assert database["OPTIONS"] == {"connect_timeout": "30"}


@pytest.mark.parametrize(
    "url", ["mysql://host/courses", "postgresql://host", "courses", "postgresql://host/"]
)
def test_what_is_no_address_of_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="postgresql://user:password@host:5432/name"):
        database_from_url(url)


@pytest.mark.django_db
def test_a_server_that_is_too_old_is_refused_at_each_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.database.LEAST_VERSION", 99)
    fresh = connection.copy()
    for _ in range(2):
        with pytest.raises(
            ImproperlyConfigured, match=r"is PostgreSQL \d\d, and Coursekeep needs 99 or later"
        ):
            fresh.ensure_connection()
        assert fresh.connection is None


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not the address"):
        database_from_url("postgresql://u@host:port/name")
