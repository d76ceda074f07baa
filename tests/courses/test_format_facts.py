"""The models against the facts on Moodle 4.5's format: all that Moodle writes is described, and means the same here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import models

from courses import activities, links, structure
from courses.fields import ArchiveField, Echo, SiblingRef
from courses.members import Described, described
from courses.structure import Element, Wrapper
from tests import format_facts
from tests.conftest import PROJECT
from tests.format_facts import Fact, Facts

FOLDER = PROJECT / "tests" / "format"

NO_RECORDS = ("moodle_backup.xml", "inforef.xml of")
"""Members that say what the others hold; they have readers and writers of their own."""

KINDS = {
    "userid": "user",
    "userfinal": "user",
    "scalefinal": "scale",
    "rolefinal": "role",
    "groupfinal": "group",
}
KINDS |= {"outcomefinal": "outcome"}
"""Arrows that name a stage of a restore, and the kind that they mean."""

COLUMNS: dict[str, tuple[type[models.Field[Any, Any]], ...]] = {
    "int": (models.BigIntegerField, models.ForeignKey),
    "text": (models.CharField, models.TextField),
    "decimal": (models.DecimalField,),
    "float": (models.FloatField,),
    "real": (models.FloatField,),
}

OTHERWISE = {
    "feedback/site_after_submit": "with its links in full it may be longer",
    "lti/resourcekey": "encrypted it is longer",
    "lti/password": "encrypted it is longer",
    "grade_category/path": "new ids may have more digits",
    "category/name": "the table that was guessed is another one",
    "category/description": "the table that was guessed is another one",
    "grade_setting/value": "Moodle's tables allow NULL",
    "course/summaryformat": "a course that is made here is HTML; every archive says what it is",
    "section/summaryformat": "a section that is made here is HTML; every archive says what it is",
    "group/descriptionformat": "a group that is made here is HTML; every archive says what it is",
    "grouping/descriptionformat": "a grouping that is made here is HTML; every archive says what it is",
    "courseformatoption/courseid": "Moodle leaves it out",
    "preference/value": "since Moodle 5.0 it has no limit",
    "block_position/visible": "who says nothing sees it",
}
"""Columns that are not as Moodle's, each with the reason."""

NAMES_OF_5_1 = frozenset(
    {
        "assign/name",
        "bigbluebuttonbn/name",
        "book/name",
        "choice/name",
        "data/name",
        "feedback/name",
        "folder/name",
    }
    | {
        "forum/name",
        "glossary/name",
        "h5pactivity/name",
        "imscp/name",
        "label/name",
        "lesson/name",
        "lti/name",
    }
    | {"page/name", "quiz/name", "resource/name", "scorm/name", "subsection/name", "url/name", "wiki/name"}
    | {"workshop/name", "section/name", "item/name", "badge/name", "question_category/name"}
)

LONGER: dict[str, tuple[int, frozenset[str]]] = {
    "5.0": (1333, frozenset({"course/fullname"})),
    "5.1": (
        1333,
        NAMES_OF_5_1 | {"chapter/title", "badge/issuername", "grade_item/itemname"},
    ),
}
"""Texts that are longer since a version of Moodle: their length there, and their names."""

IDS = frozenset(
    {"parent", "privatereplyto", "grader", "allocatedmarker", "firstpost", "dependitem", "jumpto"}
)
IDS |= {"activitylink", "dependency", "trueanswer", "falseanswer", "frompageid", "launch", "iteminstance"}
"""Fields that are references although neither an arrow nor their name says so."""

NO_IDS = {
    "uuid guid": "tells a thing everywhere",
    "stateid": "a name that the content gives",
    "meetingid recordingid": "a name on the meetings' server",
    "mustapproveuser userlimit showuserpicture allowuserquitseb userconfirmquit pushratingstouserplans": "a setting",
    "username": "a name",
    "launchid clientid resourceid claimid sourceid membershipsid": "a name that others give",
    "objectiveid targetobjectiveid parent launch": "a name in the package",
    "templateid id": "belongs to the site and comes with its record",
    "competencyid frameworkid repositoryid instanceid": "belongs to the site",
}
"""Fields whose names look like references and that are none."""

