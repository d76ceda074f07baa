"""Time limits of the database: pages, housekeeping and jobs have their own, commands none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from config import timeouts
from config.timeouts import HOUSEKEEPING, JOB, WEB, WithTimeouts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def none_for_the_process() -> Iterator[None]:
    yield
    timeouts._of_process.clear()


def in_new_thread(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a thread, which has a connection of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def limits() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        row: tuple[str, str] = cursor.fetchone()
    return row


def asked_by_a_page() -> tuple[str, str]:
    found: list[tuple[str, str]] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        found.append(limits())
        return []

    WithTimeouts(application)({}, lambda *_: lambda _: None)
    return found[0]


def test_a_page_has_short_limits() -> None:
    assert in_new_thread(asked_by_a_page) == ("30s", "10s")


def test_a_command_has_none() -> None:
    assert in_new_thread(limits) == ("0", "0")


def test_a_worker_has_longer_ones_and_its_housekeeping_others() -> None:
    timeouts.apply_in_process(JOB)
    assert in_new_thread(limits) == ("2h", "1h")

    def keep() -> tuple[str, str]:
        timeouts.apply_in_thread(HOUSEKEEPING)
        return limits()

    assert in_new_thread(keep) == ("10min", "1min")


def test_the_limits_are_settings(settings: Any) -> None:
    settings.COURSEKEEP_WEB_STATEMENT_SECONDS = 0.2
    assert in_new_thread(asked_by_a_page) == ("200ms", "10s")

    def slow() -> str:
        timeouts.apply_in_thread(WEB)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(30)")
        except OperationalError as error:
            return str(error)
        return "nothing"

    assert "statement timeout" in in_new_thread(slow)
