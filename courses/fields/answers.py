"""Answers in lessons: a text, or the ids of the answers that a person chose."""

from __future__ import annotations

from collections.abc import Mapping

from courses.fields.base import Parse, Reading, copy_text
from courses.fields.numbers import digits_or_text
from courses.fields.texts import LongText

SEVERAL = ("3", "1")
"""The type (`qtype`) and the option (`qoption`) of a lesson's page on which several answers can be chosen."""


class ChosenAnswers(LongText):
    """A person's answer on a page of a lesson: a text; on a page with several right answers their ids, "12,15".

    Moodle does not map these ids.
    """

    refers = "lesson_answer"
    needs_row = True
    above = ("page/qtype", "page/qoption")

    def parser(self, reading: Reading) -> Parse:
        return copy_text

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        if (digits_or_text(texts.get("page/qtype")), digits_or_text(texts.get("page/qoption"))) != SEVERAL:
            return copy_text(text)
        chosen = []
        for old in text.split(","):
            if old.isascii() and old.isdigit() and len(old) < 19:
                chosen.append(str(reading.references.mention("lesson_answer", int(old)) or 0))
            else:
                chosen.append(old)
        return copy_text(",".join(chosen))
