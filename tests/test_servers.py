"""The temporary PostgreSQL server of `bin/test --postgresql`: the programs that are chosen, and that it always ends."""

from __future__ import annotations

import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.database import LEAST_VERSION
from tests.conftest import PROJECT

STUB = """#!/bin/sh
echo "$*" >> {log}
case "$*" in *{fails}*) echo "It failed." ; exit 1 ;; esac
"""

ENDED = """
import runpy, sys
from pathlib import Path
sys.path.insert(0, "bin")
of_test = runpy.run_path("bin/test")
of_test["exit_on_sigterm"]()
with of_test["postgresql"](Path(sys.argv[1])):
    of_test["run"]([sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(300)"], {})
"""


@pytest.fixture
def servers() -> dict[str, Any]:
    """The names of bin/servers.py."""
    return runpy.run_path(str(PROJECT / "bin" / "servers.py"))


def programs(folder: Path, *, fails: str = "nothing") -> Path:
    """Make programs of PostgreSQL that note their arguments in `log`, and fail if `fails` is one of them."""
    for name in ("initdb", "pg_ctl", "createdb"):
        (folder / name).write_text(STUB.format(log=folder / "log", fails=fails))
        (folder / name).chmod(0o755)
    # The server runs under another account.
    (folder / "log").touch()
    (folder / "log").chmod(0o666)
    for one in (folder, *list(folder.parents)[:3]):
        one.chmod(one.stat().st_mode | 0o055)
    return folder


def test_the_oldest_server_that_is_supported_is_chosen_and_a_client_is_none(
    servers: dict[str, Any], tmp_path: Path
) -> None:
    for name, program in {
        "9.6": "initdb",
        "13": "initdb",
        "15": "psql",
        "17": "initdb",
        "16": "initdb",
    }.items():
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / program).touch()
    assert servers["oldest"](15, tmp_path) == tmp_path / "16" / "bin"
    assert servers["oldest"](18, tmp_path) is None
    assert servers["oldest"](15, tmp_path / "nothing") is None
    assert servers["least_version"]() == LEAST_VERSION


@pytest.mark.parametrize("fails", ["start", "coursekeep coursekeep"])
def test_a_server_whose_start_fails_is_stopped_and_the_failure_is_said(
    fails: str, servers: dict[str, Any], tmp_path: Path
) -> None:
    made = programs(tmp_path, fails=f'"{fails}"')
    with pytest.raises(SystemExit, match="failed: It failed"), servers["postgresql"](made):
        pytest.fail("the server did not start")
    assert "stop -m immediate" in (made / "log").read_text().splitlines()[-1]


def test_a_stop_that_fails_hides_nothing(servers: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), servers["postgresql"](programs(tmp_path, fails="immediate")):
        raise KeyboardInterrupt


def test_a_run_that_is_asked_to_end_stops_its_server(tmp_path: Path) -> None:
    made = programs(tmp_path)
    command = [sys.executable, "-c", ENDED, str(made)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "runs\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 143
    assert "stop -m immediate" in (made / "log").read_text().splitlines()[-1]
