"""The leak scan finds every detail of a person that an archive has, and the anonymiser leaves none."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from archive.container import open_archive
from archive.details import KnownDetails
from archive.pseudonyms import pseudonym
from backup import leaks
from backup.hidden_words import HiddenWords
from backup.known_people import details_in_archive, details_of_people, people_of
from courses import pool, structure
from courses.fields import ArchiveField, LongText, RichText, Text
from courses.fields.banks import StepValue
from courses.models import Course, File, User
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up

EVERYTHING: dict[str, Any] = {"logs": 1, "grade_histories": 1}
WORDS = (Text, LongText, RichText, StepValue)
"""Field classes that hold any text; the values of others have a form of their own."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module")
def planted(standing: None) -> tuple[Course, dict[str, str]]:
    """A course with a detail of a person in every text of every model, and the details by model and column."""
    made = Exhaustive(seed=3)
    course = made.make()
    people = list(User.objects.filter(pk__in=[user.pk for user in made.rows[User]]))
    for number, user in enumerate(people):
        user.firstname, user.lastname, user.alternatename, user.middlename = (
            f"Ada{number}",
            f"Lovélace{number}",
            "",
            "",
        )
        user.idnumber, user.phone1, user.phone2 = f"M-47{number}11", f"+43 660 12345{number}0", ""
        user.username, user.email = f"planted.{number}", f"planted.{number}@example.com"
        user.lastip, user.address, user.description = f"198.51.100.{number + 7}", "", ""
        user.save()
    found: dict[str, str] = {}
    for model in structure.archived_models():
        if model is User or not made.rows.get(model):
            continue
        for column in model._meta.concrete_fields:
            if not isinstance(column, ArchiveField) or column.personal or column.unique:
                continue
            roomy = column.max_length is None or column.max_length >= 40
            if roomy and (
                type(column) is RichText or (model.archive_meta.userdata and type(column) in WORDS)
            ):
                detail = _detail(people[len(found) % len(people)], len(found))
                name = f"{model.__name__}.{column.name}"
                numbers = [row.pk for row in made.rows[model]]
                changed = model._base_manager.filter(pk__in=numbers).update(**{column.name: f"by {detail}."})
                if changed:
                    found[name] = detail
    return course, found


def _detail(user: User, number: int) -> str:
    """One of the details of a person, in one of the forms in which texts have it."""
    forms = (
        f"{user.firstname} {user.lastname}",
        f"{user.lastname}, {user.firstname}".upper(),
        f"{user.firstname} {user.lastname}".replace("é", "&eacute;"),
        str(user.username),
        str(user.email),
        str(user.phone1),
        "0660/" + str(user.phone1)[8:],
        str(user.idnumber).lower(),
        str(user.email).replace("@", "%40"),
    )
    return forms[number % len(forms)]


def scanned(path: Path, course: Course) -> dict[leaks.Leak, int]:
    people = people_of(course)
    with open_archive(path) as archive:
        return dict(leaks.scan(archive, KnownDetails(details_of_people(people)), people=people))


