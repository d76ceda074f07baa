"""What messages tell people to choose can be chosen."""

from __future__ import annotations

import ast
import re
from typing import get_args

import pytest

from selection.option import Operation
from selection.table import options_for
from tests.conftest import PROJECT

HINTED = re.compile(r"(?:(backup|restore) option )?\b([a-z_]+)=[01a-z-]+\)")
"""An option with a value at the end of a bracket, and the operation if it is not the one whose message it is."""


@pytest.mark.parametrize("operation", ["backup", "restore"])
def test_options_named_in_messages_are_options_of_that_operation(operation: Operation) -> None:
    names = {each: {option.name for option in options_for(each)} for each in get_args(Operation)}
    found = [
        (match[1] or operation, match[2])
        for path in sorted((PROJECT / operation).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.rstrip().endswith(".")
        for match in HINTED.finditer(node.value)
    ]
    assert found or operation == "backup"
    assert [one for one in found if one[1] not in names[one[0]]] == []
