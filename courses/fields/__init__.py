"""The field classes: the meaning of a column for the archive, the database and anonymising, declared once."""

from courses.fields.banks import ContextInstance, FilterConditions, NextVersion, StepName, StepValue
from courses.fields.base import (
    NULL,
    ArchiveField,
    FieldError,
    Parse,
    Reading,
    References,
    Rendering,
    copy_text,
)
from courses.fields.conditions import ConditionTree
from courses.fields.configuration import BlockConfiguration, FormatOptionValue
from courses.fields.grading import Formula, GradedItemRef, GradeItemInstance, RefPath
from courses.fields.names import CriterionText
from courses.fields.nesting import Echo, Within
from courses.fields.numbers import Int, Moment, Number, Real, integer, plain_number
from courses.fields.references import (
    DelegateRef,
    ForeignRef,
    InstanceRef,
    ItemRef,
    Ref,
    RefList,
    ScaleOrMaximum,
    SiblingRef,
    UserRef,
)
from courses.fields.texts import LONGEST_NAME, Code, LongText, RichText, Text, TextTooLong, UserName

__all__ = [
    "LONGEST_NAME",
    "NULL",
    "ArchiveField",
    "BlockConfiguration",
    "Code",
    "ConditionTree",
    "ContextInstance",
    "CriterionText",
    "DelegateRef",
    "Echo",
    "FieldError",
    "FilterConditions",
    "ForeignRef",
    "FormatOptionValue",
    "Formula",
    "GradeItemInstance",
    "GradedItemRef",
    "InstanceRef",
    "Int",
    "ItemRef",
    "LongText",
    "Moment",
    "NextVersion",
    "Number",
    "Parse",
    "Reading",
    "Real",
    "Ref",
    "RefList",
    "RefPath",
    "References",
    "Rendering",
    "RichText",
    "ScaleOrMaximum",
    "SiblingRef",
    "StepName",
    "StepValue",
    "Text",
    "TextTooLong",
    "UserName",
    "UserRef",
    "Within",
    "copy_text",
    "integer",
    "plain_number",
]
