"""A survey: one of Moodle's own questionnaires on learning, and people's answers."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import Int, LongText, Moment, RichText, Text, UserRef, Within


class Survey(Content):
    """A survey; `template` and `questions` hold ids of questionnaires that every Moodle site has by installation."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        logged_ids={
            "surveyid": "survey",
        }
    )

    name = Text(255)
    intro = RichText()
    introformat = Int()
    template = Int()
    questions = Text(255)
    days = Int()
    timecreated = Moment()
    timemodified = Moment()
    completionsubmit = Int()

    links = (
        ("SURVEYVIEWBYID", "/mod/survey/view.php?id=$1", ("course_module",)),
        ("SURVEYINDEX", "/mod/survey/index.php?id=$1", ("course",)),
    )


class SurveyAnswer(ArchivedModel):
    """A person's answer to a question: the actual and the preferred state.

    Moodle writes answers and notes without people's data too, with ids of people whom the archive does not name.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="survey_answer", userdata=True, person="userid"
    )

    survey = Within(Survey, "answers/answer")
    userid = UserRef()
    question = Int()
    time = Moment()
    answer1 = LongText()
    answer2 = LongText()


class SurveyAnalysis(ArchivedModel):
    """A teacher's notes on a person's answers."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="survey_analys", userdata=True, person="userid"
    )

    survey = Within(Survey, "analysis/analys")
    userid = UserRef()
    notes = LongText()
