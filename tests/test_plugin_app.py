"""An app from outside that brings types of its own: its checks run on a site that has it installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
OF_THIS_RUN = ("COURSEKEEP_TEST_HOME", "COURSEKEEP_HOME", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS")


def of_the_plugin_site() -> dict[str, str]:
    """The environment of a process of the site that has the app: with a home, a server and a database of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_THIS_RUN}
    return {**environment, "DJANGO_SETTINGS_MODULE": "tests.plugin_settings"}


@pytest.mark.slow
def test_an_app_is_installed_by_one_line_and_gets_all_that_ours_get() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command += ["--ds", "tests.plugin_settings", "tests/plugin_checks.py"]
    done = subprocess.run(
        command, cwd=PROJECT, env=of_the_plugin_site(), capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "skipped" not in done.stdout


def test_its_migration_makes_the_tables_of_its_models() -> None:
    command = [sys.executable, "manage.py", "makemigrations", "plugin_app", "--check", "--dry-run"]
    with tempfile.TemporaryDirectory() as home:
        environment = {**of_the_plugin_site(), "COURSEKEEP_TEST_HOME": home}
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
