"""Which rule a field is compared by: told by its path, by its parent and name, or by its name alone.

Source: the format's fields and references (`-> kind`), the facts on what a restore maps, and real archives.
"""

from __future__ import annotations

from functools import lru_cache

from archive.comparison import canonical
from archive.comparison.canonical import Canonise, Rule

# Attributes that are ids, and the version of the plugin that wrote the record.
ATTRIBUTES_ASIDE = frozenset({"id", "contextid", "moduleid", "backup_id", "version"})

INFORMATION = "moodle_backup/information"
# Facts of the backup itself; and what a restore has to change in the course: its names and number must stay
# unique, and its category is another one (the names are compared apart, see compare).
FACTS = frozenset(
    {
        f"{INFORMATION}/name",
        f"{INFORMATION}/moodle_version",
        f"{INFORMATION}/moodle_release",
        f"{INFORMATION}/backup_version",
        f"{INFORMATION}/backup_release",
        f"{INFORMATION}/backup_date",
        f"{INFORMATION}/original_wwwroot",
        f"{INFORMATION}/original_site_identifier_hash",
        f"{INFORMATION}/original_course_id",
        f"{INFORMATION}/original_course_fullname",
        f"{INFORMATION}/original_course_shortname",
        f"{INFORMATION}/original_course_contextid",
        f"{INFORMATION}/original_system_contextid",
        f"{INFORMATION}/details/detail/interactive",
        f"{INFORMATION}/details/detail/mode",
        f"{INFORMATION}/details/detail/execution",
        f"{INFORMATION}/details/detail/executiontime",
        f"{INFORMATION}/contents/course/title",
        "course/shortname",
        "course/fullname",
        "course/idnumber",
        "course/category/name",
        "course/category/description",
    }
)

# fmt: off
REFERENCES: dict[str, tuple[str, ...]] = {
    "user": (
        "userid", "usermodified", "usercreated", "reviewerid", "recipientid", "raterid", "loggeduser",
        "issuerid", "gradinggradeoverby", "gradeoverby", "grader", "createdby", "modifiedby", "authorid",
        "allocatedmarker", "modifierid", "realuserid", "relateduserid", "ownerid", "privatereplyto",
    ),
    "group": ("groupid",),
    "grouping": ("groupingid", "teamsubmissiongroupingid", "defaultgroupingid"),
    "role": ("roleid", "role", "issuerrole", "roleinstructor", "rolelearner"),
    "scale": ("scaleid", "rawscaleid"),
    "outcome": ("outcomeid",),
    "badge": ("badgeid", "relatedbadgeid"),
    "context": ("contextid", "parentcontextid", "questionscontextid", "usingcontextid"),
    "module": ("moduleid", "cmid", "parentcmid", "moduleinstance"),
    "section": ("sectionid",),
    "grade_item": ("gradeitemid",),
    "question_category": ("questioncategoryid",),
    "question_bank_entry": ("questionbankentryid",),
    "question": ("questionid",),
    "answer": ("trueanswer", "falseanswer"),
}
# By parent element and name, where the name alone does not tell.
REFERENCES_UNDER: dict[tuple[str, str], str] = {
    ("grade_category", "parent"): "grade_category",
    ("grade_item", "categoryid"): "grade_category",
    ("question_category", "parent"): "question_category",
    ("dataset_definition", "category"): "question_category",
    ("question", "parent"): "question",
    ("multianswer", "question"): "question",
    ("lesson", "activitylink"): "module",
    ("calculated_record", "answer"): "answer",
    ("numerical_record", "answer"): "answer",
}
# The lists of inforef.xml: <user><id>, <group><id> and so on.
LISTED = (
    "user", "group", "grouping", "role", "file", "scale", "outcome", "grade_item", "question_category",
)
# References to a record of the same member.
LOCAL_UNDER: dict[tuple[str, str], str] = {
    ("post", "parent"): "post",
    ("discussion", "firstpost"): "post",
    ("data", "defaultsort"): "field",
    ("item", "dependitem"): "item",
    ("value", "item"): "item",
    ("value", "completed"): "completed",
    ("scorm", "launch"): "sco",
    ("answer", "jumpto"): "page",
    ("branch", "nextpageid"): "page",
    ("page", "prevpageid"): "page",
    ("page", "nextpageid"): "page",
    ("feedback_comments", "grade"): "grade",
    ("feedback_file", "grade"): "grade",
    ("submission_file", "submission"): "submission",
    ("submission_onlinetext", "submission"): "submission",
    **{
        (f"workshopform_{strategy}_{grade}", "dimensionid"): f"workshopform_{strategy}_dimension"
        for strategy in ("accumulative", "comments", "numerrors", "rubric")
        for grade in ("grade", "examplegrade", "referencegrade")
    },
}
# A field called <tag>id refers to a record of that name in its member.
LOCAL_TARGETS = frozenset((
    *LOCAL_UNDER.values(), "option", "discussion", "chapter", "answer", "attempt", "record", "entry",
    "category", "criterion", "level", "guidecriterion",
))
# Ids of what lies around the record anyway, or of what no archive tells.
IDENTIFIERS = frozenset((
    "assignment", "forum", "quiz", "glossary", "course", "courseinstance", "instance", "id",
))
NO_IDENTIFIERS = frozenset((
    "guid", "uuid", "valid", "invalid", "paid", "grid", "claimid", "meetingid", "recordingid",
))
# fmt: on


