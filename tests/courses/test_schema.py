"""The generated schema: archives of Moodle and of this site fit it, and what is not right does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from archive import xml
from archive.container import open_archive
from courses import schema
from courses.members import Described, described, description_of
from tests.jobs_done import back_up, restore

MOODLE = [
    "generated_s.mbz",
    "rich1-users.mbz",
    "rich1-users-zip.mbz",
    "rich1-nousers.mbz",
    "rich1-section.mbz",
    "rich1-activity-forum.mbz",
]
OLDER = [
    "older/availability_26_format.mbz",
    "older/moodle_28_quiz.mbz",
    "older/moodle_311_quiz.mbz",
    "older/question_category_34_format.mbz",
]
WITHOUT_COURSE = {"rich1-section.mbz", "rich1-activity-forum.mbz"}
LABEL = """<activity id="3" moduleid="4" modulename="label" contextid="5">
  <label id="3">
    <name>Nächste Woche 🙂</name>
    <intro>&lt;p&gt;Hello&lt;/p&gt;</intro>
    <introformat>1</introformat>
    <timemodified>1700000000</timemodified>
  </label>
</activity>"""


def problems(path: Path, *, older: bool = False) -> list[str]:
    """What the schema says of an archive."""
    with open_archive(path) as archive:
        return [finding.sentence() for finding in schema.violations(archive, older=older)]


@pytest.mark.parametrize("name", MOODLE)
def test_what_moodle_writes_is_valid(fixtures: Path, name: str) -> None:
    found = [problem for problem in problems(fixtures / name) if not problem.startswith("badges.xml")]
    assert found == []
    # In the archive of a part of a course Moodle leaves out what it takes to get a badge.
    assert problems(fixtures / name) == [] or name == "rich1-section.mbz"


@pytest.mark.parametrize("name", OLDER)
def test_what_older_versions_wrote_lacks_elements_and_is_valid_otherwise(fixtures: Path, name: str) -> None:
    assert problems(fixtures / name) != []
    assert problems(fixtures / name, older=True) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [*MOODLE, *OLDER])
def test_what_is_backed_up_from_a_restored_archive_is_valid(
    fixtures: Path, tmp_path: Path, name: str
) -> None:
    course = restore(fixtures / name).course
    assert problems(back_up(course, tmp_path / "again.mbz")) == []
    assert problems(back_up(course, tmp_path / "nobody.mbz", users=0)) == []
    assert problems(back_up(course, tmp_path / "hidden.mbz", anonymize=1)) == []


@pytest.mark.parametrize("one", list(described()), ids=lambda one: one.path)
def test_every_member_has_a_schema_that_compiles(one: Described) -> None:
    again = description_of(one.path)
    assert again is not None
    assert (again.path, again.opaque) == (one.path, one.opaque)
    root = etree.fromstring(f"<{one.member.root}/>")
    for older in (False, True):
        compiled = etree.RelaxNG(etree.fromstring(schema.document(one, older=older)))
        assert not compiled.validate(etree.Element("something_else"))
        assert compiled.validate(root) or not one.opaque


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<introformat>1</introformat>", "<introformat>one</introformat>"),
        ("<introformat>1</introformat>", "<introformat></introformat>"),
        ("<introformat>1</introformat>", ""),
        ("<introformat>1</introformat>", "<introformat>1</introformat><introformat>1</introformat>"),
        ("<introformat>1</introformat>", "<introformat>9999999999999999999999</introformat>"),
        ("<timemodified>1700000000</timemodified>", "<timemodified>$@NULL@$</timemodified>"),
        ("<name>Nächste Woche 🙂</name>", f"<name>{'🙂' * 1334}</name>"),
        ('id="3" moduleid', 'id="x" moduleid'),
        ('<label id="3">', "<label>"),
        ("</label>", "</label><other/>"),
    ],
)
def test_what_is_not_right_is_refused(old: str, new: str) -> None:
    assert old in LABEL
    assert not _valid(LABEL.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("<introformat>1</introformat>", "<introformat>$@NULL@$</introformat>"),
        ("<name>Nächste Woche 🙂</name>", f"<name>{'🙂' * 1333}</name>"),
        ("</label>", '<plugin_x a="1"><b>kept</b></plugin_x></label>'),
        ("<introformat>1</introformat>", "<extra/><introformat>1</introformat>"),
    ],
)
def test_what_is_right_or_kept_is_taken(old: str, new: str) -> None:
    assert _valid(LABEL.replace(old, new))


def _valid(document: str) -> bool:
    compiled = schema.of_member("activities/label_4/label.xml")
    assert compiled is not None
    return bool(compiled.validate(xml.parse(document.encode(), member="label.xml")))


def test_a_member_is_found_by_its_path_in_an_archive() -> None:
    for path in ("course/blocks/html_3/block.xml", "activities/forum_2/blocks/html_3/block.xml"):
        found = description_of(path)
        assert found is not None
        assert found.member.path == "block.xml"
    assert description_of("activities/forum_2/blocks/html_3/roles.xml") != description_of(
        "activities/forum_2/roles.xml"
    )
    assert description_of("something/else.xml") is None
    assert schema.of_member("something/else.xml") is None
