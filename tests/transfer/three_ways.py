"""Three ways to ask for one line of the table of targets: pages, commands, and a job that a worker finds in the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from lxml import html

from archive.errors import CoursekeepError, NotAllowed, UsageError
from courses.activities.forum import ForumPost
from courses.models import Activity, Category, Course, Section, User
from jobs import queue, runner
from jobs.job_command import OperationCommand
from jobs.models import Job
from restore.places import place_value
from tests.jobs_done import job_of
from tests.transfer.target_table import TARGETS, Line, Outcome
from transfer.copies import Choices
from transfer.models import RemovedItem
from vault.models import StoredArchive


@dataclass
class Scene:
    """The courses, people, and the archive or entry of the recycle bin about which a line is asked."""

    line: Line
    category: Category
    source: Course
    target: Course
    people: dict[str, User]
    path: Path | None = None
    archive: StoredArchive | None = None
    removed: RemovedItem | None = None
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def place(self) -> dict[str, Any]:
        """The ids of the target."""
        return TARGETS[self.line.target](self.target)

    @property
    def item(self) -> int | None:
        """The id of the section or the activity of the source that an import brings; None for the course."""
        if self.line.archive_type == "course":
            return None
        model = Section if self.line.archive_type == "section" else Activity
        forum = Activity.objects.get(course=self.source, modulename="forum")
        return forum.pk if model is Activity else forum.section_id

    def client_of(self, who: str) -> Client:
        """Return the browser of a person, signed in."""
        if who not in self.clients:
            self.clients[who] = Client()
            self.clients[who].force_login(self.people[who])
        return self.clients[who]

    def archive_for(self, who: str) -> StoredArchive:
        """Return the archive; one that was uploaded is now this person's upload."""
        assert self.archive is not None
        if self.archive.source == StoredArchive.Source.UPLOAD:
            self.archive.created_by = self.people[who]
            self.archive.save(update_fields=["created_by"])
        return self.archive


class Asked(Exception):
    """The command has put its job in the queue."""


def refusals(line: Line, people: bool) -> tuple[type[CoursekeepError], ...]:
    """Return the errors that refuse a line: a missing right, or that an import brings no people."""
    return (NotAllowed, UsageError) if people and line.mode == "import" else (NotAllowed,)


def by_command(scene: Scene, who: str, people: bool, patch: pytest.MonkeyPatch) -> Job | None:
    """Ask with the command; return the job that it would run, or None if it refuses the person. Raises other refusals."""
    jobs: list[Job] = []

    def stop(_command: OperationCommand, job: Job, **_: object) -> None:
        jobs.append(job)
        raise Asked

    patch.setattr(OperationCommand, "work", stop)
    arguments = [*_command(scene, people), "--as", scene.people[who].username, "--json"]
    try:
        call_command(*arguments)
    except Asked:
        return jobs[0]
    except refusals(scene.line, people):
        return None
    raise AssertionError("the command has neither asked nor refused")


def _command(scene: Scene, people: bool) -> list[str]:
    """Return the words of the command."""
    line, place = scene.line, scene.place
    users = f"--set=users={int(people)}"
    if line.mode == "copy":
        return ["copy", str(scene.source.pk), f"--category={scene.category.pk}", *["--people"][: int(people)]]
    if line.mode == "import":
        part = [f"--{line.archive_type}={scene.item}"] if scene.item else []
        into = [f"--to-section={place['section']}"] if "section" in place else []
        return ["import", str(scene.source.pk), str(scene.target.pk), *part, *into, *[users][: int(people)]]
    if line.mode == "bin":
        assert scene.removed is not None
        return ["bin", "restore", str(scene.removed.pk)]
    names = {"category": "category", "course": "into", "section": "section", "position": "position"}
    found = [f"--{names[name]}={value}" for name, value in place.items() if name in names]
    return ["restore", str(scene.path), *found, *["--replace"][: "replace" in place], users]


def by_web(scene: Scene, who: str, people: bool) -> Job | None:
    """Ask on the pages, as forms send it; return the job that is then in the queue, or None if they refuse."""
    client = scene.client_of(who)
    line, place = scene.line, scene.place
    if line.mode == "copy":
        answer = _sent(
            client, reverse("course-copy", args=[scene.source.pk]), {"people": "all" if people else "none"}
        )
    elif line.mode == "import":
        address = reverse("course-import-parts", args=[scene.target.pk, scene.source.pk])
        parts = {line.archive_type: scene.item} if scene.item else _everything(scene.source)
        users = {"users": "1"} if people else {}
        answer = client.post(address, {**parts, **users, "place": place.get("section", "")})
    elif line.mode == "bin":
        assert scene.removed is not None
        answer = client.post(reverse("bin-restore", args=[scene.removed.pk]))
    else:
        answer = _through_the_wizard(client, scene.archive_for(who), line, place, people)
    if answer is None or answer.status_code != 302:
        return None
    return job_of(answer)


