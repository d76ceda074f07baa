"""A subsection: an activity that shows a section inside another section."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Moment, Text


class Subsection(Content):
    """A subsection: its own section names it by `component` and `itemid`."""

    activity_type: ClassVar[ActivityType] = ActivityType(icon="kind-subsection", owns_section=True)

    name = Text(LONGEST_NAME)
    timemodified = Moment()
