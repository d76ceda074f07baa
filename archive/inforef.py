"""The groups of an `inforef.xml`, which lists what a section or activity refers to."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, str]] = {
    "user": ("userref", "user"),
    "group": ("groupref", "group"),
    "grouping": ("groupingref", "grouping"),
    "role": ("roleref", "role"),
    "file": ("fileref", "file"),
    "scale": ("scaleref", "scale"),
    "outcome": ("outcomeref", "outcome"),
    "grade_item": ("grade_itemref", "grade_item"),
    "question_category": ("question_categoryref", "question_category"),
}
"""Names of the group element and the entry element by item type, in the order of the file.

Source: format facts, course-inforef.txt.
"""