def _everything(course: Course) -> dict[str, list[int]]:
    """Return the fields of a form on which all of a course is ticked."""
    return {"section": list(course.sections.values_list("pk", flat=True))}


def _through_the_wizard(
    client: Client, archive: StoredArchive, line: Line, place: Mapping[str, Any], people: bool
) -> Any:
    """Send the form of each stage of a restore; return the last answer, None if a stage refuses."""
    course = str(place.get("course", ""))
    sent = {
        "where": "replace" if "replace" in place else "merge" if course else "new",
        "category": str(place.get("category", "")),
        "course": course,
        "places_of": course,
        "place": place_value(dict(place)),
        "go": "1",
    }
    answer = client.post(
        reverse("restore-destination", args=[archive.pk]), {k: v for k, v in sent.items() if v}
    )
    if answer.status_code != 302:
        return None
    review = reverse("restore-review", args=[archive.pk])
    stage = review if line.archive_type == "activity" else reverse("restore-settings", args=[archive.pk])
    answer = _sent(client, stage, {"users": "1" if people else None, "jump": "1"}, go=stage == review)
    return answer if stage == review else client.post(review, {"go": "unchecked"})


def _sent(client: Client, address: str, changes: Mapping[str, str | None], *, go: bool = False) -> Any:
    """Send the form of a page as a browser does, with some fields changed, None for a box without its tick."""
    page = client.get(address)
    if page.status_code != 200:
        return page
    tree: Any = html.document_fromstring(page.content.decode())
    forms = [one for one in tree.forms if one.method == "POST" and (one.get("action") or address) == address]
    form = max(forms, key=lambda one: len(one.fields))
    pressed = {"go": "unchecked"} if go else {}
    fields = dict(form.form_values()) | dict(changes) | pressed
    return client.post(address, {name: value for name, value in fields.items() if value is not None})


def by_worker(scene: Scene, who: str, people: bool) -> Outcome:
    """Run a job that is in the queue as nobody would have put it there; return what came of it."""
    before = set(ForumPost.objects.values_list("pk", flat=True))
    job = queue.request(by=scene.people[who], attempts=1, notify=False, **_row(scene, who, people))
    try:
        runner.run(job.pk, raising=True)
    except refusals(scene.line, people):
        return "refused"
    job.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED
    restored = Activity.objects.filter(course=job.result["course_id"])
    assert restored.filter(modulename="forum").exists()
    new = ForumPost.objects.filter(discussion__forum__owner__in=restored).exclude(pk__in=before)
    return "with people" if new.exists() else "without people"


def _row(scene: Scene, who: str, people: bool) -> dict[str, Any]:
    """Return the job's row, as the doors fill it in."""
    line, users = scene.line, {"users": str(int(people))}
    common: dict[str, Any] = {"title": "A job", "archive_type": line.archive_type, "target": scene.place}
    if line.mode == "copy":
        choices = asdict(Choices(category=scene.category.pk, people=people))
        return common | {"operation": "copy", "mode": "copy", "source": scene.source, "options": choices}
    if line.mode == "import":
        asked = {"backup": users, "restore": users} if people else {"backup": {}, "restore": {}}
        courses = {"course": scene.target, "source": scene.source, "item": scene.item}
        return common | {"operation": "import", "mode": "import", "options": asked, **courses}
    if line.mode == "bin":
        assert scene.removed is not None
        archive = scene.removed.archive
        return common | {
            "operation": "bring_back",
            "mode": "bin",
            "archive": archive,
            "course": archive.course,
        }
    return common | {"operation": "restore", "archive": scene.archive_for(who), "options": users}


def asked_outcome(job: Job | None) -> Outcome:
    """Return what a job in the queue will do; "refused" for None."""
    if job is None:
        return "refused"
    if job.operation == "bring_back":
        return "with people"
    chosen = job.options.get("people") if job.operation == "copy" else job.options.get("users") == "1"
    return "with people" if chosen else "without people"
