"""Table of the members of an archive: backup walks it to write, restore walks it to read.

The contents of a member come from the models that name it. A member that no model names is written from its preserved opaque
elements, or empty if there are none, because Moodle expects it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Scope = Literal["archive", "course", "section", "activity", "block"]
ARCHIVE_TYPES = frozenset({"course", "section", "activity"})
COURSE_ONLY = frozenset({"course"})

MANIFEST = "moodle_backup.xml"
FILES = "files.xml"
INFOREF = "inforef.xml"
LOG = "moodle_backup.log"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive, with the rules for including it.

    `path` is relative to the folder of the section or activity; `{type}` stands for the activity's type. `root` is its root
    element with these `attributes`; `empty` are the elements in it when it has no content. `option` names the option that
    includes it, "" for none; a `userdata` member is included only with people's data. `archive_types` are the types of
    archive that have it. An `optional` member is left out when there is nothing to write. A `whole` member describes a
    whole course, so that of a section or an activity is not restored into a course that exists. A `shared` member is
    complete in archives of sections and activities too: it has all records of the course. A member `with_all_grades` is in
    one of those only if every graded activity of the course is, as Moodle writes it, and then has all records of the course
    too.
    """

    path: str
    scope: Scope
    root: str
    empty: tuple[str, ...] = ()
    option: str = ""
    userdata: bool = False
    archive_types: frozenset[str] = ARCHIVE_TYPES
    optional: bool = False
    whole: bool = False
    shared: bool = False
    with_all_grades: bool = False
    attributes: tuple[str, ...] = ()

    def skeleton(self) -> bytes:
        """Return the XML of the member without content."""
        inside = "".join(f"  <{tag}>\n  </{tag}>\n" for tag in self.empty)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{self.root}>\n{inside}</{self.root}>'.encode()


MEMBERS: tuple[Member, ...] = (
    # Members of the course.
    Member("course/course.xml", "course", "course", archive_types=COURSE_ONLY),
    Member(
        "course/enrolments.xml", "course", "enrolments", ("enrols",), "enrolments", archive_types=COURSE_ONLY
    ),
    Member(
        "course/roles.xml",
        "course",
        "roles",
        ("role_overrides", "role_assignments"),
        archive_types=COURSE_ONLY,
    ),
    Member("course/calendar.xml", "course", "events", option="calendarevents", archive_types=COURSE_ONLY),
    Member(
        "course/comments.xml",
        "course",
        "comments",
        option="comments",
        userdata=True,
        archive_types=COURSE_ONLY,
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
        userdata=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    Member(
        "course/logstores.xml",
        "course",
        "logstores",
        option="logs",
        userdata=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    Member(
        "course/loglastaccess.xml",
        "course",
        "lastaccesses",
        option="logs",
        userdata=True,
        archive_types=COURSE_ONLY,
        optional=True,
    ),
    # Members of each section.
    Member("section.xml", "section", "section"),
    # Members of each activity.
    Member("{type}.xml", "activity", "activity", attributes=("id", "moduleid", "modulename", "contextid")),
    Member("module.xml", "activity", "module"),
    Member("roles.xml", "activity", "roles", ("role_overrides", "role_assignments")),
    Member("grades.xml", "activity", "activity_gradebook", ("grade_items", "grade_letters")),
    Member("grade_history.xml", "activity", "grade_history", ("grade_grades",), "grade_histories"),
    Member("grading.xml", "activity", "areas", optional=True),
    Member("calendar.xml", "activity", "events", option="calendarevents"),
    Member("comments.xml", "activity", "comments", option="comments", userdata=True),
    Member("competencies.xml", "activity", "course_module_competencies", ("competencies",), "competencies"),
    Member(
        "completion.xml", "activity", "completions", ("completionviews",), "userscompletion", userdata=True
    ),
    Member("filters.xml", "activity", "filters", ("filter_actives", "filter_configs"), "filters"),
    Member("xapistate.xml", "activity", "states", option="xapistate", userdata=True),
    Member("logs.xml", "activity", "logs", option="logs", userdata=True, optional=True),
    Member("logstores.xml", "activity", "logstores", option="logs", userdata=True, optional=True),
    # Members of each block.
    Member("block.xml", "block", "block", option="blocks"),
    Member("roles.xml", "block", "roles", ("role_overrides", "role_assignments"), option="blocks"),
    Member("comments.xml", "block", "comments", option="comments", userdata=True),
    Member(
        "rss_client.xml",
        "block",
        "block",
        option="blocks",
        attributes=("id", "contextid", "blockname"),
        optional=True,
    ),
    # Members of the whole archive: after the others, whose references decide which records are needed.
    Member("groups.xml", "archive", "groups", ("groupcustomfields", "groupings"), "groups"),
    Member("questions.xml", "archive", "question_categories", option="questionbank"),
    Member(
        "gradebook.xml",
        "archive",
        "gradebook",
        ("attributes", "grade_categories", "grade_items", "grade_letters", "grade_settings"),
        whole=True,
        with_all_grades=True,
    ),
    Member(
        "grade_history.xml",
        "archive",
        "grade_history",
        ("grade_grades",),
        "grade_histories",
        whole=True,
        with_all_grades=True,
    ),
    Member(
        "completion.xml",
        "archive",
        "course_completion",
        archive_types=frozenset({"course", "activity"}),
        whole=True,
    ),
    Member("badges.xml", "archive", "badges", option="badges", whole=True),
    Member("scales.xml", "archive", "scales_definition", shared=True),
    Member("outcomes.xml", "archive", "outcomes_definition", shared=True),
    Member("users.xml", "archive", "users", userdata=True),
    Member("roles.xml", "archive", "roles_definition"),
)


def members(scope: Scope) -> Iterator[Member]:
    """Return the members of one scope, in the order in which they are written."""
    return (member for member in MEMBERS if member.scope == scope)


_BY_PATH = {(member.scope, member.path): member for member in MEMBERS}


def find(scope: Scope, path: str) -> Member:
    """Return the member at a path of a scope; a path below `blocks/` is a member of the block.

    Unknown members belong to every archive type and are governed by no option.
    """
    folder, in_block, rest = path.partition("blocks/")
    if in_block and folder in {"", "course/"}:
        scope, path = "block", rest.partition("/")[2]
    return _BY_PATH.get((scope, path)) or Member(path, scope, "")


def top(scope: Scope, path: str) -> str:
    """Return the owner name of opaque elements at the top of a member: `<scope>:<path>`."""
    return f"{scope}:{path}"
