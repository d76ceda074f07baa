"""A backup without people (`users=0`): nothing of what people did tells who they are, and what the course tells is reported."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from archive.container import open_archive
from archive.details import KnownDetails
from backup import leaks
from backup.known_people import details_of_people, people_of
from courses import pool, structure
from courses.fields import ArchiveField, LongText, RichText, Text
from courses.fields.banks import StepValue
from courses.models import Course, File, User
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "Ada Lovélace"
FORMS = (NAME, "LOVÉLACE, Ada", "planted.ada", "planted.ada@example.com", "+43 660 12345670", "m-4711")
WORDS = (Text, LongText, RichText, StepValue)
"""Field classes that hold any text; the values of others have a form of their own."""

OF_MANIFEST = {"", "original_course_fullname", "original_course_shortname", "members"}
"""Elements that repeat the names of the course and the paths of members, in which names of block types stand."""

SHORTEST = 40
"""Columns with less room than this hold codes, in which no sentence stands."""

NO_SENTENCE = {"contenthash", "filepath", "filename", "resourcekey", "modulename"}
"""Columns that hold a hash, a path or the name of a plugin, or that are written only as a secret."""


@pytest.fixture
def course() -> Course:
    """A course with a person, Ada, whose details are known."""
    made = Exhaustive(seed=7)
    course = made.make()
    user = made.rows[User][0]
    User.objects.filter(pk=user.pk).update(
        firstname="Ada", lastname="Lovélace", alternatename="", middlename="", idnumber="M-4711",
        phone1="+43 660 12345670", phone2="", username="planted.ada", email="planted.ada@example.com",
        lastip="", address="", description="",
    )  # fmt: skip
    return course


def plant(course: Course) -> dict[bool, set[str]]:
    """Write a detail into every column for words of every model; return the columns: True for those of people's records."""
    planted: dict[bool, set[str]] = {True: set(), False: set()}
    for number, model in enumerate(structure.archived_models()):
        if model is User or not model._base_manager.exists():
            continue
        for column in model._meta.concrete_fields:
            if not isinstance(column, ArchiveField) or column.personal or column.unique:
                continue
            roomy = column.max_length is None or column.max_length >= SHORTEST
            if type(column) not in WORDS or not roomy or column.name in NO_SENTENCE:
                continue
            change = {column.name: f"by {FORMS[number % len(FORMS)]}."}
            try:
                with transaction.atomic():
                    model._base_manager.update(**change)
            except IntegrityError:
                # Names that are unique together with something: one of them has it.
                model._base_manager.filter(pk=model._base_manager.latest("pk").pk).update(**change)
            planted[model.archive_meta.userdata].add(str(getattr(column, "tag", column.name)))
    return planted


def found_in(path: Path, course: Course) -> set[leaks.Leak]:
    """Return the details of Ada that an archive has."""
    people, ada = people_of(course), User.objects.get(username="planted.ada")
    with open_archive(path) as archive:
        found = leaks.scan(archive, KnownDetails(details_of_people(people)), people=people)
        return {leak for leak in found if leak.person == ada.pk}


def test_no_column_of_peoples_records_tells_a_person_and_those_of_the_course_are_all_reported(
    course: Course, tmp_path: Path
) -> None:
    planted = plant(course)
    assert len(planted[True]) > 40
    assert len(planted[False]) > 150
    found = found_in(back_up(course, tmp_path / "a.mbz", users=0), course)
    columns = {leak.element.partition("/")[2] for leak in found}
    assert planted[False] - columns == set()
    assert columns & (planted[True] - planted[False]) == set()
    assert columns - planted[False] <= OF_MANIFEST
    assert {leak.kind for leak in found} >= {
        "full name",
        "user name",
        "e-mail address",
        "telephone number",
        "id number",
    }


def test_names_and_contents_of_peoples_files_stay_away_and_those_of_the_course_are_reported(
    course: Course, tmp_path: Path
) -> None:
    areas = {"of the course": ("course", "overviewfiles"), "of a post": ("mod_forum", "attachment")}
    for whose, (component, area) in areas.items():
        row = File.objects.filter(course=course, component=component).first()
        assert row is not None
        content = f"{NAME} wrote what is {whose}.".encode()
        sha1, size = pool.put(io.BytesIO(packed_document(content)))
        row.pk, row.filearea, row.filename = None, area, f"essay {whose} by Ada_Lovélace.docx"
        row.contenthash, row.filesize, row.author, row.source = sha1, size, NAME, f"{NAME}.docx"
        row.save()
    path = back_up(course, tmp_path / "a.mbz", users=0)
    with open_archive(path) as archive:
        files = archive.read("files.xml").decode()
    assert "essay of the course" in files
    assert "essay of a post" not in files
    found = {leak.element for leak in found_in(path, course)}
    assert {"file/filename", "file/author", "file/source", "content of the file: word/document.xml"} <= found


def packed_document(text: bytes) -> bytes:
    """Return an office document with a text."""
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w") as packed:
        packed.writestr("word/document.xml", b"<w:t>" + text + b"</w:t>")
    return document.getvalue()
