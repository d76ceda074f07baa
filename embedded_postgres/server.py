"""The embedded PostgreSQL server, for a site without DATABASE_URL.

One server per home folder, shared by every process of the site. It starts when a connection finds none
(`embedded_postgres.engine`), stays up between commands, and ends with `manage.py embedded stop`, with the `bin/demo`
that started it, or by itself within a minute after its folder is gone.

PostgreSQL refuses to run as root. For root it runs as the account `nobody`, and three things make that work
below a home folder that this account may not enter, without opening anybody's folder:

- the server's working directory is its cluster, entered while still root, and its data directory is called
  `/proc/self/cwd`, so that no path has to be walked;
- its socket is made in that working directory too, which also lifts the limit of 107 bytes on the server's
  side; the client's side gets a short alias in a private temporary folder where the path is too long;
- binaries that the account cannot reach are copied, once per version, to a folder that it can (`/var/lib` or
  `/var/tmp`); the copy belongs to root and is used only as long as nobody else can write there.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from embedded_postgres.lock import locked, make_home
from embedded_postgres.programs import (
    Account,
    EmbeddedDatabaseError,
    account_arguments,
    environment,
    find_programs,
)

NAME = "coursekeep"
PORT = "5432"
SOCKET = f".s.PGSQL.{PORT}"
# sockaddr_un holds 108 bytes with the terminating zero (unix(7)).
SOCKET_LIMIT = 107
ALIAS_FOLDER = Path("/tmp")  # noqa: S108  # the alias is in a folder there, which is checked to be ours alone
TIMEOUT = 60.0
"""Seconds that a server gets to start, recover or stop."""
LOG_LIMIT = 10_000_000

OPTIONS = (
    "listen_addresses=",
    "unix_socket_directories=.",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "shared_buffers=128MB",
    "work_mem=16MB",
    "maintenance_work_mem=64MB",
    "max_wal_size=2GB",
    # Nothing replicates, and tables filled in the transaction that made them need no log.
    "wal_level=minimal",
    "max_wal_senders=0",
    # Cursors and writes do not run in parallel anyway; without it, a small /dev/shm cannot break a query.
    "max_parallel_workers_per_gather=0",
    "log_min_messages=warning",
    "log_checkpoints=off",
    "log_line_prefix=%m [%p] ",
    "timezone=UTC",
)


@dataclass(frozen=True)
class Embedded:
    """The embedded server of one home folder."""

    home: Path

    @property
    def cluster(self) -> Path:
        """Return the data directory; only the server's account may enter it."""
        return self.home / "postgres"

    @cached_property
    def socket_folder(self) -> Path:
        """Return the folder of the socket for clients: the cluster, or a short alias of it."""
        if len(os.fsencode(self.cluster / SOCKET)) <= SOCKET_LIMIT:
            return self.cluster
        digest = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]
        return ALIAS_FOLDER / f"coursekeep-{os.geteuid()}" / digest

    def database(self) -> dict[str, Any]:
        """Return Django's settings for the site's database. `COURSEKEEP_DATABASE` names another database, for tests."""
        return {
            "ENGINE": "embedded_postgres.engine",
            "NAME": os.environ.get("COURSEKEEP_DATABASE") or NAME,
            "USER": NAME,
            "PASSWORD": "",
            "HOST": str(self.socket_folder),
            "PORT": PORT,
            "OPTIONS": {"home": str(self.home)},
        }

    def ensure_running(self) -> bool:
        """Make the cluster if there is none and start the server if it does not run. Return True if this call started it.

        Safe to call in several processes at once. Raises EmbeddedDatabaseError if the server cannot run.
        """
        make_home(self.home)
        with locked(self.home / "postgres.lock"):
            self._make_alias()
            if self._accepts() or self._becomes_ready():
                return False
            account = self._account()
            programs = find_programs(account)
            if not self.cluster.exists():
                self._initialise(programs, account)
            self._forget_dead_server()
            self._start(programs, account)
            self._make_database()
        return True

    def running_process(self) -> int | None:
        """Return the process id of the server, or None if it does not run. Raises EmbeddedDatabaseError if it is not ours."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        except PermissionError as error:
            raise self._not_ours() from error
        return pid if self._is_server(pid) else None

    def stop(self) -> bool:
        """Stop the server and end its connections. Return True if it was running."""
        if not self.cluster.exists():
            return False
        with locked(self.home / "postgres.lock"):
            if self.running_process() is None:
                return False
            account = self._account()
            command = [str(find_programs(account) / "pg_ctl"), "stop", "-D", _data(account, self.cluster)]
            self._run([*command, "-m", "fast", "-w", "-t", str(int(TIMEOUT))], account, doing="stop")
            if self.socket_folder != self.cluster:
                self.socket_folder.unlink(missing_ok=True)
            return True

    def _account(self) -> Account | None:
        """Return the account of the server: None for the current one; for root, the cluster's owner or `nobody`."""
        if os.geteuid() != 0:
            if self.cluster.exists() and self.cluster.stat().st_uid != os.geteuid():
                raise self._not_ours()
            return None
        try:
            owner = self.cluster.stat().st_uid if self.cluster.exists() else 0
            entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
        except KeyError as error:
            raise EmbeddedDatabaseError(
                "PostgreSQL does not run as root, and there is no account for it.",
                where=str(self.cluster),
                hint="Add an account named nobody, run as an ordinary user, or set DATABASE_URL.",
            ) from error
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def _not_ours(self) -> EmbeddedDatabaseError:
        return EmbeddedDatabaseError(
            "The embedded database belongs to another user.",
            where=str(self.cluster),
            hint="Run as the user who made it (or as root), or choose another folder with COURSEKEEP_HOME.",
        )

    def _initialise(self, programs: Path, account: Account | None) -> None:
        """Make the cluster under another name and rename it when complete, so that half a cluster is never used."""
        new = self.home / "postgres.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.uid, account.gid)
        command = [
            str(programs / "initdb"),
            "-D",
            _data(account, new),
            "-U",
            NAME,
            "--auth=trust",
            "--encoding=UTF8",
        ]
        # PostgreSQL's own locale: sorting does not depend on the system's library.
        command += [
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        command += ["--no-sync"] if not survives_power_loss() else []
        self._run(command, account, doing="be made", folder=new)
        new.rename(self.cluster)

    def _start(self, programs: Path, account: Account | None) -> None:
        log = self.cluster / "server.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(self.cluster / "server.log.1")
        options = [
            *OPTIONS,
            f"port={PORT}",
            *(() if survives_power_loss() else ("fsync=off", "full_page_writes=off")),
        ]
        command = [
            str(programs / "pg_ctl"),
            "start",
            "-D",
            _data(account, self.cluster),
            "-l",
            "server.log",
            "-w",
        ]
        command += ["-t", str(int(TIMEOUT)), "-o", " ".join(f"-c '{option}'" for option in options)]
        self._run(command, account, doing="start", log=log)

    def _run(
        self,
        command: Sequence[str],
        account: Account | None,
        *,
        doing: str,
        folder: Path | None = None,
        log: Path | None = None,
    ) -> None:
        """Run one of the programs as the account, with the cluster as working directory."""
        # A file and not a pipe: the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command,
                cwd=folder or self.cluster,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **account_arguments(account),
            )
            output.seek(0)
            said = output.read()
        if done.returncode == 0:
            return
        if log is not None and log.exists():
            said += log.read_text(errors="replace")[-2000:]
        last = " / ".join(line.strip() for line in said.strip().splitlines()[-4:])
        raise EmbeddedDatabaseError(
            f"The embedded PostgreSQL could not {doing}: {last or 'it said nothing'}.",
            where=str(self.cluster),
            hint="Mend that, or set DATABASE_URL to a PostgreSQL server.",
        )

    def _connect(self) -> Any:
        import psycopg2

        connection = psycopg2.connect(
            host=str(self.socket_folder), port=PORT, user=NAME, dbname="postgres", connect_timeout=10
        )
        connection.autocommit = True
        return connection

    def _accepts(self) -> bool:
        import psycopg2

        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _becomes_ready(self) -> bool:
        """Wait for a server that starts, recovers or stops. Return True if it accepts connections, False if it has ended."""
        deadline = time.monotonic() + TIMEOUT
        while self.running_process() is not None:
            if self._accepts():
                return True
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    f"The embedded PostgreSQL runs but has not answered for {TIMEOUT:.0f} seconds.",
                    where=str(self.cluster),
                    hint="Read server.log there, or stop it with manage.py embedded stop.",
                )
            time.sleep(0.1)
        return False

    def _is_server(self, pid: int) -> bool:
        """Whether this process is our server: it is alive, and its working directory is the cluster.

        A number alone proves nothing: in a restarted container the same number is soon another process.
        """
        import psutil

        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and self.cluster.samefile(process.cwd())
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            return False

    def _forget_dead_server(self) -> None:
        """Remove the lock files of a killed server, once the last of its processes is gone.

        PostgreSQL itself would trust a process number that was given away again. What it guards against, a
        worker of the dead server still writing, is seen here by the working directory.
        """
        import psutil

        deadline = time.monotonic() + TIMEOUT
        while any(self._is_server(pid) for pid in psutil.pids()):
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    "Processes of a killed embedded PostgreSQL are still at work.",
                    where=str(self.cluster),
                    hint="End them, and try again.",
                )
            time.sleep(0.1)
        for name in ("postmaster.pid", f"{SOCKET}.lock", SOCKET):
            (self.cluster / name).unlink(missing_ok=True)

    def _make_alias(self) -> None:
        """Make the short alias of the cluster, in a folder that only this account can enter."""
        alias = self.socket_folder
        if alias == self.cluster:
            return
        alias.parent.mkdir(mode=0o700, exist_ok=True)
        found = alias.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise EmbeddedDatabaseError(
                "The folder for the database's socket is not ours alone.",
                where=str(alias.parent),
                hint="Remove it, or choose a shorter path with COURSEKEEP_HOME.",
            )
        if not alias.is_symlink():
            alias.symlink_to(self.cluster)

    def _make_database(self) -> None:
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {NAME}")
        finally:
            connection.close()


def _data(account: Account | None, folder: Path) -> str:
    """Return the data directory as an argument for PostgreSQL's programs; see the module's docstring."""
    return str(folder) if account is None else "/proc/self/cwd"


def survives_power_loss() -> bool:
    """Whether commits and stored files survive a loss of power. Tests turn this off."""
    return os.environ.get("COURSEKEEP_EMBEDDED_FSYNC", "on").lower() not in {"off", "0", "false", "no"}
