"""The errors that a simulated site logs: counted by their messages instead of written, as most of them are meant to happen."""

from __future__ import annotations

import logging
from collections import Counter
from typing import ClassVar


class LoggedErrors(logging.Handler):
    """Counts records by logger, message without its values, and class of the exception.

    The counts are those of all instances: logging is configured again when the queue's library reads its tasks.
    """

    counts: ClassVar[Counter[str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        self.counts[f"{record.name}: {record.msg}{f' ({error})' if error else ''}"] += 1
