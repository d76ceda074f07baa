"""Activity results: the best and worst results in an activity; ids are the activity and its grade item."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType(
    "activity_results", ids={"activityparentid": "=activityparent", "activitygradeitemid": "grade_item"}
)