MOVES_HERE = {
    ("quiz", "duedate"): "it is there since Moodle 5.3",
    ("bigbluebuttonbn", "openingtime"): "Moodle forgets it",
    ("bigbluebuttonbn", "closingtime"): "Moodle forgets it",
    ("course", "enrolstartdate"): "Moodle forgets it: a way into the course would be closed when it begins",
    ("course", "enrolenddate"): "Moodle forgets it: a way into the course would be closed when it begins",
    ("course", "timestart"): "of events of the calendar; the facts miss it",
    ("course", "timesort"): "of events of the calendar; the facts miss it",
    ("course", "expiredate"): "of badges; the facts miss it",
    ("course", "dateissued"): "of badges; the facts miss it",
    ("course", "datemet"): "of badges; the facts miss it",
}
"""Dates that move and that the facts do not name, with the reason."""


@dataclass(frozen=True)
class Met:
    """A field of the facts and what describes it; `chain` are the records around it, from the top down."""

    path: str
    fact: Fact
    field: Any
    chain: tuple[Element, ...]


@pytest.fixture(scope="module")
def facts() -> list[Facts]:
    return [one for one in format_facts.read(FOLDER) if not one.member.startswith(NO_RECORDS)]


@pytest.fixture(scope="module")
def met(facts: list[Facts]) -> list[Met]:
    """Every field of every member. Fails for an element, an attribute or a member that nothing describes."""
    found: list[Met] = []
    missing: list[str] = []
    for one in facts:
        member = member_of(one.member)
        if member is None or member.opaque:
            missing.append(one.member)
        elif member.record is not None:
            walk(one.root, member.record, (member.record,), one.member, found, missing)
        else:
            inside(one.root, {}, member.body, (), one.member, found, missing)
    assert missing == []
    return found


def member_of(path: str) -> Described | None:
    """Return the description of a member by the name that the facts give it; None if nothing describes it."""
    wanted = path.replace("sections/section_ID/", "S/").replace(".../blocks/NAME_ID/", "B/")
    for one in described():
        folder = {"section": "S/", "block": "B/", "activity": "activities/MOD_CMID/"}.get(
            one.member.scope, ""
        )
        names = {f"activities/{one.type}_CMID/{one.type}.xml"} if one.type else {f"{folder}{one.member.path}"}
        if wanted in names:
            return one
    return None


def walk(
    fact: Fact, element: Element, chain: tuple[Element, ...], path: str, found: list[Met], missing: list[str]
) -> None:
    """A record of the facts and its element."""
    attributes = {field.tag for field in element.attributes} | (
        {"id"} if element.model.archive_meta.numbered else set()
    )
    missing += [f"{path} @{name}" for name in set(fact.attributes) ^ attributes]
    fields: dict[str, Any] = {field.tag: field for field in element.leaves}
    fields |= {echo.tag: echo for echo in element.echoes}
    found.append(Met(path, fact, None, chain))
    inside(fact, fields, element.body, chain, path, found, missing)


def inside(
    fact: Fact,
    fields: dict[str, Any],
    body: tuple[Wrapper | Element, ...],
    chain: tuple[Element, ...],
    path: str,
    found: list[Met],
    missing: list[str],
) -> None:
    """Compare the elements in a record or a wrapper with the facts."""
    nodes = {node.tag: node for node in body}
    for child in fact.children:
        where, node = f"{path} {fact.name}/{child.name}", nodes.get(child.name)
        if child.name in fields:
            found.append(Met(where, child, fields[child.name], chain))
        elif isinstance(node, Wrapper):
            inside(child, {}, node.body, chain, where, found, missing)
        elif node is not None:
            walk(child, node, (*chain, node), where, found, missing)
        else:
            missing.append(where)


def columns(met: list[Met]) -> Iterator[tuple[Met, str]]:
    """The fields with a column of their own, each with the name by which an exception calls it."""
    for one in met:
        if isinstance(one.field, ArchiveField):
            yield one, f"{one.chain[-1].tag}/{one.fact.name}"


