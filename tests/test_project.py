"""The project's files: dependencies are exact and hashed, the wheel is whole, and programs explain themselves."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class

from tests.requirements import HASH, LOCKS, REQUIREMENTS, joined, needed, pinned
from tests.test_plugin_app import OF_THIS_RUN

PROJECT = Path(__file__).parents[1]
SETTINGS: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
WHEEL = SETTINGS["tool"]["setuptools"]
ROOMS = sorted({package.partition(".")[0] for package in WHEEL["packages"]})
LOCKS_OF_PROGRAMS: dict[str, str] = runpy.run_path(str(PROJECT / "bin" / "environment.py"))["LOCKS"]
PROGRAMS = sorted(path.name for path in (PROJECT / "bin").iterdir() if path.suffix == "" and path.is_file())


@pytest.mark.parametrize("file", REQUIREMENTS + LOCKS)
def test_every_version_is_exact(file: str) -> None:
    inexact = [
        line for line in pinned(PROJECT / file).values() if not re.fullmatch("==[^*,]+", str(line.specifier))
    ]
    assert inexact == []


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_in_a_lock_has_hashes(file: str) -> None:
    assert [line for line in joined(PROJECT / file) if not HASH.search(line)] == []


@pytest.mark.parametrize("file", LOCKS)
def test_a_lock_names_packages_and_nothing_of_where_they_came_from(file: str) -> None:
    text = (PROJECT / file).read_text()
    assert not re.search(r"://|^\s*-(?!-hash=)", text, re.MULTILINE)


@pytest.mark.parametrize("count", [1, 2, 3], ids=LOCKS[:3])
def test_a_lock_holds_exactly_what_the_requirements_need(count: int) -> None:
    """Counted in this environment; packages for other platforms are marked so in the lock and are left out here.

    What only the plot of the benchmark needs is not installed in it.
    """
    wanted = {name: line for file in REQUIREMENTS[:count] for name, line in pinned(PROJECT / file).items()}
    locked = pinned(PROJECT / LOCKS[count - 1])
    here = {name for name, line in locked.items() if line.marker is None or line.marker.evaluate()}
    assert here == needed(wanted), "Run bin/lock."


@pytest.mark.parametrize("count", [1, 2, 3, 4], ids=LOCKS)
def test_a_lock_holds_the_versions_that_the_requirements_name(count: int) -> None:
    wanted = {name: line for file in REQUIREMENTS[:count] for name, line in pinned(PROJECT / file).items()}
    locked = pinned(PROJECT / LOCKS[count - 1])
    other = {name for name, line in wanted.items() if locked[name].specifier != line.specifier}
    assert other == set(), "Run bin/lock."


def test_each_lock_has_the_same_versions_as_the_smaller_one_before_it() -> None:
    locked = [{str(line) for line in pinned(PROJECT / file).values()} for file in LOCKS]
    for smaller, larger in pairwise(locked):
        assert smaller <= larger


def test_a_site_without_a_directory_needs_nothing_that_is_built_from_source() -> None:
    assert not {"python-ldap", "django-auth-ldap"} & pinned(PROJECT / "requirements.lock").keys()
    assert tuple(LOCKS_OF_PROGRAMS) == LOCKS
    assert tuple(LOCKS_OF_PROGRAMS.values()) == REQUIREMENTS


def test_what_cannot_be_installed_is_said_with_the_packages_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A `pip` that fails, as it does without a compiler or without the headers of LDAP."""
    programs: dict[str, Any] = runpy.run_path(str(PROJECT / "bin" / "environment.py"))
    prepare = programs["prepare"]
    said: list[str] = []

    def fail(command: list[str], failure: str) -> None:
        said.append(failure)
        sys.exit(failure)

    for name, value in {"_run": fail, "_present": lambda python: {"of": "another lock"}}.items():
        monkeypatch.setitem(prepare.__globals__, name, value)
    monkeypatch.setitem(prepare.__globals__, "STAMP", Path("no-such-stamp.json"))
    for lock in LOCKS:
        with pytest.raises(SystemExit):
            prepare(lock)
    assert [("libldap-dev" in one and "libsasl2-dev" in one) for one in said] == [
        lock != LOCKS[0] for lock in LOCKS
    ]


