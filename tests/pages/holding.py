"""Make backups and restores wait at a step, for a worker with `--include tests.pages.holding`.

The work itself is the real one. At the step that COURSEKEEP_TEST_HOLD_STEP names it waits until the file
COURSEKEEP_TEST_HOLD_FILE is gone.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from jobs import operations
from jobs.events import Progress, Steps
from jobs.models import Job
from jobs.operations import Run

STEP = os.environ.get("COURSEKEEP_TEST_HOLD_STEP", "")
FILE = Path(os.environ.get("COURSEKEEP_TEST_HOLD_FILE", os.devnull))


def held(run: Run) -> Run:
    """Return the same operation with the wait in it."""

    def operation(job: Job) -> Steps:
        steps = run(job)
        with contextlib.closing(steps):
            event = next(steps, None)
            while event is not None:
                yield event
                while isinstance(event, Progress) and event.step == STEP and FILE.is_file():
                    time.sleep(0.05)
                    yield event
                try:
                    event = next(steps)
                except StopIteration as end:
                    result: dict[str, Any] | None = end.value
                    return result
        return None

    return operation


def hold() -> None:
    """Put the wait into every operation."""
    for name, run in list(operations.operations.items()):
        operations.operations[name] = held(run)


hold()
