"""A question bank: an activity that holds categories of questions, which the quizzes of any course may use (Moodle 5)."""

from __future__ import annotations

from typing import ClassVar

from archive.releases import BANKS_SINCE
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Code, Int, Moment, RichText, Text


class Qbank(Content):
    """A question bank of the course. `type` is "standard" or empty if a person made it, "system" if Moodle did."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="Question bank",
        icon="kind-qbank",
        version=BANKS_SINCE,
        uses_questions=True,
        holds_questions=True,
    )

    name = Text(LONGEST_NAME)
    timecreated = Moment()
    timemodified = Moment()
    intro = RichText(null=True)
    introformat = Int()
    type = Code(40)

    links = (("QBANKVIEWBYID", "/mod/qbank/view.php?id=$1", ("course_module",)),)
