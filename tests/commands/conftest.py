"""What the tests of several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from archive.errors import CoursekeepError

Said = Callable[..., tuple[dict[str, Any], int]]
"""Runs a command with `--json`; returns what it says as data, and its exit code."""


@pytest.fixture
def said(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command with `--json`: what it says as data, and its exit code."""

    def run(*arguments: object) -> tuple[dict[str, Any], int]:
        code = 0
        try:
            call_command(*map(str, arguments), "--json")
        except SystemExit as end:
            code = int(end.code or 0)
        except CoursekeepError as error:
            code = error.exit_code
        output = capsys.readouterr().out
        assert output.count("\n") == 1
        data = json.loads(output)
        assert isinstance(data, dict)
        return data, code

    return run
