"""Time limits of statements and of waits for locks in the database: short for pages, longer for housekeeping and jobs.

Commands have none: whoever started them can stop them. The limits are set once for each new connection.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The limits of one kind of process. Their settings are COURSEKEEP_<name>_STATEMENT_SECONDS and ..._LOCK_SECONDS."""

    name: str

    def milliseconds(self, of: str) -> str:
        """Return the limit of a `STATEMENT`, or of a wait for a `LOCK`, as PostgreSQL reads it."""
        return f"{getattr(settings, f'COURSEKEEP_{self.name}_{of}_SECONDS') * 1000:.0f}"


WEB = Timeouts("WEB")
HOUSEKEEPING = Timeouts("HOUSEKEEPING")
JOB = Timeouts("JOB")


class _Applied(threading.local):
    """The limits of new connections of this thread, beside those of the process."""

    timeouts: Timeouts | None = None


_of_thread = _Applied()
_of_process: list[Timeouts] = []


def apply_in_process(timeouts: Timeouts) -> None:
    """Give new connections of all threads of this process these limits."""
    _of_process[:] = [timeouts]


def apply_in_thread(timeouts: Timeouts | None) -> None:
    """Give new connections of this thread these limits instead of those of the process; None takes them back."""
    _of_thread.timeouts = timeouts


def set_timeouts(connection: Any, **_: Any) -> None:
    """Signal handler: set the limits of a new connection."""
    timeouts = _of_thread.timeouts or (_of_process[0] if _of_process else None)
    if timeouts is None:
        return
    values = [timeouts.milliseconds(of) for of in ("STATEMENT", "LOCK")]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)", values
        )


class WithTimeouts:
    """A WSGI application in whose requests the limits of pages hold."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        apply_in_thread(WEB)
        return self._application(environ, start_response)
