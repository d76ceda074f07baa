"""The requirements and the lock files, read as pins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = (
    "requirements.txt",
    "requirements-ldap.txt",
    "requirements-test.txt",
    "requirements-bench.txt",
)
LOCKS = ("requirements.lock", "requirements-ldap.lock", "requirements-test.lock", "requirements-bench.lock")
HASH = re.compile(r"\s*--hash=sha256:[0-9a-f]{64}")


def pinned(path: Path) -> dict[str, Requirement]:
    """Map the normalised name of each package in a file to its line; comments and `-r` lines are left out."""
    found: dict[str, Requirement] = {}
    for line in joined(path):
        requirement = Requirement(HASH.sub("", line))
        found[canonicalize_name(requirement.name)] = requirement
    return found


def joined(path: Path) -> Iterator[str]:
    """The lines that name a package, each with the lines that continue it."""
    for line in path.read_text().replace("\\\n", " ").splitlines():
        stated = line.partition("#")[0].strip()
        if stated and not stated.startswith("-r "):
            yield stated


def needed(wanted: dict[str, Requirement]) -> set[str]:
    """The normalised names of the packages and of all that they need here, as the installed packages say it."""
    found: set[tuple[str, str]] = set()
    waiting = list(wanted.values())
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            one = (canonicalize_name(requirement.name), extra)
            if one not in found:
                found.add(one)
                waiting += [
                    further
                    for further in map(Requirement, requires(requirement.name) or ())
                    if further.marker is None or further.marker.evaluate({"extra": extra})
                ]
    return {name for name, _ in found}
