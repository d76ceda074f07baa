"""Keys and passwords: whatever a model calls secret is on no page, in no log, no finding and no manifest."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from archive.container import open_archive
from archive.inspect import describe
from archive.verify import verify
from courses import structure
from courses.fields import ArchiveField
from courses.fields.secrets import Secret
from courses.services import delete_course
from courses.structure import Model
from jobs.models import Job, JobFinding, JobLine
from tests.archives_made import packed
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up, compared, restore
from tests.people_made import person
from tests.test_exhaustive import ALL

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "zq7-hush"
"""What every planted secret begins with."""

LINK = r'href="(/(?:course|activity|archives|jobs|restore)/[^"]*)"'
ENDINGS = ("/download/", "/file/", "/now/", "/check/", "/cancel/")


def secret_fields() -> Iterator[tuple[Model, ArchiveField]]:
    """Every field whose kind says that it is secret."""
    for model in structure.archived_models():
        for one in model._meta.concrete_fields:
            if isinstance(one, ArchiveField) and one.secret and not one.omit:
                yield model, one


def settings_by_name() -> Iterator[Model]:
    """Every model whose records are settings of something: a name and a value."""
    for model in structure.archived_models():
        columns = {one.name for one in model._meta.concrete_fields}
        if re.search("Setting|Config|Option", model.__name__) and {"name", "value"} <= columns:
            yield model


def plant() -> int:
    """Puts a secret into every row of every secret field, and into a setting with the name of one; how many fields."""
    number = 0
    for model, one in secret_fields():
        number += 1
        for row in model._base_manager.all():
            setattr(row, one.name, f"{MARK}{number}")
            row.save(update_fields=[one.name])
    for model in settings_by_name():
        columns = {"name": "enrolmentkey", "value": f"{MARK}-setting"}
        for first in model._base_manager.order_by("pk")[:1]:
            for name, value in columns.items():
                setattr(first, name, value)
            first.save(update_fields=[*columns])
    return number


def pages(client: Client, *starts: str) -> dict[str, str]:
    """Every page that can be reached from these by links, in this course and around it."""
    found: dict[str, str] = {}
    broken: list[str] = []
    seen = Counter[str]()
    waiting = list(starts)
    while waiting:
        address = waiting.pop().partition("#")[0]
        detail = re.sub(r"[0-9]+/\Z", "", address)
        if address in found or address.endswith(ENDINGS) or "/file/" in address or "page=" in address:
            continue
        if detail.count("/") > 3 and seen[detail] > 2:
            continue
        answer = client.get(address, follow=True)
        if answer.streaming:
            continue
        broken += [address] * (answer.status_code >= 500)
        seen[detail] += 1
        found[address] = answer.content.decode(errors="replace")
        waiting += [unescape(link) for link in re.findall(LINK, found[address])]
    assert broken == []
    return found


def test_the_models_have_secrets() -> None:
    named = {f"{model.__name__}.{one.name}" for model, one in secret_fields()}
    assert {
        "Enrol.password",
        "Group.enrolmentkey",
        "Lti.password",
        "Lti.resourcekey",
        "LtiTypeSecret.value",
        "Quiz.password",
        "Lesson.password",
    } <= named


def test_no_column_that_sounds_like_a_secret_is_shown_as_a_plain_text() -> None:
    sounds = re.compile(
        r"(password|passwd|secret|enrolmentkey|resourcekey|quitpass|privatekey|viewerpass|moderatorpass)"
    )
    for model in structure.archived_models():
        for one in model._meta.concrete_fields:
            if (
                isinstance(one, ArchiveField)
                and not one.omit
                and one.name != "usepassword"
                and sounds.search(one.name)
            ):
                assert one.secret, f"{model._meta.label}.{one.name}"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged."""
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_secret_is_on_no_page_in_no_log_and_in_no_manifest(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    course = Exhaustive(1).make()
    assert plant() > 10
    first = back_up(course, tmp_path / "first.mbz", **ALL)
    delete_course(course)
    again = restore(first).course
    manager = person("page.manager", "manager")
    manager.is_superuser = True
    manager.save()
    client = Client(raise_request_exception=False)
    client.force_login(manager)
    starts = ["/", "/jobs/", "/archives/", "/administration/", "/restore/", f"/course/{again.pk}/", "/admin/"]
    found = pages(client, *starts)
    assert len(found) > 100
    hidden = [
        row
        for model, one in secret_fields()
        if isinstance(one, Secret)
        for row in model._base_manager.values_list(one.name, flat=True)
    ]
    assert len(hidden) > 3
    for address, page in found.items():
        assert MARK not in page, address
        assert not [cipher for cipher in hidden if cipher and cipher in page], address
    assert MARK not in told.text
    assert Job.objects.count() == 2
    for told_by in (Job, JobLine, JobFinding):
        assert MARK not in repr(list(told_by.objects.values()))
    for model, _ in secret_fields():
        for row in model._base_manager.all()[:3]:
            assert MARK not in f"{row!r} {row}"
    with open_archive(first) as archive:
        assert MARK in archive.read("course/enrolments.xml").decode(), (
            "the key is in the archive, as the format has it"
        )
        assert MARK not in archive.read("moodle_backup.xml").decode()
        assert MARK not in repr(describe(archive))
        assert MARK not in repr([finding.sentence() for finding in verify(archive)])


def test_a_comparison_tells_that_a_secret_differs_and_not_what_it_is(tmp_path: Path) -> None:
    course = Exhaustive(2).make()
    plant()
    first = back_up(course, tmp_path / "first.mbz", **ALL)
    with open_archive(first) as archive:
        contents = {path: archive.read(path) for path in archive.members if path != ".ARCHIVE_INDEX"}
    other = {path: text.replace(MARK.encode(), b"zq7-hiss") for path, text in contents.items()}
    assert other != contents
    second = tmp_path / "second.mbz"
    second.write_bytes(packed(other))
    outcome = compared(first, second)
    assert any("password" in place for place in outcome.totals)
    said = json.dumps(outcome.as_dict()) + repr([each.sentence() for each in outcome.differences])
    assert "zq7" not in said


def test_a_value_that_does_not_fit_is_cut_without_being_quoted(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    course = Exhaustive(3).make()
    plant()
    first = back_up(course, tmp_path / "first.mbz", **ALL)
    with open_archive(first) as archive:
        contents = {path: archive.read(path) for path in archive.members if path != ".ARCHIVE_INDEX"}
    path = "course/enrolments.xml"
    contents[path] = contents[path].replace(b"<password>" + MARK.encode(), b"<password>" + MARK.encode() * 20)
    second = tmp_path / "second.mbz"
    second.write_bytes(packed(contents))
    done = restore(second)
    said = [f"{each.place} {each.message} {each.hint}" for each in done.job.findings.all()]
    assert any("password" in sentence for sentence in said)
    assert MARK not in repr(said)
    assert MARK not in told.text
    assert MARK not in repr(list(Job.objects.values()))
