"""The demonstration, as a person runs it: from nothing, again, and ended by Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from embedded_postgres.server import Embedded
from tests.clean_environment import clean_environment

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 180


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A machine's environment with nothing of ours in it but an empty home."""
    home = tmp_path / "home"
    clean = clean_environment()
    yield {**clean, "COURSEKEEP_HOME": str(home), "COURSEKEEP_EMBEDDED_FSYNC": "off"}
    Embedded(home).stop()


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """As a script starts it in the background, which is the hard case: with SIGINT ignored."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    command += [sys.executable, "manage.py", "demo", "--size", "XS", "--port", "8600", *arguments]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_behind(home: str) -> list[str]:
    """The processes that work for this home: by their environment, or the database by its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("COURSEKEEP_HOME") == home or process.cwd().startswith(home)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.worker
def test_it_works_from_nothing_and_again_and_leaves_no_process(environment: dict[str, str]) -> None:
    begin_from_nothing(environment)
    go_on_until_ctrl_c(environment)


def begin_from_nothing(environment: dict[str, str]) -> None:
    demo = start(environment, "--once")
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0, said
    assert re.search(r"course +“.*” was made", said)
    assert re.search(r"equal +yes, ([\d,]+) of \1 values", said)
    assert left_behind(environment["COURSEKEEP_HOME"]) == []


def go_on_until_ctrl_c(environment: dict[str, str]) -> None:
    kept = Path(environment["COURSEKEEP_HOME"]) / "demo.json"
    before = json.loads(kept.read_text())
    demo = start(environment)
    assert demo.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = demo.stdout.readline()
        assert line, said
        said += line
    assert "is there from an earlier run" in said
    after = json.loads(kept.read_text())
    assert (after["samples"], after["password"]) == (before["samples"], before["password"])
    assert after["password"] in said
    address = re.search(r"The site is at (http://\S+)", said)
    assert address is not None
    wait_for(address[1] + "accounts/login/")
    # As a terminal does it: the whole group in the foreground gets the signal.
    os.killpg(demo.pid, signal.SIGINT)
    ending, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0
    assert [line.split(maxsplit=1)[1] for line in ending.splitlines()] == [
        "stopping the worker ...",
        "stopping PostgreSQL ...",
        "no process is left; what was made stays for the next run",
    ]
    assert left_behind(environment["COURSEKEEP_HOME"]) == []


def wait_for(address: str) -> None:
    """Until the site answers: it says its address just before it listens to it."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
