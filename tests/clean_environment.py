"""Programs of the project in processes of their own, whose environment holds nothing of this test run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.conftest import PROJECT

OURS = ("COURSEKEEP_", "DATABASE_URL", "REDIS_URL", "SITE_", "DJANGO_", "PYTEST_")


def clean_environment() -> dict[str, str]:
    """The environment of this process without the variables of the site and of the test run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def said_by(module: str, *arguments: str) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """Run a program of `demo/` with `--json`; its report, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--json"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said, done
