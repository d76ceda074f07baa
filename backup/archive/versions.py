"""What older versions say differently, in one table: each member of an old archive is read as if it were of today.

A change has the version of Moodle after which it may go, because archives that old need not be read any more; everything
else about it is in the module of its `rewriting`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from backup.archive import older_questions
from backup.archive.container import Archive
from backup.archive.older import Rewriting, rewritten
from backup.archive.streams import buffered


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: archives of a backup version below `before` say it the old way, in `members`.

    `until` is the version of Moodle whose archives are the last to have it.
    """

    before: int
    members: re.Pattern[str]
    says: str
    until: str
    rewriting: Callable[[Archive], Rewriting]


QUESTIONS = re.compile(r"questions\.xml")
QUIZ = re.compile(r"activities/quiz_\d+/quiz\.xml")

CHANGES: tuple[Change, ...] = (
    Change(
        2018020500,
        QUESTIONS,
        "Categories of questions had no common category above them, called top.",
        "3.4",
        older_questions.Tops,
    ),
    Change(
        2022020200,
        QUESTIONS,
        "A question lay in its category itself; there were no entries and no versions.",
        "3.11",
        older_questions.Entries,
    ),
    Change(
        2022020200,
        QUIZ,
        "A slot named its question, and before 2.7 the quiz listed them; a random question was a question of that type.",
        "3.11",
        older_questions.Slots,
    ),
    Change(
        2023100900,
        QUIZ,
        "The conditions of a random question named a category and tags, and no filters.",
        "4.2",
        older_questions.Filters,
    ),
)


def modernise(archive: Archive, version: int) -> None:
    """Lets an archive of that backup version be read as one of today."""
    changes = [change for change in CHANGES if version < change.before]

    def through(path: str, stream: BinaryIO) -> BinaryIO:
        for change in changes:
            if change.members.fullmatch(path):
                pieces = rewritten(stream, change.rewriting(archive), member=path)
                stream = buffered(pieces)
        return stream

    if changes:
        archive.through = through
