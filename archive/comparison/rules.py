"""Decides how each element of an archive is compared. Given the path of an element, `rule_for` returns its rule.

    activity/forum/discussions/discussion/posts/post/subject   value      "Hello"  = "Hello"
                                                 .../userid    reference  12 -> "user:'anna'"  = 507 -> "user:'anna'"
                                                 .../parent    local      the reply to the record <post id="62">
    moodle_backup/information/backup_date                      aside      not compared

The first of these that applies:

1. `FACTS`        the whole path is a fact of the backup itself
2. `SPECIAL`      record and name: values with a form of their own
3. the table      record and name: references of described records (`archive.references`)
4. `SPECIAL_NAMES` the name alone: values with a form of their own, wherever they stand
5. the table      the name alone: references and scales
6. `...id`        the naming of the format: an id, of the item type in the name or of an unknown one
7. otherwise      a value

In a plugin's own records, a name by which others of the member refer to the record around them is that, if the value is its id.

Source: format facts (references `-> kind`, restore-facts.txt) and the archives of the fixtures.
"""

from __future__ import annotations

from functools import lru_cache

from archive import inforef, references
from archive.comparison import canonical, structured
from archive.comparison.canonical import Canonise, Rule
from archive.comparison.identities import ITEM_TYPES
from archive.references import Reference

ATTRIBUTES_ASIDE = frozenset({"id", "contextid", "moduleid", "backup_id", "version"})
"""Attributes that are not compared: ids, and the version of the plugin that wrote the record."""

INFORMATION = "moodle_backup/information"
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
"""Paths of facts of the backup itself, and of fields that a restore has to change in the course.

Short name, full name and id number must be unique on a site (`compare` checks them separately), and the category is another.
"""

RECORDS_ASIDE = frozenset({"moodle_backup/integrity"})
"""Paths of elements that are not compared with all that is in them: digests and the signature of the whole archive."""

IDENTIFIERS = frozenset({"quiz", "glossary", "courseinstance", "id"})
"""Names of ids that are not compared: they refer to a record around this one, or to one that no archive holds."""

NO_IDENTIFIERS = frozenset(
    {"guid", "uuid", "valid", "invalid", "paid", "grid", "claimid", "meetingid", "recordingid"}
)
"""Names that end in `id` and are values."""


@lru_cache(maxsize=4096)
def rule_for(path: str) -> Rule:
    """Return the rule for an element, given its path: the names from the member's root to itself, with slashes between."""
    if path in FACTS:
        return ASIDE
    above, _, name = path.rpartition("/")
    record = above.rpartition("/")[2]
    if (special := SPECIAL.get((record, name))) is not None:
        return special
    if (reference := references.described().get((record, name))) is not None:
        return _rule_of(reference)
    if (elements := references.names_of_records().get(name)) is not None and _is_plugins_own(above, record):
        return _value(canonical.record_around(elements))
    return SPECIAL_NAMES.get(name) or _rule_of_name(name)


def _is_plugins_own(above: str, record: str) -> bool:
    """Whether a record stands in a part of a plugin and no model describes it."""
    parts = above.split("/")[:-1]
    return any(map(references.is_plugin_part, parts)) and record not in _described_records()


@lru_cache(maxsize=1)
def _described_records() -> frozenset[str]:
    return frozenset(record for record, _ in references.described())


def _rule_of(reference: Reference) -> Rule:
    """Return the rule for a reference in a described record."""
    if reference.form == "scale":
        return _value(canonical.grade_or_scale)
    if reference.form == "path":
        return _reference(canonical.path_of(*reference.item_types))
    if reference.form == "list":
        return _reference(canonical.list_of(*reference.item_types))
    if len(reference.item_types) == 1 and reference.item_types[0] in ITEM_TYPES:
        return _referring_to(reference.item_types[0])
    if reference.elements:
        return Rule("local", elements=reference.elements)
    return ANY_ID


def _rule_of_name(name: str) -> Rule:
    """Return the rule for an element, given its name only: its record is opaque, or it is no reference in that record."""
    item_type = references.by_name().get(name)
    if item_type is not None:
        return _referring_to(item_type) if item_type in ITEM_TYPES else ANY_ID
    if name in references.scale_names():
        return _value(canonical.grade_or_scale)
    if name in IDENTIFIERS or name in references.instances():
        return ANY_ID
    if name.endswith("id") and name not in NO_IDENTIFIERS:
        return _rule_of_id(name.removesuffix("id").rstrip("_"))
    return _value(canonical.canonical_text)


def _rule_of_id(stem: str) -> Rule:
    """Return the rule for an element called `<stem>id`; `stem` is an item type, an element of the member, or unknown."""
    item_type = WITHOUT_UNDERSCORES.get(stem)
    if item_type is not None:
        return _referring_to(item_type)
    return Rule("local", elements=(stem,)) if stem in references.elements() else ANY_ID


def _value(canonise: Canonise) -> Rule:
    return Rule("value", canonise)


def _reference(canonise: Canonise, item_type: str = "") -> Rule:
    return Rule("reference", canonise, item_type)


def _referring_to(item_type: str) -> Rule:
    return _reference(canonical.referring_to(item_type), item_type)


ASIDE = Rule("aside")
ANY_ID = _reference(canonical.identifier)
"""The rule for ids of records that cannot be identified: any two numbers are equal."""

WITHOUT_UNDERSCORES = {item_type.replace("_", ""): item_type for item_type in ITEM_TYPES}

SPECIAL_NAMES: dict[str, Rule] = {
    "availability": _value(structured.availability),
    "availabilityjson": _value(structured.availability),
    "filtercondition": _value(structured.question_filter),
    "calculation": _value(canonical.calculation),
    "configdata": _value(structured.block_settings),
}
SPECIAL: dict[tuple[str, str], Rule] = {
    **{(item_type, "id"): _referring_to(item_type) for item_type in inforef.GROUPS},
    ("multianswer", "sequence"): _reference(canonical.question_list),
    ("grade_item", "iteminstance"): _reference(canonical.item_instance),
    ("user", "picture"): _reference(canonical.has_picture),
    ("group", "picture"): _reference(canonical.has_picture),
    ("grouping", "picture"): _reference(canonical.has_picture),
    ("bigbluebuttonbn", "participants"): _value(structured.participants),
    ("attempt", "useranswer"): _value(canonical.chosen_answers),
    ("variable", "name"): _value(canonical.step_name),
    ("variable", "value"): _value(canonical.step_value),
    ("parameter", "name"): _value(canonical.criterion_name),
    ("parameter", "value"): _value(canonical.criterion_value),
    ("logstore_standard_log", "other"): _value(structured.logged_details),
    ("logstore_database_log", "other"): _value(structured.logged_details),
    ("log", "url"): _value(structured.logged_address),
    ("log", "meta"): _value(structured.meeting_details),
    ("enrol", "customint2"): _value(canonical.method_group),
    ("setting", "name"): _value(canonical.setting_name),
    ("setting", "section"): _reference(canonical.setting_name),
    ("setting", "activity"): _reference(canonical.setting_name),
    ("setting", "value"): _value(canonical.setting_value),
    ("activity", "directory"): ASIDE,
    ("section", "directory"): ASIDE,
}
