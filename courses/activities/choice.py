"""A choice: one question, options, and who chose what."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import Part, Traits
from courses.content import Content
from courses.fields import Int, LongText, Moment, Ref, RichText, Text, UserRef, Within


class Choice(Content):
    """A question with options."""

    name = Text(255)
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


class ChoiceOption(Part):
    """Something to choose."""

    traits: ClassVar[Traits] = Traits(kind="choice_option")

    choice = Within(Choice, "options/option")
    text = LongText(null=True)
    maxanswers = Int(null=True, default=0)
    timemodified = Moment()


class ChoiceAnswer(Part):
    """What a person chose."""

    traits: ClassVar[Traits] = Traits(userdata=True)

    choice = Within(Choice, "answers/answer")
    userid = UserRef()
    optionid = Ref("choice_option")
    timemodified = Moment()
