"""How the code is worded: class names with one meaning, first lines that say what a thing is, modules named for nouns."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOMS = sorted(path.parent for path in PROJECT.glob("*/__init__.py") if path.parent.name != "tests")
RIDDLE = re.compile(r"(What|That|Those|Of |By |Who |Where |From |Into |In which|Beside)")
"""How a first line begins that has to be read twice."""

NO_NAME = re.compile(r"utils?|helpers?|managers?|misc|common")
SAME_BY_DESIGN = frozenset({"Command"})
"""Classes whose name Django or a door prescribes, one in each module."""

Named = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the rooms but the migrations, with its syntax tree."""
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(PROJECT), ast.parse(path.read_text(encoding="utf-8"))


def test_a_public_class_name_has_one_meaning() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in sources():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.as_posix())
    twice = {name: places for name, places in found.items() if len(places) > 1 and name not in SAME_BY_DESIGN}
    assert twice == {}


def test_no_first_line_of_a_docstring_is_a_riddle() -> None:
    riddles = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, Named):
                first = (ast.get_docstring(node) or "").partition("\n")[0]
                if RIDDLE.match(first):
                    riddles.append(f"{path}:{getattr(node, 'lineno', 1)}: {first}")
    assert riddles == []


@pytest.mark.parametrize("line", ["What a list names of a kind.", "Of these plugins a record has one."])
def test_a_riddle_would_be_found(line: str) -> None:
    assert RIDDLE.match(line)
    assert not RIDDLE.match("Whether a record comes along.")


def test_no_module_is_called_after_nothing() -> None:
    assert [path.as_posix() for path, _ in sources() if NO_NAME.fullmatch(path.stem)] == []


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    silent = [path.as_posix() for path, tree in sources() if tree.body and not ast.get_docstring(tree)]
    assert silent == []
