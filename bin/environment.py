"""The project's own Python environment in `.venv`, made or brought up to date when it is needed.

For the system's bare Python: only the standard library, and syntax that old versions can read, so that they
can say what is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / ".venv"
STAMP = FOLDER / "coursekeep.json"
OLDEST = (3, 11)
PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")


def prepare(*requirements: str) -> Path:
    """The interpreter of an environment in which all these requirement files are installed.

    Processes that come at the same time wait for each other. Ends the program with one sentence when it
    cannot be.
    """
    python = FOLDER / "bin" / "python"
    wanted = {name: _digest(name) for name in ("requirements.txt", *requirements)}
    lock = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        present = _present(python)
        if wanted.items() <= present.items():
            return python
        if not present:
            _make(python)
        print("Installing what " + " and ".join(sorted(wanted)) + " list ...", flush=True)
        STAMP.unlink(missing_ok=True)
        arguments = [argument for name in sorted(wanted) for argument in ("-r", str(PROJECT / name))]
        _run(
            [str(python), *PIP_INSTALL, *arguments],
            "The packages could not be installed. See what pip says above; it needs the network or a mirror.",
        )
        unchanged = {name: value for name, value in present.items() if value == _digest(name)}
        STAMP.write_text(json.dumps({**unchanged, **wanted}, indent=2) + "\n")
        return python
    finally:
        os.close(lock)


def _digest(name: str) -> str:
    path = PROJECT / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _present(python: Path) -> dict[str, str]:
    """What is installed; nothing when the interpreter is gone, moved or broken."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    works = (
        python.exists() and subprocess.run([str(python), "-c", "import django"], check=False).returncode == 0
    )
    return stamp if works else {}


def _make(python: Path) -> None:
    base = _find_python()
    print("Making the environment in .venv with " + base + " ...", flush=True)
    _run(
        [base, "-m", "venv", "--clear", str(FOLDER)],
        "The environment could not be made. On Debian and Ubuntu, install the package python3-venv first.",
    )


def _find_python() -> str:
    """This interpreter when it is new enough, else another one on the path."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    sys.exit(f"Coursekeep needs Python 3.11 or later, and this is {sys.version.split()[0]}.")


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(failure)