def differs(fact: Fact, column: Any) -> bool:
    """Whether a column is another one than Moodle's: in type, size, NULL or default."""
    name, _, size = fact.type.rstrip(")").partition("(")
    sizes = {"text": column.max_length, "decimal": None}.get(name)
    if name == "decimal":
        sizes = f"{column.max_digits},{column.decimal_places}"
    default = column.get_default() if column.has_default() else ""
    same = str(default or "") == fact.default or (fact.default and float(default or 0) == float(fact.default))
    return not (
        isinstance(column, COLUMNS[name]) and str(sizes or "") == size and column.null == fact.null and same
    )


def test_every_member_element_and_attribute_is_described(met: list[Met]) -> None:
    assert len(met) > 1500


def test_texts_are_as_long_as_the_newest_moodle_allows(met: list[Met]) -> None:
    lengths = {name: one.field.max_length for one, name in columns(met)}
    for length, names in LONGER.values():
        assert {name: lengths[name] for name in names} == dict.fromkeys(names, length)


def test_columns_are_moodles_or_say_why_not(met: list[Met]) -> None:
    longer = {name for _, names in LONGER.values() for name in names}
    odd = {name for one, name in columns(met) if one.fact.type and differs(one.fact, one.field)} - longer
    assert odd - OTHERWISE.keys() == set()
    assert OTHERWISE.keys() - odd == set(), "these explanations are out of date"


def test_every_arrow_is_a_reference_of_that_kind(met: list[Met]) -> None:
    wrong = [
        f"{one.path} -> {one.fact.refers}"
        for one in met
        if one.fact.refers
        and not isinstance(one.field, Echo)
        and one.field.refers != KINDS.get(one.fact.refers, one.fact.refers)
    ]
    assert wrong == []


def test_what_looks_like_a_reference_is_one_or_says_why_not(met: list[Met]) -> None:
    plain = {
        one.fact.name
        for one, _ in columns(met)
        if not one.field.refers
        and not isinstance(one.field, SiblingRef)
        and (one.fact.name.endswith(("id", "by")) or "user" in one.fact.name or one.fact.name in IDS)
    }
    explained = {name for names in NO_IDS for name in names.split()}
    assert plain - explained == set()
    assert explained - plain == set(), "these explanations are out of date"


def test_every_file_area_belongs_to_the_record_whose_id_its_items_have(met: list[Met]) -> None:
    kinds = structure.item_types("files")
    wrong = []
    for one in met:
        for area in one.fact.areas:
            name, _, item = area.rstrip("]").partition("[")
            component, _, place = name.partition("/")
            around = {structure.item_type_of(element.model) for element in one.chain}
            if item and kinds.get((component, place)) not in around:
                wrong.append(f"{one.path}: {area}")
    assert wrong == []


def test_every_token_stands_for_its_address(facts: list[Facts]) -> None:
    named = format_facts.tokens(FOLDER / "link-tokens.txt")
    for one in facts:
        named += one.tokens
    known = links.links()
    assert len(named) > 60
    for token, address, kinds in named:
        assert token in known, token
        assert (known[token].address, known[token].item_types) == (address, kinds)


def test_every_field_that_can_hold_links_is_searched_for_them(facts: list[Facts], met: list[Met]) -> None:
    by_member: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for one, _ in columns(met):
        by_member[one.path.split(" ")[0]][one.fact.name] = one.field
    wrong = [
        f"{one.member}: {name}"
        for one in facts
        for name in one.texts
        if name in by_member[one.member] and not by_member[one.member][name].links
    ]
    assert wrong == []


def test_the_dates_that_move_are_those_that_moodle_moves() -> None:
    expected = {
        (kind, name)
        for kind, names in format_facts.dates(FOLDER / "restore-facts.txt").items()
        for name in names
    }
    found = set()
    for model in structure.archived_models():
        kind = (
            model.__module__.split(".")[2] if model.__module__.startswith("courses.activities.") else "course"
        )
        moving = (one for one in model._meta.concrete_fields if isinstance(one, ArchiveField) and one.shifts)
        found |= {(kind, one.tag) for one in moving}
    assert {kind for kind, _ in expected} <= {"course", *activities.types()}
    assert expected - found == set()
    assert found - expected == MOVES_HERE.keys()
