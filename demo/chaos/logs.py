"""The logs of a site under chaos: by which errors the attempts of jobs failed that are tried again."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

FAILED = re.compile(r"Job \d+ failed in attempt \d+\.")
ERROR = re.compile(r"(?:[A-Za-z_]\w*\.)+\w+|\w+(?:Error|Exception|Exit|Interrupt|Superseded)\b")
"""The beginning of the line of a traceback that names its error: those before are indented, or words of another kind."""

BETWEEN = ("Traceback (most recent call last):", "During handling of", "The above exception")
LONGEST = 160


def failed_attempts(folder: Path) -> Counter[str]:
    """Return how many attempts failed by which error, as the logs of the workers have them; the last error of each counts."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("worker-*.log")):
        error, open_now = "", False
        for line in log.read_text(errors="replace").splitlines():
            if FAILED.search(line):
                found.update([error] if error else [])
                error, open_now = "", True
            elif open_now and line and not line[0].isspace() and not line.startswith(BETWEEN):
                if ERROR.match(line) is None:
                    open_now = False
                else:
                    error = line[:LONGEST]
        found.update([error] if error else [])
    return found
