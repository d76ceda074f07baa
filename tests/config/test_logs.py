"""The log: one JSON object for each line where that is chosen, with the request and the job that it is about."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.logs import JsonFormatter, current_request
from config.request_ids import with_request_id
from jobs import queue, runner
from jobs.log_context import current_job
from tests.config.test_settings import PROJECT, run

log = logging.getLogger("tests.config.logs")


@pytest.fixture
def written() -> Iterator[list[str]]:
    """The lines of the log as JSON, while the test lasts."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler = Kept()
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def test_a_line_is_one_object_whatever_is_in_the_message(written: list[str]) -> None:
    log.error("Two\nlines with “%s” and %d", 'quotes "', 7)
    [line] = written
    assert "\n" not in line
    data = json.loads(line)
    assert data["message"] == 'Two\nlines with “quotes "” and 7'
    assert (data["level"], data["logger"]) == ("ERROR", "tests.config.logs")
    assert data["time"].endswith("+00:00")
    assert not {"job", "request", "exception"} & data.keys()


def test_an_exception_is_in_its_line(written: list[str]) -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        log.exception("It failed.")
    [line] = written
    assert "ZeroDivisionError: by nothing" in json.loads(line)["exception"]


def test_a_record_whose_values_do_not_fit_is_a_line_all_the_same() -> None:
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "%d jobs", ("many",), None)
    assert json.loads(JsonFormatter().format(record))["message"] == "%d jobs ('many',)"


@pytest.mark.django_db(transaction=True)
def test_lines_of_a_job_name_it(written: list[str], settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    from tests.jobs import sample_operations  # noqa: F401  # which registers the operations

    job = queue.request("test-stumble", by=None)
    runner.run(job.pk)
    lines = [json.loads(line) for line in written]
    assert {line.get("job") for line in lines if line["logger"] == "jobs.runner"} == {job.pk}
    assert current_job.get() is None


def answered(sent: str | None) -> tuple[HttpResponse, str]:
    """The answer to a request with this id, and the id that lines of the log had meanwhile."""
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current_request.get())
        return HttpResponse()

    headers = {} if sent is None else {"X-Request-ID": sent}
    return with_request_id(view)(RequestFactory().get("/", headers=headers)), seen[0]


def test_the_id_of_a_request_is_taken_from_the_proxy() -> None:
    answer, logged = answered("4f2c-9.A_b")
    assert answer.headers["X-Request-ID"] == logged == "4f2c-9.A_b"
    assert current_request.get() == ""


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 65, "a\nb", "ä", '"}', "a\n"])
def test_an_id_that_is_missing_or_odd_is_replaced(sent: str | None) -> None:
    answer, logged = answered(sent)
    assert answer.headers["X-Request-ID"] == logged
    assert len(logged) == 32
    assert logged != answered(sent)[1]


def test_lines_of_a_request_name_it(written: list[str]) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        log.warning("Odd.")
        return HttpResponse()

    with_request_id(view)(RequestFactory().get("/", headers={"X-Request-ID": "r1"}))
    assert json.loads(written[0])["request"] == "r1"


def test_every_answer_has_the_id_of_its_request() -> None:
    assert Client().get("/healthz", headers={"X-Request-ID": "probe-1"}).headers["X-Request-ID"] == "probe-1"


def test_json_is_chosen_by_a_variable(tmp_path: Path) -> None:
    code = (
        "import django; django.setup(); import logging\n"
        "logging.getLogger('a').error('one'); logging.getLogger('django.request').error('two')"
    )
    done = run(tmp_path, code, COURSEKEEP_LOG_FORMAT="json", DJANGO_SETTINGS_MODULE="config.settings")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["one", "two"]


@pytest.mark.worker
def test_a_worker_logs_json_only(site_environment: dict[str, str]) -> None:
    """Celery's own lines go through the same handler."""
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
        "INFO",
    ]
    worker = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**site_environment, "COURSEKEEP_LOG_FORMAT": "json"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stderr is not None
    lines = []
    for line in worker.stderr:
        lines.append(json.loads(line))
        if lines[-1]["message"].endswith("ready."):
            worker.terminate()
    worker.wait(30)
    assert any(line["logger"].startswith("celery") for line in lines)
