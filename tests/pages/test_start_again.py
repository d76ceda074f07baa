"""The page of a job that failed or was cancelled offers only what the person may do, for every operation."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backup.services import request_backup
from courses.models import RoleAssignment
from jobs import runner
from jobs.models import Job
from jobs.operations import operations
from tests.pages.places import Place
from vault.models import StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)


def ended(place: Place, operation: str, state: Job.State) -> Job:
    """A job of the teacher about the course and an archive of it, which has not succeeded."""
    if not StoredArchive.objects.exists():
        runner.run(request_backup(place.course, by=None, notify=False).pk, raising=True)
    return Job.objects.create(
        operation=operation,
        requested_by=place.teacher,
        course=place.course,
        archive=StoredArchive.objects.get(),
        target={"course": place.course.pk},
        state=state,
        error="It failed.",
        finished=timezone.now(),
    )


def offers(page: str) -> tuple[list[str], list[str]]:
    """The addresses of the links and of the forms in the panel that says how a job ended."""
    panel = page.partition('<div class="outcome')[2].partition("</section>")[0]
    return re.findall(r'href="([^"]+)"', panel), re.findall(r'action="([^"]+)"', panel)


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
@pytest.mark.parametrize("operation", sorted(operations))
def test_every_offer_of_a_job_that_did_not_succeed_is_one_that_the_person_may_take(
    place: Place, as_person: SignIn, operation: str, state: Job.State
) -> None:
    job, client = ended(place, operation, state), as_person("teacher")
    for allowed in (True, False):
        if not allowed:
            RoleAssignment.objects.filter(userid=place.teacher.pk).delete()
        links, forms = offers(client.get(reverse("job", args=[job.pk])).content.decode())
        refused = [one for one in links if client.get(one).status_code >= 400]
        refused += [one for one in forms if client.post(one).status_code >= 400]
        assert not refused
        again = {"backup": "backup-again", "restore": "restore-again"}.get(operation)
        assert forms == ([reverse(again, args=[job.pk])] if again and allowed else [])
