"""The Moodle for which an archive is written: its numbers in the manifest."""

from __future__ import annotations

from typing import NamedTuple

from archive.numbers import whole_or
from archive.releases import LATEST_VERSION, VERSION_OF_4_5

AS_IS = "as_is"
"""The value of the option `moodle` with which nothing is written otherwise than it is here."""


class MoodleVersion(NamedTuple):
    """A version of Moodle: `release` as its archives say it, and its number there. `has_banks` says whether its questions are
    in question banks only, which are activities; `longest_name` and `longest_fullname` are characters."""

    release: str
    number: int
    has_banks: bool
    longest_name: int
    longest_fullname: int


VERSIONS: dict[str, MoodleVersion] = {
    "4.5": MoodleVersion("4.5", VERSION_OF_4_5, has_banks=False, longest_name=255, longest_fullname=254),
    "5.3": MoodleVersion("5.3", LATEST_VERSION, has_banks=True, longest_name=1333, longest_fullname=1333),
}
"""The versions that an archive can be written for, by the value of the option `moodle`."""


def version_for(asked: str, origin_release: str) -> MoodleVersion:
    """Return the version to write for: the one asked for, or else 5.3 for a course from release 5 or later, 4.5 for others.

    `asked` is a value of the option `moodle`; one that names no version counts as none.
    """
    return (
        VERSIONS.get(asked) or VERSIONS["5.3" if whole_or(origin_release.partition(".")[0]) >= 5 else "4.5"]
    )
