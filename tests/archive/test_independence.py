"""The archive room works without a site: `python -m archive` needs lxml and isal and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from . import sample

PROJECT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
    for path in (PROJECT / "archive").rglob("*.py")
    if path.name != "__main__.py"
)
SITE = ("django", "celery", "kombu", "psycopg2", "redis", "tqdm", "courses", "jobs", "vault", "config")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive room, lxml and isal: all that its processes can import besides the standard library."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "archive").symlink_to(PROJECT / "archive")
    for package in ("lxml", "isal"):
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.submodule_search_locations
        (folder / package).symlink_to(found.submodule_search_locations[0])
    return folder


def python(alone: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program without site-packages, the environment's variables and the working folder."""
    head = f"import sys; sys.path.insert(0, {str(alone)!r})\n"
    command = [sys.executable, "-I", "-S", "-c", head + program, *arguments]
    return subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False)


def archive_command(alone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m archive` with these arguments."""
    program = 'import runpy; runpy.run_module("archive", run_name="__main__", alter_sys=True)'
    return python(alone, program, *arguments)


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


@pytest.mark.parametrize("name", SITE)
def test_nothing_of_a_site_can_be_imported_there(alone: Path, name: str) -> None:
    done = python(alone, f"import {name}")
    assert f"No module named '{name}'" in done.stderr


def test_every_module_of_the_room_can(alone: Path) -> None:
    done = python(alone, f"import {', '.join(MODULES)}\nprint(archive.streams.threaded.__name__)")
    assert (done.stdout.strip(), done.stderr) == ("isal.igzip_threaded", "")


def test_an_archive_is_inspected_there(alone: Path, archive: str) -> None:
    done = archive_command(alone, "inspect", archive)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A sample (SAMPLE)\n")
    assert "forum 31: News" in done.stdout
    told = json.loads(archive_command(alone, "inspect", archive, "--json").stdout)
    assert told["title"] == "A sample"


def test_an_archive_is_verified_there(alone: Path, archive: str, tmp_path: Path) -> None:
    done = archive_command(alone, "verify", archive)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The archive is intact" in done.stdout
    broken = tmp_path / "broken.mbz"
    broken.write_bytes(sample.pack({**sample.members(), "users.xml": b"<users>"}))
    done = archive_command(alone, "verify", str(broken), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["errors"]) == (3, False, 1)


def test_archives_are_compared_there(alone: Path, archive: str, other: str) -> None:
    assert archive_command(alone, "compare", archive, archive).stdout.startswith("Equal: ")
    done = archive_command(alone, "compare", archive, other, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert [each["path"] for each in told["differences"]] == ["users/user/email"]


def test_an_error_is_one_sentence_and_an_exit_code(alone: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mbz"
    text.write_text("no archive")
    for path, code in ((text, 3), (tmp_path / "none", 6)):
        done = archive_command(alone, "verify", str(path))
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, "", 1)
        done = archive_command(alone, "verify", str(path), "--json")
        assert json.loads(done.stdout)["error"]["message"] in done.stderr
        assert done.returncode == code


def test_what_the_system_says_of_a_file_is_one_sentence_too(alone: Path) -> None:
    done = archive_command(alone, "inspect", "a" * 1000)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "Traceback" not in done.stderr


def test_a_wrong_use_ends_with_the_usage(alone: Path, archive: str) -> None:
    for arguments in ((), ("restore", archive), ("compare", archive)):
        done = archive_command(alone, *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert done.stderr.startswith("usage: python -m archive")


def test_a_reader_that_has_seen_enough_sees_no_traceback(alone: Path, archive: str) -> None:
    closed = "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1)\n"
    run = 'import runpy; runpy.run_module("archive", run_name="__main__", alter_sys=True)'
    done = python(alone, closed + run, "inspect", archive)
    assert (done.returncode, done.stderr) == (1, "")


def test_without_lxml_one_sentence_says_what_to_install(alone: Path, tmp_path: Path, archive: str) -> None:
    (tmp_path / "archive").symlink_to(PROJECT / "archive")
    done = archive_command(tmp_path, "inspect", archive)
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["The package lxml is not installed here. Run: pip install lxml isal"],
    )
