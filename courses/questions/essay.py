"""An essay question: response template, file settings and information for graders."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, RichText, Text, Within
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("essay", files=("qtype_essay/graderinfo",))


class EssayOption(ArchivedModel):
    """The settings of an essay question: format, length, files, template and information for graders."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_essay")

    question = Within(Question, part("essay", "essay"))
    responseformat = Text(16, default="editor")
    responserequired = Int(default=1)
    responsefieldlines = Int(default=15)
    minwordlimit = Int(null=True)
    maxwordlimit = Int(null=True)
    attachments = Int()
    attachmentsrequired = Int()
    graderinfo = RichText(null=True)
    graderinfoformat = Int()
    responsetemplate = RichText(null=True)
    responsetemplateformat = Int()
    filetypeslist = LongText(null=True)
    maxbytes = Int()
