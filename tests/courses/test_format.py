"""docs/format.md is what the models say now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from lxml import etree

from archive.errors import NotFound
from courses import structure
from courses.format_page import COMMAND, document
from courses.members import described
from selection.options_page import documentation

PAGE = Path(__file__).parents[2] / "docs/format.md"


def test_the_formats_documentation_is_current() -> None:
    assert PAGE.read_text() == document(), f"docs/format.md is not what the models say now. Run: {COMMAND}"


def test_every_field_of_every_part_is_in_it() -> None:
    page = document()
    for one in described():
        assert one.path in page
    for model in structure.archived_models():
        element = structure.element(model)
        for field in (*element.leaves, *element.attributes):
            assert f"`@{field.tag}`" in page if field.attribute else f"| `{field.tag}` |" in page


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what `manage.py describe` says as JSON; it ends with an exit code other than 0 where that is said."""
    call_command("describe", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_command_prints_what_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--format")["text"] == document()
    assert told(capsys, "--options")["text"] == documentation()
    assert told(capsys, "--members")["text"].splitlines() == [one.path for one in described()]
    schema = told(capsys, "--schema", "activities/forum_12/forum.xml")["text"]
    etree.RelaxNG(etree.fromstring(schema.encode()))


def test_a_member_that_no_table_lists_has_no_schema() -> None:
    with pytest.raises(NotFound, match="is described"):
        call_command("describe", "--schema", "nothing.xml")


def test_the_command_validates_an_archive(fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--validate", str(fixtures / "rich1-users.mbz")) == {"valid": True, "findings": []}
    older = str(fixtures / "older" / "moodle_28_quiz.mbz")
    with pytest.raises(SystemExit, match="1"):
        told(capsys, "--validate", older)
    assert json.loads(capsys.readouterr().out)["valid"] is False
    assert told(capsys, "--validate", older, "--older")["valid"] is True
