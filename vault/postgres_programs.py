"""pg_dump and pg_restore on the site's database: the system's where the server is, else those of the embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg2.extensions import make_dsn

from embedded_postgres.programs import find_package

DUMP = ("--format=custom", "--no-owner", "--no-privileges")
RESTORE = (
    *("--clean", "--if-exists", "--no-owner", "--no-privileges"),
    *("--single-transaction", "--exit-on-error"),
)
LAST_CHARACTERS = 500


def run(program: str, arguments: Sequence[str]) -> str:
    """Run a program; `{dsn}` in the arguments is the database's address. Return "" or what it says about its failure.

    The password goes into the environment of the program, where others do not see it.
    """
    parameters: dict[str, Any] = {
        name: value
        for name, value in connection.get_connection_params().items()
        if isinstance(value, str | int) and name != "home"
    }
    password = str(parameters.pop("password", ""))
    dsn = make_dsn(**parameters)
    done = subprocess.run(
        [str(find(program)), *(dsn if part == "{dsn}" else part for part in arguments)],
        env={**os.environ, **({"PGPASSWORD": password} if password else {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        ""
        if done.returncode == 0
        else done.stderr.strip()[-LAST_CHARACTERS:] or f"exit code {done.returncode}"
    )


def find(program: str) -> Path:
    """Return the path of a program. A server of one's own may be older than the embedded one, so its programs go first."""
    found = shutil.which(program) if settings.DATABASE_URL else None
    return Path(found) if found else find_package() / "pginstall18" / "bin" / program
