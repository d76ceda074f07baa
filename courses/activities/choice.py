"""A choice: one question, its options, and the options that people chose."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, LongText, Moment, Ref, RichText, Text, UserRef, Within


class Choice(Content):
    """A question with options."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        icon="kind-choice",
        logged_ids={
            "choiceid": "choice",
            "optionid": "choice_option",
        },
    )

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    publish = Int()
    showresults = Int()
    display = Int()
    allowupdate = Int()
    allowmultiple = Int()
    showunanswered = Int()
    limitanswers = Int()
    timeopen = Moment(shifts=True)
    timeclose = Moment(shifts=True)
    timemodified = Moment()
    completionsubmit = Int()
    showpreview = Int()
    includeinactive = Int(default=1)
    showavailable = Int()

    links = (
        ("CHOICEVIEWBYID", "/mod/choice/view.php?id=$1", ("course_module",)),
        ("CHOICEINDEX", "/mod/choice/index.php?id=$1", ("course",)),
    )


class ChoiceOption(ArchivedModel):
    """An option of the choice."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="choice_option")

    choice = Within(Choice, "options/option")
    text = LongText(null=True)
    maxanswers = Int(null=True, default=0)
    timemodified = Moment()


class ChoiceAnswer(ArchivedModel):
    """The option that a person chose."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    choice = Within(Choice, "answers/answer")
    userid = UserRef()
    optionid = Ref("choice_option")
    timemodified = Moment()
