"""The commands on archives: one JSON object on standard output, exit codes from the error classes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from archive.errors import NotAnArchive
from tests.archive import sample

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.pack(sample.members()))
    return str(path)


@pytest.fixture
def other(tmp_path: Path) -> str:
    path = tmp_path / "b.mbz"
    contents = sample.members(shift=100)
    contents["users.xml"] = contents["users.xml"].replace(b"anna@", b"hanna@")
    path.write_bytes(sample.pack(contents, container="zip"))
    return str(path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, int]:
    """What a command says as JSON, and its exit code."""
    code = 0
    try:
        call_command(*arguments, "--json")
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(capsys.readouterr().out), code


def test_compare_tells_the_differences(archive: str, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, code = told(capsys, "compare", archive, other)
    assert (data["equal"], code) == (False, 1)
    assert [each["path"] for each in data["differences"]] == ["users/user/email"]


def test_compare_of_equals_ends_well(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, code = told(capsys, "compare", archive, archive)
    assert (data["equal"], data["leaves"]["share"], code) == (True, 1.0, 0)
    call_command("compare", archive, archive)
    assert capsys.readouterr().out.startswith("Equal: ")


def test_verify_tells_a_damaged_archive_from_a_whole_one(
    archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, code = told(capsys, "verify", archive)
    assert (data["ok"], code) == (True, 0)
    assert [(each["level"], each["code"]) for each in data["findings"]] == [("info", "not-signed")]
    broken = tmp_path / "broken.mbz"
    contents = sample.members()
    del contents["users.xml"]
    broken.write_bytes(sample.pack(contents))
    data, code = told(capsys, "verify", str(broken))
    assert (data["ok"], code) == (False, 3)
    assert data["findings"][0]["place"] == "users.xml"


def test_inspect_tells_what_is_inside(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, code = told(capsys, "inspect", archive)
    assert (data["title"], data["sections"][0]["activities"][0]["modulename"], code) == (
        "A sample",
        "forum",
        0,
    )


def test_an_error_is_one_object_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "text.mbz"
    path.write_text("no archive")
    with pytest.raises(NotAnArchive):
        call_command("inspect", str(path), "--json")
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not-an-archive"


def test_the_process_ends_with_the_sentence_and_the_exit_code_of_the_error(tmp_path: Path) -> None:
    path = tmp_path / "text.mbz"
    path.write_text("no archive")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    for command, code in ((["verify", str(path)], 3), (["verify", str(tmp_path / "none")], 6)):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert len(done.stderr.splitlines()) == 1
