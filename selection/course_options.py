"""Options of a restore for the course itself: its settings, names, dates, and what a replaced course keeps."""

from __future__ import annotations

from selection.option import COURSE, INTO_COURSE, OWN, Option, Use

OF_ARCHIVE_OR_OWN = (("", "that in the archive"), (OWN, "that of the course"))
"""Choices of the site's default for a name or date of a course that exists."""


def _of_course(right: str, *, off: str = "") -> Use:
    """Return the use of a name of the course: a course that exists keeps its own unless its settings are overwritten."""
    return Use(default="", needs_in_existing=("overwrite_conf",), right=right, off=off, off_in_existing=OWN)


COURSE_OPTIONS: tuple[Option, ...] = (
    Option(
        name="overwrite_conf",
        label="Overwrite the course's settings",
        help="The course gets the settings, names and start date in the archive.",
        subject="course",
        archive_types=COURSE,
        restore=Use(default=False, right="moodle/course:update"),
        targets=INTO_COURSE,
        travels=False,
    ),
    Option(
        name="course_fullname",
        label="Course name",
        help="If empty, the name in the archive. A name that another course has gets “copy 1” behind it. 0 leaves a course "
        "that exists its own.",
        subject="course",
        kind="text",
        length=1333,
        choices=OF_ARCHIVE_OR_OWN,
        restore=_of_course("moodle/course:changefullname"),
        travels=False,
    ),
    Option(
        name="course_shortname",
        label="Short name",
        help="If empty, the short name in the archive. One that another course has gets “_1” behind it. 0 leaves a course that "
        "exists its own.",
        subject="course",
        kind="text",
        length=255,
        choices=OF_ARCHIVE_OR_OWN,
        restore=_of_course("moodle/course:changeshortname"),
        travels=False,
    ),
    Option(
        name="course_idnumber",
        label="ID number of the course",
        help="If empty, the ID number in the archive. It comes only if no other course has it. 0 leaves a course that exists "
        "its own, and a new one without.",
        subject="course",
        kind="text",
        length=100,
        archive_types=COURSE,
        choices=OF_ARCHIVE_OR_OWN,
        restore=_of_course("moodle/course:changeidnumber", off=OWN),
        travels=False,
    ),
    Option(
        name="course_startdate",
        label="Start date",
        help="All dates that are restored move with it. If empty, they stay as they are. 0 leaves a course that exists its own "
        "start date, and moves nothing.",
        subject="course",
        kind="moment",
        choices=OF_ARCHIVE_OR_OWN,
        restore=Use(default="", right="moodle/restore:rolldates", off_in_existing=OWN),
        travels=False,
    ),
    Option(
        name="keep_roles_and_enrolments",
        label="Keep roles and enrolments",
        help="Who is enrolled in the course, and with which roles, stays when its content is replaced.",
        subject="course",
        archive_types=COURSE,
        targets=("replace",),
        restore=Use(default=False),
        travels=False,
    ),
    Option(
        name="keep_groups_and_groupings",
        label="Keep groups and groupings",
        help="The groups and groupings of the course, with their members, stay when its content is replaced.",
        subject="course",
        archive_types=COURSE,
        targets=("replace",),
        restore=Use(default=False),
        travels=False,
    ),
)
