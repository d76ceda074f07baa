"""Records that questions of every type may have: hints, tags, comments, custom fields."""

from __future__ import annotations

from typing import ClassVar

from courses import questions
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Code, Int, Moment, Ref, RichText, Text, UserRef, Within
from courses.models.questions import Question

# The models of the question types have to be declared first: their elements precede these in a question.
questions.discover()


class QuestionComment(ArchivedModel):
    """A comment on a question; Moodle writes it in archives without people too."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_comment",
        userdata=True,
        person="userid",
        natural_key=("userid", "timecreated", "content"),
    )

    question = Within(Question, "plugin_qbank_comment_question/comments/comment", related_name="comments")
    component = Code(255, null=True)
    commentarea = Code(255)
    itemid = Ref("question")
    contextid = Ref("context")
    content = RichText()
    format = Int()
    userid = UserRef()
    timecreated = Moment()


class QuestionCustomField(ArchivedModel):
    """The value of a custom field of questions."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_customfield")

    question = Within(
        Question, "plugin_qbank_customfields_question/customfields/customfield", related_name="customfields"
    )
    shortname = Text(100)
    type = Code(100)
    value = RichText(null=True)
    valueformat = Int()
    valuetrust = Text(10)


class QuestionHint(ArchivedModel):
    """A hint after a wrong response."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_hint", files=("question/hint",))

    question = Within(Question, "question_hints/question_hint", related_name="hints")
    hint = RichText()
    hintformat = Int()
    shownumcorrect = Int(null=True)
    clearwrong = Int(null=True)
    options = Text(255, null=True)


class QuestionTag(ArchivedModel):
    """A tag on a question. Random questions refer to tags by id, so a tag has the same id in all questions."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False, natural_key=("name",), single=True)

    question = Within(Question, "tags/tag", related_name="tags")
    tagid = Ref("tag", tag="id", attribute=True)
    contextid = Ref("context", attribute=True)
    name = Text(255)
    rawname = Text(255)
