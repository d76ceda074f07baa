"""The modules that a command imports before it begins: they are the time of its start, and are held without a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.archive import sample

PROJECT = Path(__file__).resolve().parents[2]

PROGRAM = """
import atexit, gc, json, runpy, sys
atexit.register(lambda: print(f"\\n{gc.isenabled()}\\n" + json.dumps(sorted(sys.modules))))
sys.argv[0] = "manage.py"
runpy.run_path("manage.py", run_name="__main__")
"""

OF_PAGES_AND_WORKERS = frozenset(
    {
        "celery", "kombu", "redis", "sentry_sdk", "prometheus_client", "urllib3", "waitress", "whitenoise", "nh3",
        "cryptography", "tqdm", "config.urls", "config.celery", "config.metrics", "viewer.views", "django.contrib.auth.forms",
    }
)  # fmt: skip
"""Modules that no command on a course or an archive needs before it begins."""

OF_COMPARISONS = frozenset({"archive.comparison.compare", "archive.verify"})
OF_A_SITE = frozenset({"django.db.models", "psycopg2", "courses.models", "jobs.models", "psutil"})


def imported(*arguments: str) -> set[str]:
    """Return the names of the modules that `manage.py` has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), arguments
    *_, collects_garbage, modules = done.stdout.splitlines()
    assert collects_garbage == "True"
    return set(json.loads(modules))


@pytest.mark.parametrize("command", ["backup", "restore", "copy", "import", "bin", "jobs", "schedules"])
def test_a_command_on_courses_imports_nothing_of_pages_and_workers(command: str) -> None:
    found = imported(command, "--help")
    assert "courses.models" in found
    assert not found & OF_PAGES_AND_WORKERS


@pytest.mark.parametrize(
    ("command", "engine", "others"),
    [
        ("backup", "backup.services", ("restore.services", "restore.context", "transfer.transit")),
        ("restore", "restore.services", ("backup.services", "backup.render", "transfer.transit")),
        ("schedules", "vault.schedules", ("backup.services", "restore.services", "transfer.transit")),
    ],
)
def test_a_command_imports_only_the_engine_that_it_runs(
    command: str, engine: str, others: tuple[str, ...]
) -> None:
    found = imported(command, "--help")
    assert engine in found
    assert not found & {*others, *OF_COMPARISONS}


def test_a_command_on_archive_files_makes_no_models_and_needs_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.pack(sample.members()))
    found = imported("inspect", str(path))
    assert "archive.inspect" in found
    assert not found & {*OF_PAGES_AND_WORKERS, *OF_A_SITE, *OF_COMPARISONS}
    for command in ("verify", "compare"):
        assert not imported(command, "--help") & {*OF_PAGES_AND_WORKERS, *OF_A_SITE, *OF_COMPARISONS}


def test_the_archive_room_imports_the_code_of_the_command_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"
    path.write_bytes(sample.pack(sample.members()))
    program = PROGRAM.replace('runpy.run_path("manage.py",', 'runpy.run_module("archive", alter_sys=True,')
    for arguments, there, away in (
        (("inspect", "--help"), "archive.commands", {"lxml", "archive.container", *OF_COMPARISONS}),
        (("inspect", str(path)), "archive.inspect", OF_COMPARISONS),
        (("verify", str(path)), "archive.verify", {"archive.comparison.compare"}),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        found = set(json.loads(done.stdout.splitlines()[-1]))
        assert there in found
        assert not found & away
