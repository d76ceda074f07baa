"""The logs of a site under chaos: by which errors the attempts of jobs failed that are tried again."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

FAILED = re.compile(r"Job \d+ failed in attempt \d+\.")
LOG_LINE = re.compile(r"\[?\d{4}-\d\d-\d\d")
TRACEBACK = "Traceback (most recent call last):"
LONGEST = 160


def failed_attempts(folder: Path) -> Counter[str]:
    """Return how many attempts failed by which error, as the logs of the workers have them; the last error of each counts."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("worker-*.log")):
        error, of_attempt, awaited = "", False, False
        for line in log.read_text(errors="replace").splitlines():
            if LOG_LINE.match(line):
                found.update([error] if error else [])
                error, of_attempt, awaited = "", FAILED.search(line) is not None, False
            elif of_attempt and line == TRACEBACK:
                awaited = True
            elif awaited and line and not line[0].isspace():
                # Further lines of the error's text may look like anything.
                error, awaited = line[:LONGEST], False
        found.update([error] if error else [])
    return found
