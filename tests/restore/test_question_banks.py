"""Questions of an activity that did not come with the course find their place in it."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from tests.archive.sample import HEAD
from tests.archives_made import small, texts
from tests.jobs_done import back_up, faults, restore


def category(number: int, name: str, parent: int, context: int, level: int) -> str:
    return (
        f'<question_category id="{number}"><name>{name}</name><contextid>{context}</contextid>'
        f"<contextlevel>{level}</contextlevel>"
        f"<contextinstanceid>2</contextinstanceid><info></info><infoformat>0</infoformat><stamp>{name}+{number}</stamp>"
        f"<parent>{parent}</parent><sortorder>0</sortorder><idnumber>$@NULL@$</idnumber><question_bank_entries>\n"
        "</question_bank_entries></question_category>"
    )


CATEGORIES = "".join(
    (
        category(290, "top", 0, 999, 70),
        category(291, "Of a quiz elsewhere", 290, 999, 70),
        category(300, "top", 0, 101, 50),
        category(301, "Of the course", 300, 101, 50),
    )
)
LISTED = "".join(
    f"<question_category><id>{number}</id></question_category>" for number in (290, 291, 300, 301)
)


def test_two_categories_at_the_top_become_one_and_lists_name_it_once(
    transactional_db: None, tmp_path: Path
) -> None:
    source = small(
        tmp_path / "a.mbz",
        {
            "questions.xml": f"{HEAD}<question_categories>{CATEGORIES}</question_categories>".encode(),
            "course/inforef.xml": (
                "</inforef>",
                f"<question_categoryref>{LISTED}</question_categoryref></inforef>",
            ),
        },
    )
    restored = restore(source)
    assert "questions-moved" in restored.findings
    again = back_up(restored.course, tmp_path / "b.mbz")
    assert faults(again) == []
    found = texts(again)
    categories = etree.fromstring(found["questions.xml"].encode())
    assert [each.findtext("name") for each in categories] == ["Of a quiz elsewhere", "top", "Of the course"]
    assert categories[1].findtext("stamp") == "top+300", "it is the course's own that stays"
    assert {each.findtext("parent") for each in categories} == {"0", categories[1].get("id")}
    listed = etree.fromstring(found["course/inforef.xml"].encode())
    numbers = [each.findtext("id") for each in listed.iterfind("question_categoryref/question_category")]
    assert len(numbers) == len(set(numbers)) == 3
