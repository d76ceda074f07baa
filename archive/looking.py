"""Look into an archive of unknown origin in a process of its own, whose memory and processor time the kernel limits.

`begin` starts the process, `ended` says what it found. The process is `python -m archive.looking`: it writes one JSON object.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.container import open_archive
from archive.errors import ArchiveError, CoursekeepError, OutOfMemory, TookTooLong
from archive.inspect import describe
from archive.layout import MANIFEST
from archive.limits import LARGEST_MANIFEST, Limits
from archive.manifest import read_manifest

ROOT = Path(__file__).resolve().parent.parent
WENT_WRONG = 70
"""The exit code of a process that failed by a fault of the program."""

GRACE = 5
"""Seconds of processor time between the signal that says that the time is over and the end by force."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the process: bytes of memory, seconds of processor time, and the limits of the archive."""

    memory: int
    seconds: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Look:
    """The findings of a look into an archive. `date` is in epoch seconds, 0 if the archive has none.

    `manifest` are the bytes of moodle_backup.xml in base64, `people` those in users.xml (None if it has no such member),
    `files` those in files.xml without folders, and `content_bytes` the bytes of all contents.
    """

    title: str
    archive_type: str
    with_users: bool
    anonymised: bool
    date: int
    sections: int
    activities: int
    site: str
    release: str
    manifest: str
    people: int | None
    files: int
    content_bytes: int


def begin(path: Path, bounds: Bounds) -> subprocess.Popen[str]:
    """Start the process that looks into the archive at `path`. The caller waits for it, or kills it."""
    asked = {"path": str(path), **asdict(bounds)}
    # The process reads what a stranger wrote, so it knows none of the site's keys.
    known = {
        name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ
    }
    environment = {**known, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "archive.looking", json.dumps(asked)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd="/",
    )


def ended(process: subprocess.Popen[str], *, within: float | None = None) -> Look:
    """Wait for a process and return what it has found. It may be called again after a time of `within` seconds was over.

    Raises subprocess.TimeoutExpired if the process goes on for longer than `within`, the ArchiveError that it met, OutOfMemory
    or TookTooLong if memory or processor time did not suffice, and RuntimeError for a fault of the program.
    """
    # Its output is read while it writes: a pipe takes 64 KB, and a title in a manifest may be longer.
    output, trouble = process.communicate(timeout=within)
    if process.returncode != 0:
        if process.returncode == WENT_WRONG:
            raise RuntimeError(f"The archive could not be looked into: {trouble[-2000:]}")
        if process.returncode == -signal.SIGXCPU:
            raise TookTooLong(
                "The archive took more processor time to look into than a job may have; nothing was changed.",
                hint="Make an archive of a part of the course, or ask an administrator to raise the limit.",
            )
        # The kernel ended it: by its limit of memory, or because the machine is short of memory.
        raise OutOfMemory
    found = json.loads(output)
    if "error" in found:
        raise _error(found["error"])
    return Look(**found)


def _error(said: dict[str, str]) -> CoursekeepError:
    """Return the error that the process met."""
    if said["code"] == OutOfMemory.code:
        return OutOfMemory()
    kinds: list[type[ArchiveError]] = [ArchiveError, *ArchiveError.__subclasses__()]
    kind = next((kind for kind in kinds if kind.code == said["code"]), ArchiveError)
    return kind(said["message"], where=said["where"], hint=said["hint"])


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Look into an archive; return what was found, or the error, for JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    # The limit of the process that began this one may be lower; it is inherited.
    highest = resource.getrlimit(resource.RLIMIT_DATA)[1]
    data = asked["memory"] if highest == resource.RLIM_INFINITY else min(asked["memory"], highest)
    resource.setrlimit(resource.RLIMIT_DATA, (data, highest))
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"] + GRACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open_archive(asked["path"], limits=Limits(**asked["limits"]), contents=False) as archive:
            manifest = read_manifest(archive)
            found = describe(archive)
            data = archive.read(MANIFEST, most=LARGEST_MANIFEST)
    except CoursekeepError as error:
        said = {"code": error.code, "message": error.message, "where": error.where, "hint": error.hint}
        return {"error": said}
    except MemoryError:
        return {"error": {"code": OutOfMemory.code}}
    look = Look(
        title=manifest.original_course_fullname,
        archive_type=manifest.archive_type,
        with_users=manifest.with_users,
        anonymised=manifest.anonymised,
        date=manifest.backup_date,
        sections=len(manifest.sections),
        activities=len(manifest.activities),
        site=manifest.original_wwwroot,
        release=manifest.moodle_release,
        manifest=base64.b64encode(data).decode(),
        people=found.users,
        files=found.files,
        content_bytes=found.contents_size,
    )
    return asdict(look)


if __name__ == "__main__":
    try:
        answer = json.dumps(main(json.loads(sys.argv[1])))
    except Exception as problem:  # noqa: BLE001 - whatever it is, the parent says it to the log
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        sys.exit(WENT_WRONG)
    print(answer)
