"""The embedded PostgreSQL server, real: starting, sharing, coming back, leaving others' folders alone."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from pytest_django import DjangoDbBlocker

from embedded_postgres import programs
from embedded_postgres.engine.base import DatabaseWrapper
from embedded_postgres.programs import Account, EmbeddedDatabaseError
from embedded_postgres.server import PORT, SOCKET, SOCKET_LIMIT, Embedded

PROJECT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has this to solve")

START = """
import sys
from pathlib import Path
from embedded_postgres.server import Embedded
print(Embedded(Path(sys.argv[1])).ensure_running())
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A server of this test's own, below a folder that only its owner may enter; not started yet."""
    monkeypatch.setenv("COURSEKEEP_EMBEDDED_FSYNC", "off")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Embedded(closed / "home")
    yield server
    server.stop()


@pytest.fixture
def _connecting(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """These tests connect to a server of their own, so the guard around the test database is lifted."""
    with django_db_blocker.unblock():
        yield


def ask(server: Embedded, statement: str, *, database: str = "coursekeep") -> object:
    """The first value of the answer, by a new connection."""
    connection = psycopg2.connect(
        host=str(server.socket_folder), port=PORT, user="coursekeep", dbname=database
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def engine(server: Embedded) -> DatabaseWrapper:
    """Django's connection to the server, as the site makes it."""
    defaults = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True, "TIME_ZONE": None}
    return DatabaseWrapper({**defaults, **server.database()}, alias="elsewhere")


def test_the_first_call_starts_it_and_the_second_finds_it(server: Embedded) -> None:
    assert server.running_process() is None
    assert server.ensure_running() is True
    pid = server.running_process()
    assert server.ensure_running() is False
    assert server.running_process() == pid
    assert str(ask(server, "SHOW server_version")).startswith("18.")


def test_text_is_unicode_whatever_the_system_speaks(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "xx_XX")
    server.ensure_running()
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT lower('ÀÉÎ')") == "àéî"


@pytest.mark.usefixtures("_connecting")
def test_a_connection_of_django_starts_it(server: Embedded) -> None:
    connection = engine(server)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == ("coursekeep",)
    connection.close()


def test_a_missing_database_is_still_an_error_of_the_database(server: Embedded) -> None:
    connection = engine(server)
    connection.settings_dict["NAME"] = "nowhere"
    with pytest.raises(Exception, match="nowhere") as caught:
        connection.connect()
    assert type(caught.value).__name__ == "OperationalError"


def test_processes_that_come_at_once_share_one_server(server: Embedded) -> None:
    command = [sys.executable, "-c", START, str(server.home)]
    processes = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert sorted(answers) == ["False"] * 5 + ["True"]


@pytest.mark.usefixtures("_connecting")
def test_a_killed_server_comes_back_with_what_was_committed(server: Embedded) -> None:
    server.ensure_running()
    ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    pid = server.running_process()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    connection = engine(server)
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM kept")
        assert cursor.fetchone() == (7,)
    connection.close()
    assert server.running_process() not in (None, pid)


def test_a_process_number_given_away_again_does_not_keep_it_from_starting(server: Embedded) -> None:
    server.ensure_running()
    server.stop()
    lines = [str(os.getpid()), "/proc/self/cwd", "0", PORT, ".", "", "", "ready"]
    for name in ("postmaster.pid", f"{SOCKET}.lock"):
        (server.cluster / name).write_text("\n".join(lines) + "\n")
    assert server.running_process() is None
    assert server.ensure_running() is True


def test_an_interrupted_making_of_the_cluster_does_not_count(server: Embedded) -> None:
    half = server.home / "postgres.new" / "base"
    half.mkdir(parents=True)
    server.ensure_running()
    assert not half.exists()
    assert ask(server, "SELECT 1") == 1


def test_stopping_leaves_no_process_and_stopping_again_says_so(server: Embedded) -> None:
    server.ensure_running()
    family = psutil.Process(server.running_process())
    processes = [family, *family.children(recursive=True)]
    assert server.stop() is True
    psutil.wait_procs(processes, timeout=30)
    assert not any(process.is_running() for process in processes)
    assert server.stop() is False


def test_a_path_too_long_for_a_socket_gets_a_short_alias(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSEKEEP_EMBEDDED_FSYNC", "off")
    server = Embedded(tmp_path / ("deep" * 20) / ("er" * 40) / "home")
    try:
        server.ensure_running()
        assert len(os.fsencode(server.socket_folder / SOCKET)) <= SOCKET_LIMIT
        assert stat.S_IMODE(server.socket_folder.parent.stat().st_mode) == 0o700
        assert ask(server, "SELECT 1") == 1
    finally:
        server.stop()
    assert not server.socket_folder.is_symlink()


def test_no_folder_of_others_changes_its_permissions(server: Embedded) -> None:
    above = [path for path in server.home.parents if path.exists()]
    package = programs.find_package()
    watched = [*above, package, package / "pginstall18" / "bin", package / "pginstall18" / "lib"]
    before = [(path, path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched]
    server.ensure_running()
    server.stop()
    assert [(path, path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched] == before
    assert stat.S_IMODE(server.home.parent.stat().st_mode) == 0o700


def test_the_cluster_and_its_socket_are_closed_to_others(server: Embedded) -> None:
    server.ensure_running()
    assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700
    assert ask(server, "SHOW listen_addresses") == ""


@as_root
def test_as_root_the_server_runs_as_an_ordinary_account(server: Embedded) -> None:
    server.ensure_running()
    process = psutil.Process(server.running_process())
    assert 0 not in process.uids()
    assert 0 not in process.gids()


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_where_it_can(
    server: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = programs.find_package()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(original / "pginstall18", hidden / original.name / "pginstall18", symlinks=True)
    shutil.copytree(original.parent / f"{original.name}.libs", hidden / f"{original.name}.libs")
    monkeypatch.setattr(programs, "find_package", lambda: hidden / original.name)
    server.ensure_running()
    program = Path(psutil.Process(server.running_process()).exe())
    assert not program.is_relative_to(tmp_path)
    assert program.stat().st_uid == 0
    assert not program.stat().st_mode & 0o022


@as_root
def test_programs_that_others_could_change_are_not_run(tmp_path: Path) -> None:
    nobody = Account("nobody", 65534, 65534)
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    assert not programs._only_root_writes(place)
    place.chmod(0o755)
    assert programs._only_root_writes(place)
    os.chown(place, nobody.uid, nobody.gid)
    assert not programs._only_root_writes(place)


@as_root
def test_a_cluster_whose_owner_has_no_account_gets_one_sentence(server: Embedded) -> None:
    server.cluster.mkdir(parents=True, mode=0o700)
    os.chown(server.cluster, 54321, 54321)
    with pytest.raises(EmbeddedDatabaseError, match="there is no account for it") as caught:
        server.ensure_running()
    assert "DATABASE_URL" in caught.value.sentence()


def test_a_server_that_cannot_start_says_why(server: Embedded) -> None:
    server.ensure_running()
    server.stop()
    with (server.cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write("shared_preload_libraries = 'nothing_of_the_kind'\n")
    with pytest.raises(EmbeddedDatabaseError, match="nothing_of_the_kind") as caught:
        server.ensure_running()
    assert str(server.cluster) in caught.value.sentence()
