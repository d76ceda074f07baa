"""Reports of faults of the program to Sentry, without personal data: types, places in the code, job and request, no texts.

What an exception or a line of the log says can hold names, answers and addresses. It stays in the site's own log, where the
job or the request of the report finds it.
"""

from __future__ import annotations

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger

from archive.errors import CoursekeepError
from config.logs import current_request
from jobs.log_context import current_job

LEFT_OUT = "left out; see the site's log"

KEPT = frozenset(
    {"event_id", "timestamp", "level", "platform", "logger", "exception", "logentry", "tags", "environment", "server_name",
     "sdk", "fingerprint", "type"}
)  # fmt: skip
"""Parts of a report that are sent. Requests, people, breadcrumbs, modules, threads and contexts are not."""

OF_FRAMES = frozenset(
    {
        "filename",
        "abs_path",
        "function",
        "module",
        "lineno",
        "pre_context",
        "context_line",
        "post_context",
        "in_app",
    }
)
"""Parts of a frame that are sent: the code, never the values of variables."""

NOTHING: Any = {
    "user_info": False,
    "cookies": {"mode": "off"},
    "http_headers": {"request": {"mode": "off"}},
    "http_bodies": [],
    "url_query_params": {"mode": "off"},
    "graphql": {"document": False, "variables": False},
    "gen_ai": {"inputs": False, "outputs": False},
    "database_query_data": False,
    "queues": False,
    "stack_frame_variables": False,
}
"""The parts of requests, people and data that are collected: none. It replaces `send_default_pii=False`."""


def start(dsn: str, *, transport: Any = None) -> None:
    """Report faults of this process from now on. `transport` is for tests."""
    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        before_send=scrubbed,
        data_collection=NOTHING,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
    )
    # What people do wrong, such as a host name that is not the site's, is no fault of the program.
    ignore_logger("django.security.DisallowedHost")


def scrubbed(event: Any, hint: dict[str, Any]) -> Any:
    """Return a report without anything that can be personal; None for an error that people can act on, which is not sent."""
    problem = (hint.get("exc_info") or (None, None, None))[1]
    if isinstance(problem, CoursekeepError):
        return None
    left = {name: value for name, value in event.items() if name in KEPT}
    tags = {"request": current_request.get() or None, "job": current_job.get()}
    left["tags"] = {name: str(value) for name, value in tags.items() if value is not None}
    if "logentry" in left:
        # The template is a constant of the program, its values are not.
        left["logentry"] = {"message": str(event["logentry"].get("message", ""))}
    if "exception" in left:
        left["exception"] = {"values": [_exception(one) for one in event["exception"].get("values", [])]}
    return left


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    """Return one exception of a report: its type and the code of its frames."""
    frames = (one.get("stacktrace") or {}).get("frames", [])
    return {
        "type": one.get("type"),
        "module": one.get("module"),
        "value": LEFT_OUT,
        "mechanism": {"type": str((one.get("mechanism") or {}).get("type", "generic"))},
        "stacktrace": {
            "frames": [
                {name: value for name, value in frame.items() if name in OF_FRAMES} for frame in frames
            ]
        },
    }
