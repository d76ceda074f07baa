"""The project's own Python environment in `.venv`, made or brought up to date when it is needed.

For the system's bare Python: only the standard library, and syntax that old versions can read, so that they
can say what is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / ".venv"
STAMP = FOLDER / "coursekeep.json"
OLDEST = (3, 11)
LOCKS = {
    "requirements.lock": "requirements.txt",
    "requirements-ldap.lock": "requirements-ldap.txt",
    "requirements-test.lock": "requirements-test.txt",
    "requirements-bench.lock": "requirements-bench.txt",
}
"""The requirements of each lock file. A later lock file contains the packages of the earlier ones."""
BUILT = (
    " python-ldap is built here, and needs a compiler and headers. "
    "On Debian and Ubuntu, install the packages gcc, python3-dev, libldap-dev and libsasl2-dev first."
)
"""What all lock files but the first one need on the machine."""
PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")


def read_arguments(text: str | None) -> list[str]:
    """Return the arguments of the command line; print the text and end with exit code 0 if they ask for help.

    The first line of the text that begins with `bin/` is the usage. What it does not name ends the program with exit code
    2: an option, the missing value of one, or an argument where the usage has none in capitals. Options can be followed
    by a value, as in `[--port N]`. A place of several words, as `[ARGUMENTS OF PYTEST]`, takes everything.
    """
    given = sys.argv[1:]
    lines = (text or "").strip().splitlines()
    if {"-h", "--help"} & set(given):
        print("\n".join(lines))
        sys.exit(0)
    usage = next(line.strip() for line in lines if line.strip().startswith("bin/"))
    if re.search(r"\[[A-Z]+ ", usage):
        return given
    options = dict(re.findall(r"(--[a-z-]+)(?: ([^]]+))?", usage))
    places = len(re.findall(r"\[[A-Z]+\]", usage))
    waiting = list(given)
    while waiting:
        name, equals, value = waiting.pop(0).partition("=")
        if name in options:
            if not options[name] and not equals:
                continue
            if options[name] and (value if equals else waiting and waiting.pop(0)):
                continue
        elif not name.startswith("-") and places:
            places -= 1
            continue
        print("usage: " + usage + "\nUnknown or incomplete argument: " + name, file=sys.stderr)
        sys.exit(2)
    return given


def prepare(lock: str = "requirements.lock") -> Path:
    """Return the interpreter of an environment in which everything in the lock file is installed.

    A package whose hash is not in the lock is refused. Processes that come at the same time wait for each other.
    Ends the program with one sentence when the environment cannot be made.
    """
    python = FOLDER / "bin" / "python"
    names = tuple(LOCKS)
    wanted = {name: _digest(name) for name in names[: names.index(lock) + 1]}
    handle = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        present = _present(python)
        if wanted.items() <= present.items():
            return python
        if not present:
            _make(python)
        print(f"Installing what {lock} lists ...", flush=True)
        STAMP.unlink(missing_ok=True)
        _run(
            [str(python), *PIP_INSTALL, "--require-hashes", "-r", str(PROJECT / lock)],
            "The packages could not be installed. See what pip says above; it needs the network or a mirror."
            + ("" if lock == names[0] else BUILT),
        )
        unchanged = {
            name: value for name, value in present.items() if name in LOCKS and value == _digest(name)
        }
        STAMP.write_text(json.dumps({**unchanged, **wanted}, indent=2) + "\n")
        return python
    finally:
        os.close(handle)


def _digest(name: str) -> str:
    return hashlib.sha256((PROJECT / name).read_bytes()).hexdigest()


def _present(python: Path) -> dict[str, str]:
    """Return the installed locks with their digests; empty if the interpreter is missing, moved or broken."""
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
    """Return this interpreter if it is new enough, else another one on the path. Ends the program if there is none."""
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
