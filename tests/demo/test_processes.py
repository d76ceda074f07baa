"""Processes beside another: they end with it, with everything that they started."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from demo import processes
from demo.processes import ChildProcesses, ProcessEnded

WAIT = "print('up', flush=True); time.sleep(600)"
PARENT = "import subprocess, time; subprocess.Popen(['sleep', '600']); " + WAIT
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT


def wait_for(log: Path, text: str) -> None:
    """Until the process has written this into its log."""
    deadline = time.monotonic() + 30
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def keep_checking(beside: ChildProcesses) -> None:
    """As a program does that waits for something else."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        beside.check()
        time.sleep(0.02)


def children() -> list[psutil.Process]:
    """All that runs below this process and is not dead."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def test_leaving_ends_them_and_what_they_started(tmp_path: Path) -> None:
    with ChildProcesses(tmp_path, tmp_path / "logs") as beside:
        wait_for(beside.start("parent", ["-c", PARENT], environment={}), "up")
        beside.check()
        family = [p for p in children() if p.name() == "sleep" or "sleep" in " ".join(p.cmdline())]
        assert len(family) >= 2
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_one_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SECONDS_TO_END", 0.2)
    with ChildProcesses(tmp_path, tmp_path / "logs") as beside:
        wait_for(beside.start("stubborn", ["-c", STUBBORN], environment={}), "up")
        stubborn = next(process for process in children() if "SIG_IGN" in " ".join(process.cmdline()))
    assert not stubborn.is_running() or stubborn.status() == psutil.STATUS_ZOMBIE


def test_one_that_ended_is_noticed_and_its_log_named(tmp_path: Path) -> None:
    with ChildProcesses(tmp_path, tmp_path / "logs") as beside:
        log = beside.start("short", ["-c", "print('bye', flush=True); raise SystemExit(3)"], environment={})
        wait_for(log, "bye")
        with pytest.raises(ProcessEnded, match="ended with code 3") as caught:
            keep_checking(beside)
        assert str(log) in caught.value.sentence()
