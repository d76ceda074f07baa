"""Makes Django's database settings from `DATABASE_URL`; refuses psycopg 3, and servers that are too old."""

from __future__ import annotations

import importlib.util
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

SCHEMES = ("postgres", "postgresql")

CONNECT_SECONDS = "5"
"""Seconds for which a connection is waited for, unless the address says `connect_timeout`."""

LEAST_VERSION = 15
"""The oldest PostgreSQL on which the tests of storages and engines pass, as `.ci/run` runs them: that of Debian 12."""


class OldDatabase(ImproperlyConfigured):
    """The database server is too old; `version` is its major version."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The database server is PostgreSQL {version}, and Coursekeep needs {LEAST_VERSION} or later. "
            "Name a newer server in DATABASE_URL, or upgrade this one."
        )
        self.version = version


def database_from_url(url: str) -> dict[str, Any]:
    """Return Django's settings for the database at `postgresql://user:password@host:port/name?sslmode=require`.

    The query string goes to libpq as it is; a `host` in it may name the folder of a Unix socket.
    Raises ImproperlyConfigured if the URL is not one of a PostgreSQL database.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    try:
        port = str(parts.port or "")
    except ValueError:
        name, port = "", ""
    if parts.scheme not in SCHEMES or not name:
        raise ImproperlyConfigured(
            "DATABASE_URL is not the address of a PostgreSQL database. "
            "Write it as postgresql://user:password@host:5432/name."
        )
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    # Without it a server that is switched off is waited for as long as the network likes.
    options.setdefault("connect_timeout", CONNECT_SECONDS)
    host = options.pop("host", unquote(parts.hostname or ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": options,
    }


def refuse_psycopg3() -> None:
    """Raise ImproperlyConfigured if psycopg 3 can be imported.

    Django uses psycopg 3 rather than psycopg2 wherever both are installed, and `COPY` and server-side cursors are
    written here for psycopg2.
    """
    if importlib.util.find_spec("psycopg") is not None:
        raise ImproperlyConfigured(
            "psycopg 3 is installed here, Django would use it, and Coursekeep works with psycopg2 only. "
            "Run pip uninstall psycopg, or give Coursekeep an environment of its own."
        )


def refuse_old_database(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Close a new connection to a server that is too old. Raises OldDatabase.

    Receiver of `connection_created`, so that every process looks at the server that it has, without a query.
    """
    version = getattr(connection, "pg_version", 0) // 10_000
    if version < LEAST_VERSION:
        connection.close()
        raise OldDatabase(version)
