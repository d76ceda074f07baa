"""The errors that a simulated site logs: counted by their messages instead of written, as most of them are meant to happen."""

from __future__ import annotations

import logging
from collections import Counter


class LoggedErrors(logging.Handler):
    """Counts records of the level ERROR by logger, message without its values, and class of the exception."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        self.counts[f"{record.name}: {record.msg}{f' ({error})' if error else ''}"] += 1

    def install(self) -> None:
        """Become the only handler of all loggers that there are."""
        logging.root.handlers = [self]
        for logger in list(logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger):
                logger.handlers, logger.propagate = [], True
