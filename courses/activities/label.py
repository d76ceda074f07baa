"""A label: text on the course's page."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, Moment, RichText, Text


class Label(Content):
    """A text or picture on the course's page, between activities."""

    activity_type: ClassVar[ActivityType] = ActivityType(label="Text and media area", icon="kind-label")

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int(null=True, default=0)
    timemodified = Moment()
