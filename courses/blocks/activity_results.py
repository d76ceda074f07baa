"""The best and worst results in an activity, which the block names by its type and by its item in the gradebook."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType(
    "activity_results", ids={"activityparentid": "=activityparent", "activitygradeitemid": "grade_item"}
)
