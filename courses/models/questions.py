"""The question bank: categories of entries, each a question in its versions."""

from __future__ import annotations

from typing import ClassVar

from courses import questions
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import (
    LONGEST_NAME,
    Code,
    ContextInstance,
    Echo,
    Int,
    LongText,
    Moment,
    NextVersion,
    Number,
    Ref,
    RichText,
    Text,
    UserRef,
    Within,
)
from courses.models.course import Course

TOP = "top"
"""The name of the category that is above all others of its context."""

FORMER_INTRO = "mod_qbank/formerintro"
"""The area of the files in the description of a bank that became a category; their item is the category."""

BY_THE_SITE = "system"
"""The `type` of a question bank that Moodle or a restore made, not a person."""


class QuestionCategory(ArchivedModel):
    """A category of questions; `contextlevel` says whether it belongs to an activity (70), a course (50), a category of
    courses (40) or the site (10). `course` is the course that it belongs to or was restored with.

    The columns `bank...` are what was said of a question bank of Moodle 5 that became this category in an archive for 4.5.
    Moodle passes over their elements. An archive for 5 makes the bank again (`backup/former_banks.py`).
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_category", natural_key=("contextid", "stamp"), files=(FORMER_INTRO,)
    )

    course = Within(Course, "question_category", member="questions.xml")
    name = Text(LONGEST_NAME)
    contextid = Ref("context", db_index=True)
    contextlevel = Int()
    contextinstanceid = ContextInstance()
    info = RichText()
    infoformat = Int()
    stamp = Text(255)
    parent = Ref("question_category")
    sortorder = Int(default=999)
    idnumber = Text(100, null=True)
    bankname = LongText(null=True, optional=True)
    bankintro = RichText(null=True, optional=True)
    bankintroformat = Int(null=True, optional=True)
    banktype = Code(40, null=True, optional=True)
    banktimecreated = Moment(null=True, optional=True)
    banktimemodified = Moment(null=True, optional=True)
    bankidnumber = Text(100, null=True, optional=True)
    bankvisible = Int(null=True, optional=True)
    bankvisibleoncoursepage = Int(null=True, optional=True)
    banksection = Int(null=True, optional=True)


def top_category(course: Course, contextid: int, level: int, instance: int) -> QuestionCategory:
    """Return a new top category of a context, which is not saved; `instance` is the id of what the context is of."""
    return QuestionCategory(
        course=course,
        name=TOP,
        contextid=contextid,
        contextlevel=level,
        contextinstanceid=instance,
        stamp=f"top {contextid}",
        sortorder=0,
    )


class QuestionBankEntry(ArchivedModel):
    """An entry of the question bank: a question in all its versions, as activities refer to it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_bank_entry", natural_key=("idnumber",)
    )

    category = Within(QuestionCategory, "question_bank_entries/question_bank_entry")
    questioncategoryid = Echo()
    idnumber = Text(100, null=True)
    ownerid = UserRef(null=True)
    nextversion = NextVersion(null=True, since="5.2")


class QuestionVersion(ArchivedModel):
    """One version of an entry: `ready`, `draft` or `hidden`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_versions", natural_key=("version",))

    entry = Within(QuestionBankEntry, "question_version/question_versions")
    version = Int(default=1)
    status = Code(10, default="ready")


class Question(ArchivedModel):
    """One version of a question; the records of its type are in `courses.questions`."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question",
        natural_key=("name",),
        may_differ=("stamp",),
        files=(
            "question/questiontext",
            "question/generalfeedback",
            "question/correctfeedback",
            "question/partiallycorrectfeedback",
            "question/incorrectfeedback",
        ),
    )

    version = Within(QuestionVersion, "questions/question")
    parent = Ref("question")
    name = Text(255)
    questiontext = RichText()
    questiontextformat = Int()
    generalfeedback = RichText()
    generalfeedbackformat = Int()
    defaultmark = Number(max_digits=12, decimal_places=7, default=1)
    penalty = Number(max_digits=12, decimal_places=7, default="0.3333333")
    qtype = Text(20)
    length = Int(default=1)
    stamp = Text(255)
    timecreated = Moment()
    timemodified = Moment()
    createdby = UserRef(null=True)
    modifiedby = UserRef(null=True)

    @classmethod
    def items(cls, declared_in: str) -> tuple[str, ...]:
        more = (
            (area for one in questions.types().values() for area in one.files)
            if declared_in == "files"
            else ()
        )
        return (*super().items(declared_in), *more)
