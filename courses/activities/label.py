"""A label: text on the course's page."""

from __future__ import annotations

from courses.content import Content
from courses.fields import Int, Moment, RichText, Text


class Label(Content):
    """A text or picture among the activities."""

    name = Text(1333)
    intro = RichText()
    introformat = Int(null=True, default=0)
    timemodified = Moment()
