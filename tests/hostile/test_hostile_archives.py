"""Archives that are made to do harm: each is refused with its own error or restored, in bounded memory and time.

The table says what becomes of each class. What is refused leaves database and pool as they were; what is restored can be
backed up, the backup is whole, and every page of the course opens.
"""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from courses import pool
from courses.models import Course, User
from tests.hostile.containers import all_containers
from tests.hostile.contents import all_contents
from tests.hostile.documents import all_documents
from tests.hostile.made import Hostile
from tests.hostile.process import Outcome, in_a_fork, restored
from tests.jobs_done import RECORDS_OF_JOBS, back_up, faults
from tests.people_made import person

ARCHIVES = [*all_containers(), *all_documents(), *all_contents()]

EXPECTED: dict[str, str] = {
    # Containers.
    "tar: a name that climbs": "hostile-archive",
    "tar: a link or a device": "hostile-archive",
    "tar: a member twice": "hostile-archive",
    "tar: a name of no text": "unsupported-archive",
    "tar: an odd name that stays a name": "restored",
    "tar: a size that is none": "damaged-archive",
    "tar: a pax record of nonsense": "damaged-archive",
    "tar: a name record without end": "hostile-archive",
    "tar: name records without end": "hostile-archive",
    "tar: an unknown kind of entry": "unsupported-archive",
    "tar: a damaged checksum": "damaged-archive",
    "tar: pax records of quadratic work": "restored",
    "zip: a name that climbs": "hostile-archive",
    "zip: a link or a device": "hostile-archive",
    "zip: a member twice": "hostile-archive",
    "zip: a directory that lies": "damaged-archive",
    "zip: a method of no archive": "unsupported-archive",
    "zip: members that overlap": "hostile-archive",
    "zip: members without end": "hostile-archive",
    "no archive": "not-an-archive",
    "no manifest": "not-an-archive",
    "cut": "damaged-archive",
    "a gzip that is damaged": "damaged-archive",
    "a bomb": "hostile-archive",
    # XML.
    "XML: a document type": "hostile-archive",
    "XML: malformed": "damaged-archive",
    "XML: too deep": "hostile-archive",
    "XML: one record too large": "hostile-archive",
    "XML: much beside the records": "restored",
    "XML: much in a list of people": "hostile-archive",
    "XML: a large unknown member": "restored",
    "XML: names without end": "hostile-archive",
    "XML: namespaces without end": "hostile-archive",
    "XML: odd names that stay": "restored",
    "XML: a long text that stays": "restored",
    "XML: a manifest too large": "hostile-archive",
    "XML: an inforef too large": "hostile-archive",
    "XML: the course is something else": "damaged-archive",
    # Contents.
    "a number that is none": "invalid-value",
    "a manifest that contradicts the rest": "precheck-failed",
    "a manifest of nonsense": "unsupported-archive",
    "ids of another context": "hostile-archive",
    "parents in a circle, or far away": "restored",
    "HTML and scripts in a text": "restored",
    "an odd name of a file": "restored",
    "JSON in conditions": "restored",
    "a serialised PHP value": "restored",
}
"""The outcome of each class of archives: "restored", or the code of the error."""

OTHERWISE: dict[tuple[str, str], str] = {
    ("zip: a directory that lies", "an offset before the file"): "hostile-archive",
    ("zip: a directory that lies", "a comment that is longer"): "restored",
    ("zip: a directory that lies", "a name that is longer"): "restored",
    ("zip: a directory that lies", "an extra field that is longer"): "restored",
    ("no archive", "an archive in a tar"): "restored",
    ("a manifest that contradicts the rest", "an activity that is not there"): "restored",
    ("a manifest that contradicts the rest", "the folder of another"): "restored",
    ("a manifest that contradicts the rest", "a section that is not there"): "restored",
    ("a manifest that contradicts the rest", "another course"): "damaged-archive",
    ("a manifest that contradicts the rest", "another context"): "damaged-archive",
    ("a manifest that contradicts the rest", "another activity"): "damaged-archive",
    ("a manifest that contradicts the rest", "another type"): "damaged-archive",
    ("a manifest that contradicts the rest", "an activity twice"): "damaged-archive",
    ("a manifest of nonsense", "a folder that climbs"): "hostile-archive",
    ("a manifest of nonsense", "an absolute folder"): "hostile-archive",
    ("a manifest of nonsense", "a folder with NUL"): "damaged-archive",
    ("a manifest of nonsense", "a type with a path"): "invalid-value",
    ("a manifest of nonsense", "a type with SQL"): "invalid-value",
    ("a manifest of nonsense", "a type of another script"): "invalid-value",
    ("a manifest of nonsense", "another root"): "not-an-archive",
    ("a manifest of nonsense", "no information"): "not-an-archive",
    ("ids of another context", "the course in the site's context"): "damaged-archive",
    ("ids of another context", "a role in the site's context"): "damaged-archive",
    ("ids of another context", "two people of one number"): "invalid-value",
    ("ids of another context", "two people of one name"): "precheck-failed",
    ("ids of another context", "two posts of one number"): "invalid-value",
    ("ids of another context", "a hash that climbs"): "precheck-failed",
}
"""The outcomes of single archives that differ from those of their class."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database."""


