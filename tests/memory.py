"""The memory that opening an archive takes, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OPENING = """
import json, sys
from archive.container import open_archive
from archive.errors import CoursekeepError
from archive.manifest import read_manifest
said = ""
try:
    with open_archive(sys.argv[1]) as archive:
        read_manifest(archive)
except CoursekeepError as error:
    said = error.sentence()
status = open("/proc/self/status").read()
print(json.dumps([said, int(status.split("VmHWM:")[1].split()[0]) * 1024]))
"""


def peak_of_opening(path: Path) -> tuple[str, int]:
    """Open an archive and read its manifest; return the sentence that refused it, "" if none, and the peak in bytes."""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", OPENING, str(path)], cwd=root, capture_output=True, text=True, check=True
    )
    said, peak = json.loads(done.stdout)
    return said, peak
