"""The core knows activity types by what they declare: its code names none of them, but where a reason is given here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("archive", "backup", "courses", "jobs", "restore", "selection", "vault")
OF_TYPES = ("courses/activities", "courses/questions", "courses/blocks", "courses/migrations")
NAMED = re.compile(r"\bqbank\b|quiz|mod_|subsection", re.IGNORECASE)

REASONS = {
    "archive/older/activities.py": "it reads older versions of single types as those of today",
    "archive/older/questions.py": "it reads older versions of questions and their quizzes as those of today",
    "archive/older/quiz.py": "it reads older versions of the quiz as those of today",
    "archive/versions.py": "it lists what older versions of single types had otherwise",
    "archive/manifest.py": "`insubsection` is the name of an element of the format's manifest",
    "archive/comparison/layouts.py": "it compares archives without the models, by the names of elements",
    "archive/comparison/rules.py": "it compares archives without the models, by the names of elements",
    "archive/comparison/structured.py": "it compares archives without the models, by the names of elements",
    "backup/manifest.py": "`insubsection` is the name of an element of the format's manifest",
    "backup/former_banks.py": "it knows the columns of question banks, which are activities",
    "courses/models/questions.py": "a category keeps the description of the question bank that it was, with its files",
    "courses/registry.py": "`mod_` is how the format begins the component of every activity type",
}
"""The modules of the core whose code may name a type, each with the reason."""


def modules() -> Iterator[str]:
    """The modules of the core, relative to the project; those of the types themselves are not in it."""
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if not name.startswith(OF_TYPES) and "/migrations/" not in name:
                yield name


def words(tree: ast.AST) -> Iterator[str]:
    """The names and texts in the code of a module; docstrings and other free-standing texts are for readers."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if (
                isinstance(child, ast.Constant)
                and isinstance(child.value, str)
                and not isinstance(node, ast.Expr)
            ):
                yield child.value
        for attribute in ("id", "attr", "name", "arg", "module"):
            if isinstance(value := getattr(node, attribute, None), str):
                yield value


def named_in(module: str) -> list[str]:
    """Return the parts of a module's code that look like the name of a type."""
    tree = ast.parse((PROJECT / module).read_text(encoding="utf-8"))
    return [word for word in words(tree) if NAMED.search(word)]


def test_no_module_of_the_core_names_a_type() -> None:
    naming = {module: found for module in modules() if (found := named_in(module)) and module not in REASONS}
    assert naming == {}


def test_every_reason_is_still_needed() -> None:
    there = set(modules())
    assert [module for module in REASONS if module in there and not named_in(module)] == []


def test_a_name_in_code_would_be_found_and_one_for_readers_not() -> None:
    assert [w for w in words(ast.parse("""'''A quiz.'''\nkind = x.quiz_id""")) if NAMED.search(w)] == [
        "quiz_id"
    ]
