"""Reports to Sentry: a fault comes with its type and its place, and with nothing that people have said or are."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.db import IntegrityError
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from archive.errors import NotFound
from config import error_reports
from config.logs import current_request
from jobs.log_context import current_job
from tests.config.test_settings import run

SECRET = "Anna Kournikova"
ADDRESS = "203.0.113.7"
PAGE = f"/accounts/login/?next=/{SECRET.split()[1]}"
log = logging.getLogger("tests.config.reports")


class Kept(Transport):
    """A transport that keeps what would be sent."""

    sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent += [json.loads(item.get_bytes()) for item in envelope.items]


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """The reports that were sent."""
    Kept.sent = []
    error_reports.start("https://key@errors.example/1", transport=Kept)
    yield Kept.sent
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def fail(name: str) -> None:
    answer = f"{name} wrote this"  # a local variable
    raise IntegrityError(f"Key (username)=({answer}) already exists.")


def test_a_fault_comes_with_its_type_and_place_and_without_what_it_says(sent: list[dict[str, Any]]) -> None:
    try:
        fail(SECRET)
    except IntegrityError:
        log.exception("Job %s of %s failed.", 7, SECRET, extra={"person": SECRET})
    [report] = sent
    assert SECRET not in json.dumps(report)
    [problem] = report["exception"]["values"]
    assert problem["type"] == "IntegrityError"
    assert problem["stacktrace"]["frames"][-1]["function"] == "fail"
    assert report["logentry"] == {"message": "Job %s of %s failed."}


def test_a_report_names_job_and_request(sent: list[dict[str, Any]]) -> None:
    request, job = current_request.set("r1"), current_job.set(12)
    try:
        log.error("It failed.")
    finally:
        current_request.reset(request)
        current_job.reset(job)
    assert sent[0]["tags"] == {"request": "r1", "job": "12"}


@pytest.mark.django_db
def test_a_request_that_fails_is_reported_without_the_request(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("sign_in.attempts._forget", broken)
    client = Client(raise_request_exception=False)
    answer = client.post(
        PAGE,
        {"username": SECRET, "password": SECRET},
        headers={"user-agent": SECRET, "cookie": f"a={SECRET}"},
        REMOTE_ADDR=ADDRESS,
    )
    assert answer.status_code == 500
    assert sent
    text = json.dumps(sent)
    assert "ZeroDivisionError" in text
    for personal in (*SECRET.split(), ADDRESS):
        assert personal not in text


def test_what_people_can_act_on_is_no_fault(sent: list[dict[str, Any]]) -> None:
    try:
        raise NotFound("There is no course 7.")
    except NotFound as error:
        sentry_sdk.capture_exception(error)
    assert sent == []


def test_without_an_address_nothing_is_loaded(tmp_path: Any) -> None:
    code = "import sys, django; django.setup(); print('sentry_sdk' in sys.modules)"
    done = run(tmp_path, code, DJANGO_SETTINGS_MODULE="config.settings")
    assert done.stdout == "False\n", done.stderr
    done = run(
        tmp_path,
        code,
        DJANGO_SETTINGS_MODULE="config.settings",
        COURSEKEEP_SENTRY_DSN="https://k@errors.example/1",
    )
    assert done.stdout == "True\n", done.stderr
