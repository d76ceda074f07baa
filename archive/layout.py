"""The members of an archive, as a table: backup walks it to write, restore walks it to read.

What stands in a member is said by the models that name it; a member that none names is written from what was kept, and
empty when nothing was: Moodle wants it to be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Scope = Literal["archive", "course", "section", "activity", "block"]
KINDS = frozenset({"course", "section", "activity"})
COURSE_ONLY = frozenset({"course"})

MANIFEST = "moodle_backup.xml"
FILES = "files.xml"
INFOREF = "inforef.xml"
LOG = "moodle_backup.log"


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `path` is relative to the folder of the section or activity; `{type}` is the activity's type.

    `root` is its root element with these `attributes`, `empty` what is in it when there is nothing; `option` the option that
    governs it, `people` whether it is there with people's data only; `archive_types` the types of archive that have it. An
    `optional` member is left out when there is nothing to write. What says something of the `whole` course does not come
    into a course that exists.
    """

    path: str
    scope: Scope
    root: str
    empty: tuple[str, ...] = ()
    option: str = ""
    people: bool = False
    archive_types: frozenset[str] = KINDS
    optional: bool = False
    whole: bool = False
    attributes: tuple[str, ...] = ()

    def skeleton(self) -> bytes:
        """The member without content."""
        inside = "".join(f"  <{tag}>\n  </{tag}>\n" for tag in self.empty)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{self.root}>\n{inside}</{self.root}>'.encode()


MEMBERS: tuple[Member, ...] = (
    # Of the course.
    Member("course/course.xml", "course", "course", archive_types=COURSE_ONLY),
    Member("course/enrolments.xml", "course", "enrolments", ("enrols",), archive_types=COURSE_ONLY),
    Member(
        "course/roles.xml",
        "course",
        "roles",
        ("role_overrides", "role_assignments"),
        archive_types=COURSE_ONLY,
    ),
    Member("course/calendar.xml", "course", "events", option="calendarevents", archive_types=COURSE_ONLY),
    Member(
        "course/comments.xml", "course", "comments", option="comments", people=True, archive_types=COURSE_ONLY
    ),
    Member(
        "course/filters.xml",
        "course",
        "filters",
        ("filter_actives", "filter_configs"),
        "filters",
        archive_types=COURSE_ONLY,
    ),
    Member(
        "course/competencies.xml",
        "course",
        "course_competencies",
        ("competencies", "user_competencies"),
        "competencies",
        archive_types=COURSE_ONLY,
    ),
    Member(
        "course/completiondefaults.xml", "course", "course_completion_defaults", archive_types=COURSE_ONLY
    ),
    Member(
        "course/contentbank.xml", "course", "contents", option="contentbankcontent", archive_types=COURSE_ONLY
    ),
    Member(
        "course/logs.xml",
        "course",
        "logs",
        option="logs",
        people=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    Member(
        "course/logstores.xml",
        "course",
        "logstores",
        option="logs",
        people=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    Member(
        "course/loglastaccess.xml",
        "course",
        "lastaccesses",
        option="logs",
        people=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    # Of each section.
    Member("section.xml", "section", "section"),
    # Of each activity.
    Member("{type}.xml", "activity", "activity", attributes=("id", "moduleid", "modulename", "contextid")),
    Member("module.xml", "activity", "module"),
    Member("roles.xml", "activity", "roles", ("role_overrides", "role_assignments")),
    Member("grades.xml", "activity", "activity_gradebook", ("grade_items", "grade_letters")),
    Member("grade_history.xml", "activity", "grade_history", ("grade_grades",), "grade_histories"),
    Member("grading.xml", "activity", "areas", optional=True),
    Member("calendar.xml", "activity", "events", option="calendarevents"),
    Member("comments.xml", "activity", "comments", option="comments", people=True),
    Member("competencies.xml", "activity", "course_module_competencies", ("competencies",), "competencies"),
    Member("completion.xml", "activity", "completions", ("completionviews",), "userscompletion", people=True),
    Member("filters.xml", "activity", "filters", ("filter_actives", "filter_configs"), "filters"),
    Member("xapistate.xml", "activity", "states", option="xapistate", people=True),
    Member("logs.xml", "activity", "logs", option="logs", people=True, optional=True),
    Member("logstores.xml", "activity", "logstores", option="logs", people=True, optional=True),
    # Of each block.
    Member("block.xml", "block", "block", option="blocks"),
    Member("roles.xml", "block", "roles", ("role_overrides", "role_assignments"), option="blocks"),
    Member("comments.xml", "block", "comments", option="comments", people=True),
    Member(
        "rss_client.xml",
        "block",
        "block",
        option="blocks",
        attributes=("id", "contextid", "blockname"),
        optional=True,
    ),
    # Of the archive: after the others, because they say what is needed.
    Member("groups.xml", "archive", "groups", ("groupcustomfields", "groupings"), "groups"),
    Member("questions.xml", "archive", "question_categories", option="questionbank"),
    Member(
        "gradebook.xml",
        "archive",
        "gradebook",
        ("attributes", "grade_categories", "grade_items", "grade_letters", "grade_settings"),
        archive_types=COURSE_ONLY,
    ),
    Member(
        "grade_history.xml",
        "archive",
        "grade_history",
        ("grade_grades",),
        "grade_histories",
        archive_types=COURSE_ONLY,
    ),
    Member(
        "completion.xml",
        "archive",
        "course_completion",
        archive_types=frozenset({"course", "activity"}),
        whole=True,
    ),
    Member("badges.xml", "archive", "badges", option="badges", whole=True),
    Member("scales.xml", "archive", "scales_definition"),
    Member("outcomes.xml", "archive", "outcomes_definition"),
    Member("users.xml", "archive", "users", people=True),
    Member("roles.xml", "archive", "roles_definition"),
)

WRITTEN_ANEW = frozenset({MANIFEST, FILES, INFOREF, LOG})
"""Members that say what the others hold; they are made anew for each archive and never kept."""


def members(scope: Scope) -> Iterator[Member]:
    """The members of one scope, in the order in which they are written."""
    return (member for member in MEMBERS if member.scope == scope)


def belongs(path: str, archive_type: str) -> bool:
    """Whether a member of the course or archive is one of this kind of archive; what the table does not name is of any."""
    return all(
        archive_type in member.archive_types
        for member in MEMBERS
        if member.path == path and member.scope in {"archive", "course"}
    )


def option_of(path: str, scope: Scope) -> str:
    """The option that governs a member that is kept: its own, or `blocks` for anything of a block."""
    if "blocks/" in path:
        return "blocks"
    return next((member.option for member in members(scope) if member.path == path), "")


def needs_people(path: str, scope: Scope) -> bool:
    """Whether a member is there with people's data only."""
    return any(member.people for member in members(scope) if member.path == path)


def top(scope: Scope, path: str) -> str:
    """What the top of a member is called, as the owner of what stands there beside the described records."""
    return f"{scope}:{path}"