def test_the_wheel_has_every_package() -> None:
    found = {
        ".".join(path.parent.relative_to(PROJECT).parts)
        for room in ROOMS
        for path in (PROJECT / room).rglob("__init__.py")
    }
    assert found | set(WHEEL["package-dir"]) == set(WHEEL["packages"])


def test_every_room_is_in_the_wheel() -> None:
    assert sorted(SETTINGS["tool"]["importlinter"]["root_packages"]) == ROOMS


def test_the_wheel_has_every_file_that_is_no_code() -> None:
    data = WHEEL["package-data"]
    folders = {name: PROJECT / folder for name, folder in WHEEL["package-dir"].items()}
    folders |= {room: PROJECT / room for room in ROOMS}
    missing = [
        str(path.relative_to(PROJECT))
        for package, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not any(fnmatch.fnmatch(path.name, Path(each).name) for each in data.get(package, data["*"]))
    ]
    assert missing == []


def test_a_site_works_from_what_is_in_the_wheel(tmp_path: Path) -> None:
    """The folders laid out as the wheel has them: templates and static files are found, and no home is guessed."""
    installed = tmp_path / "site-packages"
    for folder in ROOMS:
        shutil.copytree(PROJECT / folder, installed / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for package, folder in WHEEL["package-dir"].items():
        shutil.copytree(PROJECT / folder, installed / package.replace(".", "/"))
    code = (
        "import django; django.setup()\n"
        "from django.contrib.staticfiles.finders import find\n"
        "from django.core.management import call_command\n"
        "from django.template.loader import get_template\n"
        "call_command('check')\n"
        "print(get_template('vault/courses.html').origin.name, find('coursekeep.css'), sep='\\n')"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COURSEKEEP_")}
    clean |= {"PYTHONPATH": str(installed), "DJANGO_SETTINGS_MODULE": "config.settings"}

    def run(**home: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, cwd=tmp_path, env=clean | home, capture_output=True, text=True, check=False
        )

    done = run(COURSEKEEP_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        str(installed / "config" / "templates" / "vault" / "courses.html"),
        str(installed / "config" / "static" / "coursekeep.css"),
    ]
    assert "COURSEKEEP_HOME is not set." in run().stderr


def test_sql_is_put_together_in_those_files_only_that_say_so() -> None:
    """The checker's own findings, without any exception, against the list of exceptions."""
    exceptions = SETTINGS["tool"]["ruff"]["lint"]["per-file-ignores"]
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "S608",
        "--output-format",
        "concise",
    ]
    done = subprocess.run([*command, *ROOMS], cwd=PROJECT, capture_output=True, text=True, check=False)
    found = {line.partition(":")[0] for line in done.stdout.splitlines() if "S608" in line}
    assert found == {name for name, rules in exceptions.items() if "S608" in rules}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_says_what_it_does(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT / "bin" / name), "--help"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"bin/{name}" in done.stdout


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "test"])
def test_every_program_refuses_an_argument_that_it_does_not_know(name: str) -> None:
    for argument in ("--nonsense", "--nonsense=1"):
        done = subprocess.run(
            [sys.executable, str(PROJECT / "bin" / name), argument],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "--nonsense" in done.stderr


def test_the_program_for_tests_asks_pytest_before_the_checks_whether_it_knows_the_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in OF_THIS_RUN:
        # Else pytest, when it ends, would remove the home folder of this run with its databases.
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(PROJECT / "bin")
    known = runpy.run_path(str(PROJECT / "bin" / "test"))["known_to_pytest"]
    assert known(Path(sys.executable), ["-k", "words", "tests/test_words.py"])
    assert not known(Path(sys.executable), ["--nonsense"])
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("usage", "arguments", "taken"),
    [
        ("bin/a", [], True),
        ("bin/a", ["b"], False),
        ("bin/a [--quick]", ["--quick"], True),
        ("bin/a [--quick]", ["--quick=1"], False),
        ("bin/a [--quick]", ["-q"], False),
        ("bin/a [--port N] [--once]", ["--port", "9", "--once"], True),
        ("bin/a [--port N]", ["--port=9"], True),
        ("bin/a [--port N]", ["--port"], False),
        ("bin/a [--only one|two]", ["--only", "one"], True),
        ("bin/a [FOLDER]", ["b"], True),
        ("bin/a [FOLDER]", ["b", "c"], False),
        ("bin/a [FOLDER]", ["--b"], False),
        ("bin/a [ARGUMENTS OF PYTEST]", ["-x", "--b", "c"], True),
    ],
)
def test_arguments_are_taken_as_the_usage_names_them(
    usage: str, arguments: list[str], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = runpy.run_path(str(PROJECT / "bin" / "environment.py"))
    monkeypatch.setattr(sys, "argv", ["a", *arguments])
    if taken:
        assert environment["read_arguments"](f"Do it.\n\n    {usage}\n") == arguments
        return
    with pytest.raises(SystemExit) as end:
        environment["read_arguments"](f"Do it.\n\n    {usage}\n")
    assert end.value.code == 2


OWN_OPTIONS = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color",
               "--force-color", "--skip-checks"}  # fmt: skip
