"""Fixtures for all tests, and the removal of the test run's home folder and server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PosixPath
from typing import Any, Self

import hypothesis
import psutil
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config import timeouts
from embedded_postgres.server import Embedded
from tests import quick_flush

PROJECT = Path(__file__).resolve().parents[1]
ARCHIVES = PROJECT / "tests" / "fixtures"
MORE_ARCHIVES = PROJECT.parent / "shared" / "fixtures"


def pytest_configure(config: pytest.Config) -> None:
    """Let properties take their time, and remove the home folders of killed test runs, whose process id is in their names."""
    # What is left to Hypothesis is 0.2 s for each example, which a busy machine does not keep.
    hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")
    quick_flush.install()
    if hasattr(config, "workerinput"):
        return
    for home in Path(tempfile.gettempdir()).glob("coursekeep-tests-*-*"):
        owner = home.name.split("-")[2]
        if home.stat().st_uid == os.geteuid() and owner.isdigit() and not psutil.pid_exists(int(owner)):
            remove(home)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run a test, and check that what it restored goes out again (`tests/goes_out.py`)."""
    from tests import goes_out  # models can be imported only when pytest-django has set the site up

    goes_out.watch_restores()
    goes_out.forget()
    yield
    goes_out.check(item)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded server and remove the folder, once, by the process that started the run."""
    home = os.environ.get("COURSEKEEP_TEST_HOME")
    if home is None or hasattr(config, "workerinput"):
        return
    remove(Path(home))


def remove(home: Path) -> None:
    """Stop the servers of all parts of a test run's home, and remove it."""
    for part in home.iterdir():
        Embedded(part).stop()
    shutil.rmtree(home, ignore_errors=True)


class Archives(PosixPath):
    """A path among the real archives, where `/` looks in ../shared for what the project does not have.

    Without ../shared, a test that asks for such an archive is skipped and says why.
    """

    def __truediv__(self, name: str | os.PathLike[str]) -> Self:
        path = Path(self, name)
        if not path.exists() and path.is_relative_to(ARCHIVES):
            path = MORE_ARCHIVES / path.relative_to(ARCHIVES)
            if not MORE_ARCHIVES.is_dir():
                pytest.skip(f"{path.name} is in ../shared/fixtures only, and that is not here")
        return type(self)(path)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of real archives: `fixtures / "rich1-users.mbz"`."""
    return Archives(ARCHIVES)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Make the test database, as pytest-django does, and keep its content types and permissions."""
    quick_flush.disconnect_receivers()


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Allow commits to the database that stay for all tests of a module; flush it after the module.

    For tests that share data that is slow to make. Their module overrides `transactional_db` with a fixture that
    asks for this one, so that pytest-django sets the database up and leaves it alone between them.
    """
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def own_storages(settings: Any, tmp_path: Path) -> Path:
    """The folder of storages that are the test's own, empty at its start."""
    folders = {
        alias: {
            "BACKEND": storage["BACKEND"],
            "OPTIONS": {**storage["OPTIONS"], "location": str(tmp_path / alias)},
        }
        for alias, storage in settings.STORAGES.items()
        if alias != "staticfiles"
    }
    settings.STORAGES = {**settings.STORAGES, **folders}
    return tmp_path


@pytest.fixture
def site_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a process of the site (worker, beat, command) that works on this test's database."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(PROJECT)}
    name = connection.settings_dict["NAME"]
    if settings.DATABASE_URL:
        address, _, query = settings.DATABASE_URL.partition("?")
        environment["DATABASE_URL"] = f"{address.rpartition('/')[0]}/{name}?{query}".rstrip("?")
    else:
        environment["COURSEKEEP_DATABASE"] = name
    return environment


@pytest.fixture
def limits_of_workers(transactional_db: None) -> Iterator[None]:
    """Give the connections of this process, in all threads, the time limits that a worker's have."""
    connection.close()
    timeouts.apply_in_process(timeouts.JOB)
    yield
    timeouts._of_process.clear()
    connection.close()


@pytest.fixture
def worker(site_environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker with one process, on this test's database and the run's broker."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "--concurrency",
        "1",
        "--loglevel",
        "WARNING",
    ]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(command, cwd=PROJECT, env=site_environment, start_new_session=True)
    yield process
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
