"""The records of markers that an archive for a Moodle before 5.2 goes without, as the flags of students name them."""

from __future__ import annotations

from archive.numbers import whole_or
from backup.context import BackupContext
from backup.substitutes import Substitutes
from courses.activities.assign import AssignAllocatedMarker

NAMED_BY_FLAG = """EXISTS (
    SELECT 1 FROM courses_assignuserflag flag
    WHERE flag.assign_id = courses_assignallocatedmarker.assign_id
    AND flag.userid = courses_assignallocatedmarker.student AND flag.allocatedmarker = courses_assignallocatedmarker.marker
)"""
"""SQL: the flag of the student names the marker."""


def leave_out_named_markers(context: BackupContext, substitutes: Substitutes) -> None:
    """Leave out the markers that flags name if the course and the archive are both of a Moodle that has flags only.

    Such a course is written as it came. Any other archive has both, so that each version of Moodle finds the markers.
    """
    came_with_records = whole_or(context.course.origin_release.partition(".")[0]) >= 5
    if context.selection.people and not context.version.has_banks and not came_with_records:
        substitutes.leave_out(AssignAllocatedMarker, NAMED_BY_FLAG)