"""Options that Django gives to every command."""


def test_the_usage_of_the_demonstration_names_the_options_of_its_command() -> None:
    usage = (PROJECT / "bin" / "demo").read_text()
    parser = load_command_class("demo", "demo").create_parser("manage.py", "demo")
    options = {name for name in parser._option_string_actions if name.startswith("--")} - OWN_OPTIONS
    assert set(re.findall(r"--[a-z-]+", usage.partition('"""')[2].partition('"""')[0])) == options


@pytest.mark.parametrize("name", ["bench", "scale"])
def test_the_usage_of_the_measurements_names_the_options_of_their_module(name: str) -> None:
    usage = (PROJECT / "bin" / name).read_text().partition('"""')[2].partition('"""')[0]
    done = subprocess.run(
        [sys.executable, "-m", f"demo.{name}", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(re.findall(r"--[a-z-]+", usage)) == set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help"}


@pytest.mark.parametrize(("lock", "held"), [(lock, LOCKS[:count]) for count, lock in enumerate(LOCKS, 1)])
def test_the_environment_takes_only_what_has_a_hash_in_the_lock(
    lock: str, held: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = runpy.run_path(str(PROJECT / "bin" / "environment.py"))
    for name in LOCKS:
        (tmp_path / name).touch()
    ran: list[list[str]] = []
    values = environment["prepare"].__globals__
    monkeypatch.setitem(values, "PROJECT", tmp_path)
    monkeypatch.setitem(values, "FOLDER", tmp_path / ".venv")
    monkeypatch.setitem(values, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setitem(values, "_run", lambda command, failure: ran.append(command))
    environment["prepare"](lock)
    assert ran[0][1:3] == ["-m", "venv"]
    assert ran[1][-3:] == ["--require-hashes", "-r", str(tmp_path / lock)]
    assert set(json.loads((tmp_path / "stamp.json").read_text())) == set(held)


def test_every_archive_of_the_project_is_there_with_its_origin() -> None:
    folder = PROJECT / "tests" / "fixtures"
    named = set(re.findall(r"`([\w-]+\.mbz)`", (folder / "README.md").read_text()))
    assert named == {path.name for path in folder.glob("*.mbz")}
    assert len(named) >= 3


def test_the_folder_of_a_server_is_taken_from_the_arguments_of_the_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(PROJECT / "bin")
    split = runpy.run_path(str(PROJECT / "bin" / "test"))["programs_and_others"]
    assert split(["tests/config", "-q"]) == (None, ["tests/config", "-q"])
    folder = Path("/usr/lib/postgresql/15/bin")
    assert (
        split(["--postgresql", str(folder), "-q"])
        == split([f"--postgresql={folder}", "-q"])
        == (folder, ["-q"])
    )
    with pytest.raises(SystemExit):
        split(["--postgresql"])
    servers = runpy.run_path(str(PROJECT / "bin" / "servers.py"))
    with (
        pytest.raises(SystemExit, match="Name the folder of initdb"),
        servers["postgresql"](Path("/nowhere")),
    ):
        pass