@pytest.fixture(scope="module")
def client(standing: None) -> Client:
    """The browser of an administrator, who sees everything."""
    signed_in = Client(raise_request_exception=False)
    signed_in.force_login(person("hostile.admin", is_superuser=True))
    return signed_in


def test_there_are_more_than_300_archives_and_each_has_a_name_of_its_own() -> None:
    assert len(ARCHIVES) > 300
    assert len({(one.group, one.name) for one in ARCHIVES}) == len(ARCHIVES)
    assert {one.group for one in ARCHIVES} == EXPECTED.keys()
    assert OTHERWISE.keys() <= {(one.group, one.name) for one in ARCHIVES}


@pytest.mark.parametrize("group", EXPECTED)
def test_each_archive_is_refused_with_its_error_or_restored(
    group: str, transactional_db: None, client: Client, tmp_path: Path
) -> None:
    wrong: list[tuple[str, object]] = []
    for one in ARCHIVES:
        if one.group == group:
            found = tried(one, tmp_path / "archive.mbz")
            if found.code != OTHERWISE.get((group, one.name), EXPECTED[group]):
                wrong.append((one.name, found))
            elif found.course:
                course = Course.objects.get(pk=found.course)
                wrong += [(one.name, problem) for problem in problems_of(course, client, tmp_path)]
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong)


def tried(one: Hostile, path: Path) -> Outcome:
    """Restore one archive in a fork; check that a refusal is one sentence and leaves nothing."""
    path.write_bytes(one.make())
    before = state()
    found = in_a_fork(partial(restored, path))
    if found.code != "restored":
        assert "\n" not in found.sentence, found
        assert len(found.sentence) < 600, found
        assert state() == before, one.name
    return found


def state() -> tuple[object, ...]:
    """Return the number of rows of each table that a restore fills, and the contents in the pool after its sweep."""
    with connection.cursor() as cursor:
        names = [
            name
            for name in connection.introspection.table_names(cursor)
            if not name.startswith(RECORDS_OF_JOBS)
        ]
        cursor.execute(" UNION ALL ".join(f'SELECT count(*) FROM "{name}"' for name in names))
        counts = tuple(count for (count,) in cursor.fetchall())
    folder = Path(settings.COURSEKEEP_HOME, "files")
    for shard in range(pool.SHARDS):
        pool.sweep(shard)
    return (*counts, sorted(path.name for path in folder.rglob("*") if path.is_file()))


def problems_of(course: Course, client: Client, folder: Path) -> list[str]:
    """Return what is wrong with a course that came in: with its backup, or with one of its pages. Then remove it."""
    again = faults(back_up(course, folder / "again.mbz"))
    # A member that nobody describes is written as it came, also where Moodle would stumble over its order.
    found = [fault for fault in again if "behind the first nested element" not in fault]
    found += [f"{address}: {status}" for address, status in broken_pages(course, client)]
    course.delete()
    User.objects.filter(username__in=["anna", "boris"]).delete()
    return found


def broken_pages(course: Course, client: Client) -> list[tuple[str, int]]:
    """Open every page of a course that can be reached from its first one; return those that do not open."""
    own = [
        f"/course/{course.pk}/",
        *(f"/activity/{pk}/" for pk in course.activities.values_list("pk", flat=True)),
    ]
    waiting, seen, broken = [reverse("course", args=[course.pk])], set(), []
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        if answer.status_code != 200:
            broken.append((address, answer.status_code))
            continue
        page = answer.content.decode() if not answer.streaming else ""
        assert "steal()</script>" not in page, address
        waiting += [
            link
            for link in (unescape(one).partition("?")[0] for one in re.findall(r'href="([^"#]*)', page))
            if link.startswith(tuple(own))
        ]
    return broken
