"""The table of options: every choice that a backup or a restore offers, in one place.

The wizards' forms, the command line, the settings in the manifest and the documentation are made from this table;
`register` adds the options of other apps, `resolution.resolve` resolves the asked values. Names, levels, dependencies
and defaults are Moodle's (the defaults are the administrator's defaults of Moodle 4.5), so the table also reads the
settings in Moodle's archives.
"""

from __future__ import annotations

from collections.abc import Iterator

from archive.manifest import ArchiveType
from selection.course_options import COURSE_OPTIONS
from selection.file_options import FILE_OPTIONS
from selection.option import COURSE, Operation, Option, Use

CONFIGURE: dict[Operation, str] = {
    "backup": "moodle/backup:configure",
    "restore": "moodle/restore:configure",
}
"""The capability without which only the free options can be changed, by operation."""

ON = Use(default=True)
WITH_USERS = Use(default=True, needs=("users",))
WITH_ACTIVITIES = Use(default=True, needs=("activities",))

TABLE: list[Option] = [
    *FILE_OPTIONS,
    Option(
        name="users",
        label="People and their work",
        help="Participants, and what they made: posts, submissions, attempts, grades.",
        subject="people",
        backup=Use(default=True, right="moodle/backup:userinfo"),
        restore=Use(default=True, right="moodle/restore:userinfo"),
    ),
    Option(
        name="anonymize",
        label="Make people anonymous",
        help="Replaces accounts by pseudonyms, also where texts name them. Nicknames, pictures and the contents of files that "
        "people handed in can still tell who somebody is; leave out what people wrote if that matters.",
        subject="people",
        # A person without the capability cannot undo the site's default, which protects people.
        backup=Use(default=False, needs=("users",), right="moodle/backup:anonymise", without="default"),
    ),
    Option(
        name="single_names",
        label="Replace first and family names by themselves too",
        help="Full names, user names, addresses and numbers of people are replaced in texts always. First and family names are "
        "words of the language as well, so texts may suffer.",
        subject="people",
        backup=Use(default=False, needs=("users", "anonymize")),
        travels=False,
    ),
    Option(
        name="texts",
        label="What people wrote",
        help="Posts, answers, submissions and their files. Without it, only who did what and when, and the grades, come along.",
        subject="people",
        backup=WITH_USERS,
        travels=False,
    ),
    Option(
        name="enrolments",
        label="Enrolment methods",
        help="Whether the enrolment methods (self enrolment, cohorts, ...) are restored. "
        "Without them, restored people are enrolled manually.",
        subject="people",
        kind="choice",
        choices=(
            ("never", "No, enrol people manually"),
            ("with-users", "Yes, if people are restored"),
            ("always", "Yes, always"),
        ),
        archive_types=COURSE,
        aliases=(("0", "never"), ("1", "with-users"), ("2", "always")),
        restore=Use(default="with-users", right="moodle/course:enrolconfig", off="never"),
        travels=False,
    ),
    Option(
        name="duplicate_admin",
        label="Another site's admin gets an account of its own",
        help="Every Moodle has an account “admin”. That of another site becomes admin_ and the mark of its site.",
        subject="people",
        restore=Use(default=False, needs=("users",), right="moodle/restore:createuser", without="default"),
        travels=False,
    ),
    Option(
        name="damaged_activities",
        label="Activities that cannot be restored",
        help="A wrong value in an activity stops the restore, which then changes nothing. Or the activity is left out, with a "
        "warning that says why.",
        kind="choice",
        choices=(("stop", "They stop the restore"), ("leave_out", "They are left out")),
        restore=Use(default="stop"),
        travels=False,
    ),
    Option(
        name="accounts",
        label="People whose user name is taken",
        help="For each of them NAME=new (a new account; NAME=new:OTHER chooses its name), NAME=here (the account that has the "
        "name) or NAME=out (left out, with their work), separated by commas; *=new and so on are for all others. Without it, "
        "they stop the restore. new and here take moodle/restore:createuser.",
        subject="people",
        kind="text",
        length=200_000,
        restore=Use(default="", right="moodle/restore:userinfo", without="default"),
        travels=False,
    ),
    Option(
        name="roles",
        label="Roles that people get here",
        help="For roles of the archive NAME=OTHER (the role of this site with that short name, which you may assign) or "
        "NAME=none, separated by commas. All others get the role of the same short name or kind.",
        subject="people",
        kind="text",
        length=20_000,
        restore=Use(default=""),
        travels=False,
    ),
    Option(
        name="role_assignments",
        label="Roles of people",
        help="Who is teacher, student and so on in the course and its activities.",
        subject="people",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
    Option(
        name="permissions",
        label="Permissions of roles",
        help="What a role may do otherwise than on the rest of the site, in the course, its activities and blocks.",
        subject="people",
        restore=ON,
        travels=False,
    ),
    Option(
        name="activities",
        label="Activities",
        help="All activities and resources. Each can be left out by itself.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="only_needed",
        label="Only what the chosen activities need",
        help="If at most half of the activities are chosen: the people, groups, questions, scales, blocks and badges that none "
        "of them needs stay away, and so do the events of the course. Without it, all that belongs to the course comes along.",
        archive_types=("course", "section"),
        backup=ON,
        restore=ON,
        travels=False,
    ),
    Option(
        name="blocks",
        label="Blocks",
        help="The blocks beside the content.",
        archive_types=("course", "activity"),
        backup=ON,
        restore=ON,
    ),
    Option(
        name="files",
        label="Files",
        help="The contents of all files. Without them the archive has only the list, and a restore takes the contents "
        "that its site has.",
        backup=ON,
    ),
    Option(
        name="filters",
        label="Filters",
        help="Which text filters are on or off in the course and its activities.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="comments",
        label="Comments",
        help="What people wrote in the comments of the course and of activities.",
        subject="people",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
    Option(
        name="badges",
        label="Badges",
        help="The badges of the course and, if people are included, who earned them. They are restored with activities "
        "only, and from an archive with people together with them only.",
        backup=ON,
        restore=Use(default=True, needs=("activities",), needs_if_archived=("users",)),
    ),
    Option(
        name="calendarevents",
        label="Calendar events",
        help="Events of the course, of groups and of activities.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="userscompletion",
        label="Completion",
        help="What each person has completed.",
        subject="people",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
    Option(
        name="logs",
        label="Logs",
        help="Who looked at what and when. This can be by far the largest part.",
        subject="people",
        backup=Use(default=False, needs=("users",)),
        restore=WITH_USERS,
    ),
    Option(
        name="grade_histories",
        label="Grade history",
        help="Every change of every grade.",
        subject="people",
        backup=Use(default=False, needs=("users", "activities")),
        restore=Use(default=True, needs=("users", "activities")),
    ),
    Option(
        name="questionbank",
        label="Question bank",
        help="The questions. Without them, activities made of questions are left out too.",
        backup=ON,
    ),
    Option(
        name="groups",
        label="Groups and groupings",
        help="The groups and, if people are included, their members. Without them, what belongs to a group is left out too: its"
        " submissions, exceptions, events, discussions and database entries.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="competencies",
        label="Competencies",
        help="Which competencies belong to the course and its activities.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="customfield",
        label="Custom fields",
        help="The additional fields that the site has given its courses and groups.",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="contentbankcontent",
        label="Content bank",
        help="What is in the content bank of the course.",
        archive_types=COURSE,
        backup=ON,
        restore=ON,
    ),
    Option(
        name="xapistate",
        label="State of interactive content",
        help="How far each person got inside interactive content (xAPI state).",
        subject="people",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
    Option(
        name="legacyfiles",
        label="Legacy course files",
        help="The course's own folder of files, from before Moodle 2.",
        archive_types=COURSE,
        backup=ON,
        restore=ON,
    ),
    Option(
        name="lost_conditions",
        label="Access conditions on what is not restored",
        help="An activity or section may be open only to a group, or only after another activity, which the restore does not "
        "bring. Each such condition is named before the restore starts.",
        kind="choice",
        choices=(
            ("keep", "Stay: nobody gets in by them"),
            ("hide", "Stay, and what they restrict is hidden"),
            ("leave_out", "Are left out"),
        ),
        restore=Use(default="keep"),
        travels=False,
    ),
    Option(
        name="lost_calculations",
        label="Calculations of grades with what is not restored",
        help="A grade may be computed from those of other activities, which the restore does not bring.",
        kind="choice",
        choices=(
            ("keep", "Stay: they compute nothing until they are changed"),
            ("leave_out", "Are left out"),
        ),
        restore=Use(default="keep"),
        travels=False,
    ),
    Option(
        name="changed_contents",
        label="Take contents of files that were changed",
        help="A content that does not have the hash of its name was changed or damaged after the backup. "
        "Without this, its file comes without it.",
        restore=Use(default=False),
        travels=False,
    ),
    *COURSE_OPTIONS,
    Option(
        name="backup_first",
        label="Back up the old content first",
        help="The old content of the course, with people and their work, goes to the store before it is replaced.",
        subject="course",
        archive_types=COURSE,
        targets=("replace",),
        restore=Use(default=True),
        travels=False,
    ),
    Option(
        name="included",
        label="Include the section",
        help="Without it, its activities are left out too.",
        level="section",
        backup=ON,
        restore=ON,
    ),
    Option(
        name="userinfo",
        label="People and their work",
        help="Participants, and what they made in the activities of the section.",
        subject="people",
        level="section",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
    Option(
        name="included",
        label="Include the activity",
        help="The activity with its settings and content.",
        level="activity",
        backup=WITH_ACTIVITIES,
        restore=WITH_ACTIVITIES,
    ),
    Option(
        name="userinfo",
        label="People and their work",
        help="Participants, and what they made: posts, submissions, attempts, grades.",
        subject="people",
        level="activity",
        backup=WITH_USERS,
        restore=WITH_USERS,
    ),
]

ROOT: dict[str, Option] = {option.name: option for option in TABLE if option.level == "root"}
ITEM: dict[tuple[str, str], Option] = {(o.level, o.name): o for o in TABLE if o.level != "root"}


OF_TYPE: dict[str, dict[str, Option]] = {}
"""Options that single activity types have, by the type and the name, as apps register them."""


def register(option: Option) -> None:
    """Add an option of an installed app, which calls this in its `AppConfig.ready`.

    It is one of the whole archive, or one of level "activity" for the type `modulename`: each activity of the type has it then,
    as `excursion_7_NAME`. Raises ValueError if the name is taken, or for an option of sections or of all activities.
    """
    taken = {*ROOT, *(name for _level, name in ITEM), *(name for found in OF_TYPE.values() for name in found)}
    if option.name in taken:
        raise ValueError(f"There is an option {option.name!r} already.")
    if (option.level == "activity") != bool(option.modulename) or option.level == "section":
        raise ValueError(
            f"The option {option.name!r} is for a whole archive, or for the activities of one type."
        )
    TABLE.append(option)
    if option.level == "root":
        ROOT[option.name] = option
    else:
        OF_TYPE.setdefault(option.modulename, {})[option.name] = option


def governs(name: str) -> bool:
    """Whether rows, members and files can name this option as the one that governs them."""
    return name in ROOT or any(name in found for found in OF_TYPE.values())


def options_for(operation: Operation, *, archive_type: ArchiveType | None = None) -> Iterator[Option]:
    """Yield the options of an operation, in the order in which forms show them.

    With `archive_type`, only those that have an effect in that archive type.
    """
    for option in TABLE:
        if option.use(operation) is not None and (
            archive_type is None or archive_type in option.archive_types
        ):
            yield option