@lru_cache(maxsize=4096)
def rule_for(path: str) -> Rule:
    """The rule of a field, by its path of element names from the root of its member."""
    above, _, name = path.rpartition("/")
    parent = above.rpartition("/")[2]
    if path in FACTS:
        return Rule("aside")
    if found := UNDER.get((parent, name)) or NAMED.get(name):
        return found
    if name.endswith("id") and name not in NO_IDENTIFIERS:
        stem = name.removesuffix("id").rstrip("_")
        return Rule("local", target=stem) if stem in LOCAL_TARGETS else _reference(canonical.identifier)
    return _value(canonical.canonical_text)


def _value(canonise: Canonise) -> Rule:
    return Rule("value", canonise)


def _reference(canonise: Canonise, item_type: str = "") -> Rule:
    return Rule("reference", canonise, item_type)


def _referring_to(item_type: str) -> Rule:
    return _reference(canonical.referring_to(item_type), item_type)


NAMED: dict[str, Rule] = {
    **{name: _referring_to(item_type) for item_type, names in REFERENCES.items() for name in names},
    **dict.fromkeys(IDENTIFIERS, _reference(canonical.identifier)),
    **dict.fromkeys(("scale", "grade", "grade_forum"), _value(canonical.grade_or_scale)),
    **dict.fromkeys(("availability", "availabilityjson"), _value(canonical.availability)),
    "filtercondition": _value(canonical.question_filter),
    "calculation": _value(canonical.calculation),
    "configdata": _value(canonical.block_settings),
}
UNDER: dict[tuple[str, str], Rule] = {
    **{place: _referring_to(item_type) for place, item_type in REFERENCES_UNDER.items()},
    **{(item_type, "id"): _referring_to(item_type) for item_type in LISTED},
    **{place: Rule("local", target=target) for place, target in LOCAL_UNDER.items()},
    ("section", "sequence"): _reference(canonical.modules),
    ("multianswer", "sequence"): _reference(canonical.question_list),
    ("grade_category", "path"): _reference(canonical.category_path),
    ("grade_item", "iteminstance"): _reference(canonical.item_instance),
    ("user", "picture"): _reference(canonical.picture),
    ("group", "picture"): _reference(canonical.picture),
    ("grouping", "picture"): _reference(canonical.picture),
    ("lesson", "dependency"): _reference(canonical.identifier),
    ("bigbluebuttonbn", "participants"): _value(canonical.participants),
    ("attempt", "useranswer"): _value(canonical.chosen_answers),
    ("rating", "scaleid"): _value(canonical.grade_or_scale),
    ("variable", "name"): _value(canonical.step_name),
    ("variable", "value"): _value(canonical.step_value),
    ("parameter", "name"): _value(canonical.criterion_name),
    ("parameter", "value"): _value(canonical.criterion_value),
    ("logstore_standard_log", "other"): _value(canonical.logged_details),
    ("logstore_database_log", "other"): _value(canonical.logged_details),
    ("log", "url"): _value(canonical.logged_address),
    ("log", "meta"): _value(canonical.meeting_details),
    ("enrol", "customint2"): _value(canonical.method_group),
    ("setting", "name"): _value(canonical.setting_name),
    ("setting", "section"): _reference(canonical.setting_name),
    ("setting", "activity"): _reference(canonical.setting_name),
    ("setting", "value"): _value(canonical.setting_value),
    ("activity", "directory"): Rule("aside"),
    ("section", "directory"): Rule("aside"),
}
