"""RestoreRequest: the archive, person, target and options of a restore that is requested, reviewed or carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courses.models import User
from jobs.models import Job
from selection.option import Mode, mode_named
from vault.models import StoredArchive


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A restore as it is asked for, before rights and options are looked at.

    `source` is a stored archive or the path of a file (from the command line); `by` is None for the site itself. `target` is {}
    for a new course in the first category, or as `restore.targets.Target.as_json` gives it. `mode` is what the restore is for,
    which decides its defaults and locks. `right` is the capability at the target that it takes instead of that of its archive
    type. If not `strict`, options that cannot have their value are left as they are by default instead of being refused.
    """

    source: StoredArchive | str | Path
    by: User | None
    target: Mapping[str, Any]
    options: Mapping[str, Any]
    mode: Mode = "general"
    right: str = ""
    strict: bool = True

    @classmethod
    def of(cls, job: Job, source: StoredArchive | str) -> RestoreRequest:
        """Return what the job of a restore, or of its rehearsal, asks for."""
        return cls(source, job.requested_by, job.target, job.options, mode_named(job.mode))
