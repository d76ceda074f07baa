"""Whole numbers from outside are read by `archive/numbers.py` and by nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.numbers import LARGEST, SMALLEST, is_id, natural, octal, whole, whole_or
from tests.conftest import PROJECT

ROOMS = (
    "archive",
    "audit",
    "backup",
    "config",
    "courses",
    "jobs",
    "notices",
    "restore",
    "selection",
    "transfer",
    "vault",
    "viewer",
)

OUR_OWN = (
    "time.time()", ".timestamp()", "bool(", "seconds", "fraction", "position", ".contextid", "new_id", "integer(",
)  # fmt: skip
"""Parts of expressions that are numbers of our own, or were read by `courses.fields.integer`, which is as strict."""

EXCEPTIONS = {
    ("archive/numbers.py", "*"): "the reader itself",
    ("archive/pseudonyms.py", "int(digest[:DIGITS], 16)"): "a digest that we made",
    ("backup/manifest.py", "int(context.selection.allows('files'))"): "a truth value",
    ("config/settings.py", "*"): "what the administrator sets in the environment",
    ("courses/bulk.py", "int(first)"): "a number of the database",
    ("courses/fields/*", "*"): "texts that were checked before: ASCII digits, fewer than 19",
    ("courses/services.py", "*"): "sums of the database",
    ("courses/sequences.py", "int(cursor.rowcount)"): "a number of the database",
    ("selection/values.py", "int(raw)"): "a truth value",
    ("viewer/templatetags/coursekeep.py", "int(value)"): "a count that a view gives",
    ("viewer/words.py", "int(value or 0)"): "a column of the database",
}
"""Calls of `int` that read nothing from outside, each with the reason."""

DIGIT_TESTS = {"isdigit", "isdecimal", "isnumeric"}
DIGITS_ALLOWED = {
    "archive/numbers.py": "the reader itself",
    "archive/details.py": "digits of telephone numbers, which stay texts",
    "courses/fields": "with isascii and a bound beside it, in the innermost loops of a restore",
    "selection/forms.py": "the title of a section, which stays a text",
}


def sources() -> Iterator[tuple[str, ast.AST]]:
    """Yield the modules of the rooms, by path."""
    for room in ROOMS:
        for file in sorted((PROJECT / room).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file.relative_to(PROJECT).as_posix(), ast.parse(Path(file).read_text(encoding="utf-8"))


def excepted(path: str, call: str) -> bool:
    if any(part in call for part in OUR_OWN):
        return True
    folder = path.rpartition("/")[0] + "/*"
    return any((place, said) in EXCEPTIONS for place in (path, folder) for said in (call, "*"))


def test_no_room_reads_a_number_by_int_alone() -> None:
    found = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "int"
        and node.args
        if not excepted(path, ast.unparse(node))
    ]
    assert found == [], "use archive.numbers, or name the exception with its reason"


def test_no_room_asks_whether_a_text_has_digits_of_any_script() -> None:
    found = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in DIGIT_TESTS
        if not path.startswith(tuple(DIGITS_ALLOWED))
    ]
    assert found == [], "use archive.numbers.natural"


NO_NUMBERS: list[object] = [
    "²", "٦٢", "\uff16", "1_0", "+1", " 1", "1 ", "", "-", "--1", "0x1", "1e1", "1.0", "9" * 20, "9" * 5000, "nan", None, 1.0,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_whole_number_of_64_bits_is_none(text: object) -> None:
    assert whole(text) is None
    assert natural(text) is None
    assert whole_or(text, 7) == 7
    assert not (isinstance(text, str) and is_id(text))


def test_whole_numbers_of_64_bits_are_read() -> None:
    assert [whole(text) for text in ("0", "007", "-5", b"12", 12)] == [0, 7, -5, 12, 12]
    assert (whole(str(LARGEST)), whole(str(LARGEST + 1))) == (LARGEST, None)
    assert (whole(str(SMALLEST)), whole(str(SMALLEST - 1))) == (SMALLEST, None)
    assert (whole("5", most=4), whole("-1", least=0), natural("-1"), natural("-0")) == (
        None,
        None,
        None,
        None,
    )
    assert (octal(b"0644"), octal(b"8"), octal(b""), octal(b"-1")) == (0o644, None, None, None)
