"""Answers, units, data sets and feedback: the models that several question types share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from courses import questions
from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import Int, LongText, Number, Ref, RichText, Text, Within
from courses.models.questions import Question


class Shared(ArchivedModel):
    """The base of models that several question types share: each has its rows under `path` in the type's own element."""

    path: ClassVar[str]

    question = Within(Question, related_name="%(class)ss")

    class Meta:
        abstract = True

    @classmethod
    def archive_paths(cls) -> Sequence[ArchivePath]:
        return questions.shared_paths(cls, cls.path)


class QuestionAnswer(Shared):
    """An answer to choose or to compare with; `fraction` is its worth from -1 to 1."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_answer", files=("question/answer", "question/answerfeedback")
    )
    path = "answers/answer"

    answertext = RichText()
    answerformat = Int()
    fraction = Number(max_digits=12, decimal_places=7, default=0)
    feedback = RichText()
    feedbackformat = Int()


class NumericalUnit(Shared):
    """A unit of a numerical answer, and its factor."""

    path = "numerical_units/numerical_unit"

    multiplier = Number(max_digits=38, decimal_places=19, default=1)
    unit = Text(50)


class NumericalOption(Shared):
    """The settings for units: how they are entered and graded."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_numerical_option")
    path = "numerical_options/numerical_option"

    showunits = Int()
    unitsleft = Int()
    unitgradingtype = Int()
    unitpenalty = Number(max_digits=12, decimal_places=7, default="0.1")


class DatasetDefinition(Shared):
    """A variable of calculated questions. Questions of one category may share it; the archive then has a copy in each of
    them.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_dataset_definition", unique=False)
    path = "dataset_definitions/dataset_definition"

    category = Ref("question_category")
    name = Text(255)
    type = Int()
    options = Text(255)
    itemcount = Int()


class DatasetItem(ArchivedModel):
    """One value of a variable."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(unique=False)

    definition = Within(DatasetDefinition, "dataset_items/dataset_item")
    number = Int()
    value = Text(255)


class CalculatedRecord(Shared):
    """The tolerance of an answer to a calculated question, and the format of the right answer."""

    path = "calculated_records/calculated_record"

    answer = Ref("question_answer")
    tolerance = Text(20, default="0.0")
    tolerancetype = Int(default=1)
    correctanswerlength = Int(default=2)
    correctanswerformat = Int(default=2)


class CombinedFeedback(ArchivedModel):
    """The columns of the feedback to a whole response: right, partially right, wrong."""

    correctfeedback = RichText()
    correctfeedbackformat = Int()
    partiallycorrectfeedback = RichText()
    partiallycorrectfeedbackformat = Int()
    incorrectfeedback = RichText()
    incorrectfeedbackformat = Int()
    shownumcorrect = Int()

    class Meta:
        abstract = True


class OptionalFeedback(ArchivedModel):
    """The same columns as `CombinedFeedback`, with texts that may be NULL."""

    correctfeedback = RichText(null=True)
    correctfeedbackformat = Int()
    partiallycorrectfeedback = RichText(null=True)
    partiallycorrectfeedbackformat = Int()
    incorrectfeedback = RichText(null=True)
    incorrectfeedbackformat = Int()
    shownumcorrect = Int()

    class Meta:
        abstract = True


class CalculatedOption(Shared, OptionalFeedback):
    """The display settings and feedback of a calculated question."""

    path = "calculated_options/calculated_option"

    synchronize = Int()
    single = Int()
    shuffleanswers = Int()
    answernumbering = Text(10, default="abc")


class Piece(ArchivedModel):
    """The columns of an item to drag: number, label, and whether it can be used any number of times (`infinite`)."""

    no = Int()
    infinite = Int()
    label = LongText()

    class Meta:
        abstract = True
