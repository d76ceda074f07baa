"""A subsection: a section that stands among the activities of another one."""

from __future__ import annotations

from courses.content import Content
from courses.fields import Moment, Text


class Subsection(Content):
    """The place of a section inside a section; the section names it by `itemid`."""

    name = Text(255)
    timemodified = Moment()
