"""Every command, option, setting and program that a message names is there."""

from __future__ import annotations

import ast
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import get_commands, load_command_class

from config.variables import VARIABLES
from selection.option import Operation
from selection.table import TABLE, options_for

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = (
    "archive", "audit", "backup", "config", "courses", "demo", "embedded_postgres", "jobs", "notices", "restore", "selection",
    "sign_in", "vault", "viewer",
)  # fmt: skip
COMMAND = re.compile(r"manage\.py (?P<name>[a-z_]+)(?P<rest>(?: (?:--?[a-z][a-z-]*|[a-z]+|[A-Z_]+))*)")
ARCHIVE_COMMAND = re.compile(r"python -m archive (?P<name>[a-z]+)")
PROGRAM = re.compile(r"\bbin/[a-z_]+")
OPTION = re.compile(r"(?<![\w?&/.])(?P<name>[a-z_]+)=(?P<value>[a-z0-9-]+(?:\.[0-9]+)*)\b")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"\b(?:COURSEKEEP_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")
SENTENCE = re.compile(r"[A-Z“][^<>{}]* [^<>{}]*")


class Text(NamedTuple):
    """A text in the source that people may read, the file that has it, and its line."""

    text: str
    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.relative_to(PROJECT)}:{self.line}: {self.text!r}"


def texts() -> list[Text]:
    """Return every string of the source that is no docstring; constant parts of an f-string are joined, values are `…`."""
    found: list[Text] = []
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                found += texts_of(path)
    return found


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the strings of one module."""
    tree = ast.parse(path.read_text())
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
            yield Text("".join(parts), path, node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside | bare:
            yield Text(node.value, path, node.lineno)


TEXTS = texts()
SENTENCES = [one for one in TEXTS if SENTENCE.search(one.text) and "SELECT" not in one.text]


def flags(command: str) -> set[str]:
    """Return the options of a management command."""
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    assert isinstance(parser, ArgumentParser)
    return set(parser._option_string_actions)


def own_commands() -> list[str]:
    """Return the names of the project's management commands."""
    return [name for name, app in get_commands().items() if str(app).partition(".")[0] in ROOMS]


def test_commands_that_a_message_names_exist_with_their_options() -> None:
    named = [(one, match) for one in TEXTS for match in COMMAND.finditer(one.text)]
    assert named
    for one, match in named:
        assert match["name"] in get_commands(), str(one)
        given = {word for word in match["rest"].split() if word.startswith("-")}
        assert given <= flags(match["name"]), str(one)


def test_commands_on_archives_that_a_message_names_exist() -> None:
    known = {path.stem for path in (PROJECT / "vault/management/commands").glob("*.py")}
    for one in TEXTS:
        for match in ARCHIVE_COMMAND.finditer(one.text):
            assert match["name"] in known, str(one)


def test_programs_that_a_message_names_exist() -> None:
    for one in TEXTS:
        for name in PROGRAM.findall(one.text):
            assert (PROJECT / name).exists(), str(one)


def test_options_of_commands_that_a_sentence_names_exist() -> None:
    known = {flag for command in own_commands() for flag in flags(command)}
    for one in SENTENCES:
        if one.path.parts[len(PROJECT.parts)] in ("demo", "embedded_postgres"):
            continue  # these name the options of the programs that they start
        for flag in FLAG.findall(one.text):
            assert flag in known, str(one)


OPERATIONS: dict[str, tuple[Operation, ...]] = {"backup": ("backup",), "restore": ("restore",)}


@pytest.mark.parametrize("room", ROOMS)
def test_options_of_a_backup_or_restore_that_a_sentence_names_exist_with_the_value(room: str) -> None:
    """A hint of a restore names options of restores, that of a backup those of backups."""
    named = 0
    for one in SENTENCES:
        if one.path.parts[len(PROJECT.parts)] != room:
            continue
        for match in OPTION.finditer(one.text):
            named += 1
            operations = OPERATIONS.get(room, ("backup", "restore"))
            options = [
                o for operation in operations for o in options_for(operation) if o.name == match["name"]
            ]
            assert options, str(one)
            assert any(takes(option.name, match["value"]) for option in options), str(one)
    if room == "restore":
        assert named


def takes(name: str, value: str) -> bool:
    """Whether an option has a value: 0 and 1 of a switch, or one of its choices."""
    for option in (one for one in TABLE if one.name == name):
        choices = {choice for choice, _ in option.choices} | {alias for alias, _ in option.aliases}
        if value in ({"0", "1"} if option.kind == "switch" else choices) or option.kind == "text":
            return True
    return False


def test_settings_that_a_message_names_are_read() -> None:
    for one in SENTENCES:
        for name in VARIABLE.findall(one.text):
            assert name in VARIABLES, str(one)
