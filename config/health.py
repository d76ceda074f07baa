"""Probes for load balancers and supervisors: `/healthz`, whether the process lives, and `/readyz`, whether it can serve.

They are answered before anything else looks at the request: a probe comes by plain HTTP, to an address and not to a name,
and must not wait for a session.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.celery import app
from config.middleware import NOT_STORED
from courses import sentinel

log = logging.getLogger(__name__)

FRESH = 2.0
"""Seconds for which an answer of `/readyz` is given again."""

BROKER_SECONDS = 2

Answer = Callable[[HttpRequest], HttpResponse]


class NotReady(Exception):
    """A part that the site needs cannot be used; the message is for the log."""


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200: the process lives. No database, storage or queue is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the process can serve, else 503; the body says of each part whether it is there, and nothing else."""
    found = _cached_state()
    return JsonResponse(found, status=200 if all(found.values()) else 503)


PROBES = {"healthz": healthz, "readyz": readyz}


def probes(get_response: Answer) -> Answer:
    """Middleware that answers the probes before sessions, names of hosts and redirects to TLS are looked at."""

    def answer(request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info.removeprefix("/"))
        if probe is None:
            return get_response(request)
        response = probe(request)
        response.headers["Cache-Control"] = NOT_STORED
        return response

    return answer


_lock = threading.Lock()
_last: tuple[float, dict[str, bool]] = (0.0, {})


def _cached_state() -> dict[str, bool]:
    """Return the state of all parts, looked at once in `FRESH` seconds however many ask.

    While another probe looks, that is the last one: a part that does not answer holds up one thread, and not all of them.
    """
    global _last
    if not _lock.acquire(blocking=not _last[1]):
        return _last[1]
    try:
        if not _last[1] or time.monotonic() - _last[0] > FRESH:
            _last = (time.monotonic(), state())
        return _last[1]
    finally:
        _lock.release()


def state() -> dict[str, bool]:
    """Return for each part that the site needs whether it can be used. What is wrong goes to the log."""
    found = {}
    for name, look in PARTS.items():
        try:
            look()
            found[name] = True
        except Exception as problem:  # noqa: BLE001 - whatever a driver of a database, a storage or a broker raises
            log.warning("Not ready: %s: %s", name, problem)
            found[name] = False
    return found


def look_at_database() -> None:
    """Ask the database for something. Raises its errors."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        raise


_migrated = False


def look_at_migrations() -> None:
    """Raise NotReady if a migration of this program has not been applied. Once all are, they stay applied."""
    global _migrated
    if _migrated:
        return
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    missing = sorted(known - set(MigrationRecorder(connection).applied_migrations()))
    if missing:
        raise NotReady(f"{len(missing)} migrations are not applied, such as {'.'.join(missing[0])}")
    _migrated = True


def look_at_storage(alias: str) -> None:
    """Raise NotReady if the folder of a storage cannot be written; ask a storage elsewhere for a file. Raises its errors.

    Raises StorageAway if it is not the site's own, as where a disk is not mounted. Nothing is written.
    """
    storage = storages[alias]
    try:
        folder = Path(storage.path(""))
    except NotImplementedError:
        storage.exists("readyz")
    else:
        # The folder is made with the first file.
        there = folder if folder.exists() else folder.parent
        if not os.access(there, os.W_OK | os.X_OK):
            raise NotReady(f"the folder {folder} cannot be written")
    # Without the database, which is a part of its own, it is not known what the sentinel has to say.
    with suppress(DatabaseError):
        sentinel.is_marked(alias)


def look_at_broker() -> None:
    """Open a connection to the broker. Raises its errors after `BROKER_SECONDS`."""
    options = dict(app.conf.broker_transport_options or {})
    if str(app.conf.broker_url).startswith(("redis", "sentinel")):
        options |= {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    with app.connection_for_write(transport_options=options) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)


PARTS: dict[str, Callable[[], None]] = {
    "database": look_at_database,
    "migrations": look_at_migrations,
    "archives": lambda: look_at_storage("archives"),
    "pool": lambda: look_at_storage("pool"),
    "broker": look_at_broker,
}
"""The parts that `/readyz` looks at, by the name that it shows."""
