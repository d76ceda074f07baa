"""The log: lines for people, or one JSON object for each line, with the job and the request that it is about."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from jobs.log_context import current_job

LINE = "{asctime} {levelname} {name}: {message}"

current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request that the current thread answers; "" outside of requests."""


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object in one line.

    `time` (ISO 8601, UTC), `level`, `logger`, `message`, `process`; where they are known `job`, `request` and `exception`,
    the traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        data: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "process": record.process,
        }
        if (job := current_job.get()) is not None:
            data["job"] = job
        if request := current_request.get():
            data["request"] = request
        if record.exc_info:
            data["exception"] = self.formatException(record.exc_info)
        return json.dumps(data, ensure_ascii=False, default=str)


def _message(record: logging.LogRecord) -> str:
    """Return the message; the template and the values of a record whose values do not fit the template."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} {record.args!r}"


def logging_settings(*, level: str, form: str) -> dict[str, Any]:
    """Return Django's setting LOGGING: all to standard error, for whatever supervises the processes to collect.

    Python's warnings become lines of the log where these are JSON, so that no other line gets between them.
    """
    logging.captureWarnings(form == "json")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": LINE, "style": "{"},
            "json": {"()": "config.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
            # Without handlers of ours, Celery gives these some of its own.
            **{
                name: {"handlers": ["stderr"], "propagate": False}
                for name in ("multiprocessing", "celery.task")
            },
        },
    }
