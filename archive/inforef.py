"""The lists of an `inforef.xml`."""

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
"""The groups of `inforef.xml` by the kind that they list, in their order."""
