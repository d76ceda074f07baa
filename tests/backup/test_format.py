"""FORMAT.md is what the models say now."""

from __future__ import annotations

from pathlib import Path

from backup.description import described
from backup.format import COMMAND, document
from courses import structure

PAGE = Path(__file__).parents[2] / "FORMAT.md"


def test_the_formats_documentation_is_current() -> None:
    assert PAGE.read_text() == document(), f"FORMAT.md is not what the models say now. Run: {COMMAND}"


def test_every_field_of_every_part_is_in_it() -> None:
    page = document()
    for one in described():
        assert one.path in page
    for model in structure.parts():
        element = structure.element(model)
        for field in (*element.leaves, *element.attributes):
            assert f"`@{field.tag}`" in page if field.attribute else f"| `{field.tag}` |" in page
