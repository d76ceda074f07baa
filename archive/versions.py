"""Table of the changes of the format between versions, by which members of other versions are read in one form: that of 4.5,
with what later versions have more.

A change also names the last version of Moodle that writes the old form: when archives of that version need not be read any
more, the change can be deleted, with the class of its `rewriting`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from archive.container import Archive
from archive.older import activities, availability, course, people, questions, quiz
from archive.older.rewriter import Rewriting, rewritten
from archive.releases import VERSION_OF_4_5
from archive.streams import buffered


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the format: archives of a backup version below `before` have the old form, in members that match `members`.

    `says` describes the old form, `until` is the last version of Moodle that writes it, and `rewriting` makes the form that is
    read.
    """

    before: int
    members: re.Pattern[str]
    says: str
    until: str
    rewriting: Callable[[Archive, str], Rewriting]


def _activity(name: str, member: str = "") -> re.Pattern[str]:
    """Return a pattern for the path of a member of each activity of a type: `<member>.xml`, by default `<type>.xml`."""
    return re.compile(rf"activities/(?:{name})_\d+/{re.escape(member) if member else rf'(?:{name})'}\.xml")


COURSE = re.compile(r"course/course\.xml")
GRADEBOOK = re.compile(r"gradebook\.xml")
MODULE = _activity("[a-z0-9_]+", "module")
QUESTIONS = re.compile(r"questions\.xml")
QUIZ = _activity("quiz")
SECTION = re.compile(r"sections/section_\d+/section\.xml")
TREES = re.compile(rf"{MODULE.pattern}|{SECTION.pattern}")
USERS = re.compile(r"users\.xml")

EVER = 10**10
"""Later than any backup version."""

CHANGES: tuple[Change, ...] = (
    Change(
        2011070100,
        _activity("forum|data|glossary"),
        "A rating had no component and no rating area.",
        "2.0",
        activities.Ratings,
    ),
    Change(
        2011070100,
        QUESTIONS,
        "A question had a defaultgrade, and penalties of thirds were rounded.",
        "2.0",
        quiz.Marks,
    ),
    Change(
        2012062500,
        QUIZ,
        "An attempt had no state; it was finished if it had an end.",
        "2.2",
        quiz.States,
    ),
    Change(
        2013050100,
        _activity("assign"),
        "An assignment had preventlatesubmissions; there was no separate cut-off date.",
        "2.4",
        activities.LateSubmissions,
    ),
    Change(
        2013111800,
        _activity("assign"),
        "Extensions and locks were fields of people's grades.",
        "2.5",
        activities.Flags,
    ),
    Change(
        2014111000,
        _activity("assign"),
        "The latest attempt was the one with the highest number; there was no field for it.",
        "2.7",
        activities.LatestAttempts,
    ),
    Change(
        2014111000,
        MODULE,
        "The availability of an activity was in fields and records, and until 2.7 in groupmembersonly.",
        "2.7",
        availability.OfActivities,
    ),
    Change(
        2014051200,
        SECTION,
        "The availability of a section was in fields and records.",
        "2.6",
        availability.OfSections,
    ),
    Change(
        2015051100,
        _activity("lesson"),
        "The time limit of a lesson was a switch and a number of minutes.",
        "2.8",
        activities.TimeLimit,
    ),
    Change(
        2016120500,
        GRADEBOOK,
        "The version at which a gradebook was frozen was an attribute of its root element.",
        "3.1",
        course.Freeze,
    ),
    Change(
        2017051500,
        SECTION,
        "A course had a number of sections; only teachers saw the sections beyond it.",
        "3.2",
        course.Orphans,
    ),
    Change(
        2018020500,
        QUESTIONS,
        "Contexts had no question category called top, above all others.",
        "3.4",
        questions.Tops,
    ),
    Change(
        2018120300,
        _activity("workshop"),
        "A workshop without attachments accepted texts only.",
        "3.5",
        activities.TextOnly,
    ),
    Change(
        2022041900,
        QUIZ,
        "A quiz of 2.0 had other fields for behaviour and review; until 3.8 the safe browser was a field of the quiz.",
        "3.11",
        quiz.QuizSettings,
    ),
    Change(
        2023100900,
        QUIZ,
        "A quiz could not hide the maximum marks; there was no field for it.",
        "4.2",
        quiz.MaximumMarks,
    ),
    Change(
        2022020200,
        QUESTIONS,
        "A question was a child of its category; there were no entries and no versions.",
        "3.11",
        questions.Entries,
    ),
    Change(
        2022020200,
        QUIZ,
        "A slot named its question, and before 2.7 the quiz listed them; a random question was a question of that type.",
        "3.11",
        questions.Slots,
    ),
    Change(
        2022041900,
        _activity("quiz", "module"),
        "Completion by a pass grade was a field of the quiz, not of the activity.",
        "3.11",
        quiz.Passing,
    ),
    Change(
        2022041900,
        COURSE,
        "The options of the course's format were fields of the course.",
        "3.11",
        course.FormatOptions,
    ),
    Change(
        2021051700,
        COURSE,
        "A course had no field for showing the dates of its activities.",
        "3.10",
        course.ActivityDates,
    ),
    Change(
        2022041900,
        USERS,
        "Social fields such as icq and skype were fields of the account.",
        "3.11",
        people.SocialFields,
    ),
    Change(
        2022041900,
        TREES,
        "Conditions named social fields as fields of the account.",
        "3.11",
        availability.SocialFieldConditions,
    ),
    Change(
        2022112800,
        _activity("[a-z0-9_]+", "completion"),
        "The view of an activity was a field of its completion record.",
        "4.0",
        activities.Views,
    ),
    Change(
        2023100900,
        QUIZ,
        "The conditions of a random question named a category and tags, and no filters.",
        "4.2",
        questions.Filters,
    ),
    Change(
        VERSION_OF_4_5,
        _activity("assign"),
        "An assignment that is never reopened had the reopen method none.",
        "4.4",
        activities.OneAttempt,
    ),
    Change(
        VERSION_OF_4_5,
        MODULE,
        "An activity had the version of its plugin in that Moodle.",
        "4.4",
        activities.PluginVersion,
    ),
    Change(
        EVER,
        _activity("assign"),
        "Up to 5.1 a person's flag named the one marker; since 5.2 markers are records, and a flag names none.",
        "5.3",
        activities.Markers,
    ),
)


def modernise(archive: Archive, version: int) -> None:
    """Let members of an archive of this backup version be read in one form: that of 4.5, with what later versions have more.

    Sets `archive.through`.
    """
    changes = [
        change
        for change in CHANGES
        if version < change.before and any(map(change.members.fullmatch, archive.members))
    ]

    needless: set[tuple[Change, str]] = set()  # some rewritings read the whole member to know

    def through(path: str, stream: BinaryIO) -> BinaryIO:
        for change in changes:
            if change.members.fullmatch(path) and (change, path) not in needless:
                rewriting = change.rewriting(archive, path)
                if rewriting.needed:
                    stream = buffered(rewritten(stream, rewriting, member=path))
                else:
                    needless.add((change, path))
        return stream

    if changes:
        archive.through = through
