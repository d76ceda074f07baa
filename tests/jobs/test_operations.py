"""The registry of operations imports their modules when it is asked for a name that it does not have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import signals
from django.core import checks

import config.celery  # noqa: F401  its handlers of the signals of workers
from jobs import operations, shutdown
from jobs.events import Steps
from jobs.models import Job
from tests.conftest import PROJECT

MODULE = """
from jobs.operations import operation
from tests.jobs.test_operations import begin
operation("test-late")(begin)
"""


def begin(job: Job) -> Steps:
    yield from ()
    return None


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A module that registers the operation `test-late`, and that is not imported yet."""
    operations.load()
    path = tmp_path / "late_operation.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    operations.registered_in(path.stem)
    yield path
    operations._modules.clear()
    operations.operations.pop("test-late", None)
    operations.priorities.pop("test-late", None)
    sys.modules.pop(path.stem, None)


def test_a_name_that_is_there_imports_nothing(late: Path) -> None:
    assert "backup" in operations.operations
    assert operations.operations.get("backup") is operations.operations["backup"]
    assert late.stem not in sys.modules


def test_a_name_that_is_missing_is_looked_for_in_the_modules(late: Path) -> None:
    assert operations.operations.get("test-late") is begin
    assert operations.operations.get("test-never") is None
    with pytest.raises(KeyError):
        operations.operations["test-never"]


@pytest.mark.parametrize("ask", [list, len, dict, lambda found: list(found.items())])
def test_who_asks_for_all_gets_those_of_modules_that_were_not_imported(
    late: Path, ask: Callable[[Any], Any]
) -> None:
    asked = ask(operations.operations)
    assert late.stem in sys.modules
    assert (asked if isinstance(asked, int) else len(asked)) == len(operations.operations.data)


def test_a_module_that_cannot_be_imported_is_an_error_each_time(late: Path) -> None:
    late.write_text("raise RuntimeError('broken')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            operations.operations.get("test-late")


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is no worker when the test ends."""
    monkeypatch.setattr(shutdown._Process, "main", 0)


def test_a_worker_has_all_operations_before_it_has_children(late: Path, no_worker: None) -> None:
    signals.worker_init.send(sender=None)
    assert late.stem in sys.modules
    assert shutdown.in_main_process()


def test_a_worker_with_a_broken_operation_does_not_start(late: Path, no_worker: None) -> None:
    late.write_text("raise RuntimeError('broken')")
    with pytest.raises(SystemExit):
        signals.worker_init.send(sender=None)


def test_a_worker_of_a_site_with_a_fault_does_not_start(no_worker: None) -> None:
    def fault(**_: object) -> list[checks.CheckMessage]:
        return [checks.Error("A column is lost.", id="test.E001")]

    checks.register(fault)
    try:
        with pytest.raises(SystemExit):
            signals.worker_init.send(sender=None)
    finally:
        checks.registry.registry.registered_checks.discard(fault)


def test_an_operation_whose_module_misses_a_key_is_not_taken_for_a_missing_one(late: Path) -> None:
    late.write_text("{}['a variable']")
    with pytest.raises(KeyError, match="a variable"):
        operations.operations.get("test-late")


@pytest.mark.parametrize("before", ["", "import celery; str(celery.current_app); "])
def test_a_message_is_sent_by_the_application_of_the_site_in_every_thread(before: str) -> None:
    """Nothing but the tasks imports it in a process that serves no worker and no pages; a page is served by any thread."""
    program = (
        "import django, sys, threading; django.setup(); assert 'celery' not in sys.modules\n"
        f"{before}from jobs import tasks\n"
        "said = lambda: print(tasks.run_job.app.main, tasks.run_job.app.conf.broker_url)\n"
        "thread = threading.Thread(target=said); said(); thread.start(); thread.join()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert len(done.stdout.splitlines()) == 2, done.stderr
    for line in done.stdout.splitlines():
        name, _, broker = line.partition(" ")
        assert name == "coursekeep"
        assert not broker.startswith("amqp")
