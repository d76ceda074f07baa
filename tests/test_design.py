"""The page on the design describes the house as it is: what it names is there, and what the house stands on is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.requirements import REQUIREMENTS, pinned

PROJECT = Path(__file__).parents[1]
GUIDES = ("docs/new-activity-type.md", "docs/new-member.md", "docs/new-option.md")
PAGES = (
    *(
        "docs/design.md",
        "docs/fidelity.md",
        *GUIDES,
        "docs/deployment.md",
        "docs/disaster.md",
        "docs/security.md",
        "docs/sign-in.md",
        "docs/tour.md",
    ),
    *("CONTRIBUTING.md", "README.md", "SECURITY.md"),
)
EXAMPLES = {
    "coursekeep-site.txt",
    "courses/activities/poll.py",
    "courses/models/bookmarks.py",
    "course/bookmarks.xml",
}
"""What the guides show how to make: the files that are not there yet."""

CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?\Z")
PICTURE = re.compile(r"!\[[^]]*]\(([^)\s]+)")
FILES = (".py", ".md", ".toml", ".txt")


def named(page: str) -> set[str]:
    """The files and folders of the project that a page names: whatever begins as one or ends as one."""
    tops = {path.name for path in PROJECT.iterdir() if path.is_dir()} - {"var", "activities"}
    found = set()
    for text in CODE.findall((PROJECT / page).read_text()):
        if PATH.match(text) and ("/" in text or text.endswith(FILES)):
            first = text.partition("/")[0]
            if first in tops or ("/" not in text and text.endswith(FILES)):
                found.add(text)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    files = named(page)
    assert files
    missing = {name for name in files - EXAMPLES if not (PROJECT / name).exists()}
    assert missing == set(), f"{page} names what is not there: {sorted(missing)}"


def test_the_drawing_of_the_house_says_what_import_linter_holds() -> None:
    page = (PROJECT / "docs" / "design.md").read_text()
    drawing = page.partition("## The house")[2].split("```")[1]
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rooms = set(contracts["root_packages"])
    # The first 52 characters of a line are the drawing, the rest says what the rooms are.
    drawn = [set(re.findall(r"\w+", line[:52])) & rooms for line in drawing.splitlines()]
    layers = [set(layer.split(" | ")) for layer in contracts["contracts"][0]["layers"]]
    assert [line for line in drawn if line] == layers
    assert set().union(*layers) == rooms
    folders = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests"}
    assert folders == rooms, "a room that no contract names"


def test_every_dependency_is_named_with_its_reason() -> None:
    page = (PROJECT / "docs" / "design.md").read_text()
    missing = {
        name
        for file in REQUIREMENTS
        for name in pinned(PROJECT / file)
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page, re.IGNORECASE)
    }
    assert missing == set(), f"docs/design.md does not say why these are needed: {sorted(missing)}"


def test_every_picture_in_docs_is_shown_and_every_picture_shown_is_there() -> None:
    pages = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    shown = {
        (page.parent / name).resolve()
        for page in pages
        for name in PICTURE.findall(page.read_text())
        if not name.startswith("http")
    }
    there = [path for kind in ("*.png", "*.svg") for path in (PROJECT / "docs").rglob(kind)]
    assert shown == {path.resolve() for path in there}