def test_the_scan_finds_what_the_anonymiser_is_told_to_skip_and_nothing_otherwise(
    transactional_db: None,
    planted: tuple[Course, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course, details = planted
    assert len(details) > 75
    assert len({name.partition(".")[0] for name in details}) > 30
    hidden = back_up(course, tmp_path / "hidden.mbz", anonymize=1, **EVERYTHING)
    assert scanned(hidden, course) == {}
    with monkeypatch.context() as patch:
        patch.setattr(HiddenWords, "rows", lambda self, query, rows: rows)
        shown = back_up(course, tmp_path / "shown.mbz", anonymize=1, **EVERYTHING)
    found = scanned(shown, course)
    elements = {leak.element for leak in found}
    expected = {
        _element(name)
        for name in details
        if not any(model.__name__ == name.partition(".")[0] and model.archive_meta.personal
                   for model in structure.archived_models())
    }  # fmt: skip
    missed = expected - {element.partition("/")[2] for element in elements}
    assert missed == set()
    kinds = {leak.kind for leak in found}
    assert kinds >= {"full name", "user name", "e-mail address", "telephone number", "id number"}


def _element(name: str) -> str:
    """The name of the element of a column."""
    model_name, _, column = name.partition(".")
    model = next(model for model in structure.archived_models() if model.__name__ == model_name)
    return str(getattr(model._meta.get_field(column), "tag", column))


def test_without_people_their_own_texts_are_away_and_the_report_says_what_the_courses_texts_tell(
    transactional_db: None, planted: tuple[Course, dict[str, str]], tmp_path: Path
) -> None:
    course, details = planted
    path = back_up(course, tmp_path / "a.mbz", users=0)
    found = scanned(path, course)
    assert found
    assert {leak.kind for leak in found}.isdisjoint({leaks.ID})
    course_texts = {
        _element(name)
        for name in details
        for model in structure.archived_models()
        if model.__name__ == name.partition(".")[0] and not model.archive_meta.userdata
    }
    assert {leak.element.partition("/")[2] for leak in found} <= course_texts


def test_the_report_of_a_backup_has_the_result_of_the_scan(
    transactional_db: None, planted: tuple[Course, dict[str, str]], tmp_path: Path
) -> None:
    from backup.services import request_backup
    from jobs import runner

    course, _ = planted
    for options, leaking in (({"anonymize": 1}, False), ({"users": 0}, True)):
        job = request_backup(course, by=None, options=options, path=str(tmp_path / "a.mbz"), notify=False)
        runner.run(job.pk, raising=True)
        job.refresh_from_db()
        assert job.result["leaks"]["details"] > 20
        assert bool(job.result["leaks"]["found"]) == leaking
        assert job.findings.filter(code="leak").exists() == leaking


def test_contents_of_files_are_searched_also_inside_documents(
    transactional_db: None, planted: tuple[Course, dict[str, str]], tmp_path: Path
) -> None:
    course, _ = planted
    user = User.objects.filter(lastname="Lovélace1").get()
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w") as packed:
        packed.writestr("word/document.xml", f"<w:t>Ad</w:t><w:t>a1 {user.lastname}</w:t>")
    name = f"essay {user.firstname}_{user.lastname}.docx"
    sha1, size = pool.put(io.BytesIO(document.getvalue()))
    row = File.objects.filter(course=course, component="course").first()
    assert row is not None
    row.pk, row.filename, row.contenthash, row.filesize = None, name, sha1, size
    row.save()
    path = back_up(course, tmp_path / "a.mbz", anonymize=1)
    found = scanned(path, course)
    assert {(leak.person, leak.kind) for leak in found} == {(user.pk, "full name")}
    assert {leak.element for leak in found} == {"content of the file: word/document.xml"}
    row.delete()


def test_nothing_that_people_wrote_is_in_an_archive_without_texts(
    transactional_db: None, planted: tuple[Course, dict[str, str]], tmp_path: Path
) -> None:
    course, details = planted
    path = back_up(course, tmp_path / "a.mbz", texts=0, **EVERYTHING)
    own = {
        name.partition(".")[0]
        for name in details
        for model in structure.archived_models()
        if model.__name__ == name.partition(".")[0] and model.archive_meta.userdata
    }
    found = {leak.element.partition("/")[0] for leak in scanned(path, course) if leak.kind != leaks.ID}
    tags = {_tag(name) for name in own} - {"user"}
    assert tags & found == set()


def _tag(model_name: str) -> str:
    model = next(model for model in structure.archived_models() if model.__name__ == model_name)
    return structure.element(model).tag


def test_first_and_family_names_by_themselves_are_replaced_only_when_asked(
    transactional_db: None, planted: tuple[Course, dict[str, str]], tmp_path: Path
) -> None:
    course, _ = planted
    Course.objects.filter(pk=course.pk).update(summary="Ada2 teaches.")
    texts = {}
    for asked in (0, 1):
        path = back_up(course, tmp_path / f"{asked}.mbz", anonymize=1, single_names=asked)
        with open_archive(path) as archive:
            texts[asked] = archive.read("course/course.xml").decode()
    assert "Ada2 teaches." in texts[0]
    assert "Ada2" not in texts[1]
    assert "anonfirstname" in texts[1]


def test_the_command_names_kinds_and_places_and_never_the_detail(
    transactional_db: None,
    planted: tuple[Course, dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    course, _ = planted
    path = back_up(course, tmp_path / "a.mbz")
    with pytest.raises(SystemExit) as ended:
        call_command("leaks", str(path), course=course.pk)
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "The full name of" in said
    assert "Lovélace" not in said
    hidden = back_up(course, tmp_path / "b.mbz", anonymize=1)
    call_command("leaks", str(hidden), people=str(path))
    assert "none found." in capsys.readouterr().out
    with open_archive(path) as archive:
        assert {detail.person for detail in details_in_archive(archive)} <= people_of(course)


def test_a_full_name_becomes_the_pseudonyms_in_its_own_order(
    transactional_db: None, planted: tuple[Course, dict[str, str]], settings: Any
) -> None:
    from archive.details import replaced
    from archive.pseudonyms import pseudonyms

    course, _ = planted
    user = User.objects.filter(lastname="Lovélace1").get()
    known = KnownDetails(details_of_people(people_of(course)))
    number = pseudonym(settings.SITE_KEY, user.pk)
    hide = HiddenWords(known, lambda person: pseudonyms(pseudonym(settings.SITE_KEY, person)))
    assert hide.text("LOVÉLACE1, ADA1 came") == f"anonlastname{number}, anonfirstname{number} came"
    assert replaced("nobody", known.find("nobody"), pseudonyms) == "nobody"
