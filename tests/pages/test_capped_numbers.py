"""Numbers that are counted up to a bound say so: the tabs of jobs, and the damaged files of the overview."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from jobs import catalogue
from jobs.models import Job, JobFinding
from tests.pages.places import Place
from vault.views import administration

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("succeeded", "failed", "said"), [(4, 0, "3+"), (3, 0, "3"), (2, 2, "3+"), (1, 2, "3"), (0, 0, "0")]
)
def test_the_tab_of_all_jobs_says_when_there_are_more(
    place: Place, monkeypatch: pytest.MonkeyPatch, succeeded: int, failed: int, said: str
) -> None:
    monkeypatch.setattr(catalogue, "MOST", 3)
    states = ["succeeded"] * succeeded + ["failed"] * failed
    Job.objects.bulk_create(Job(operation="check", state=state, finished=Now()) for state in states)
    assert catalogue.job_counts(place.admin)[""].short == said


def damaged_job(findings: int, *, days: int = 0) -> None:
    """Make a job that found so many damaged files and ended so many days ago."""
    job = Job.objects.create(operation="check", state="failed", finished=Now())
    Job.objects.filter(pk=job.pk).update(finished=Now() - timedelta(days=days))
    JobFinding.objects.bulk_create(
        JobFinding(job=job, attempt=1, level="error", code="content-damaged", message=f"{job.pk}: {number}")
        for number in range(findings)
    )


def said(client: Client) -> str:
    """The number of damaged files on the overview."""
    page = client.get("/administration/").content.decode()
    before, _, _ = page.partition("damaged files since yesterday")
    return str(re.findall(r"<b[^>]*>([^<]*)</b>", before)[-1])


def test_the_overview_says_when_more_damaged_files_may_have_been_found(
    place: Place, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(administration, "MOST_FINDINGS", 3)
    client = as_person("admin")
    damaged_job(2, days=3)
    assert said(client) == "0"
    damaged_job(2)
    assert said(client) == "2"
    damaged_job(1)
    assert said(client) == "3"
    damaged_job(1)
    assert said(client) == "more than 4"
