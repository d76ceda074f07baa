"""Anonymous archives: nothing in them tells who anybody is, and only the site's key leads from one to the next."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from lxml import etree

from archive.container import open_archive
from archive.manifest import read_manifest
from archive.pseudonyms import pseudonym
from backup.anonymise import fill_table, make_table, pseudonym_sql
from courses.models import Course, File, User
from courses.models.people import Preference, ProfileField, UserTag
from tests.archives_made import small, texts
from tests.jobs_done import back_up, faults, restore

FIRST_USER = 7_700_001
FIRST_CONTEXT = 8_800_001
EVERYTHING: dict[str, Any] = {"logs": 1, "grade_histories": 1}

NOT_OF_A_PERSON = {
    # What everybody has, or what names no person: the ways to sign in, languages, the site's own fields.
    "auth", "lang", "timezone", "theme", "field_name", "field_type", "mnethosturl", "country",
}  # fmt: skip
TORTURE = "<b>bold</b> &amp; \"dq\" 'sq' O'Brien \\back\\slash 100% $@NOTALINK@$ $@NULL@$x 日本語 العربية 😀 ]]> \\u{2028}"
IN_THE_TEXT_OF_THE_COURSE = {
    # These are values of people, and stand in the texts of teachers of this archive as well.
    "O'Brien": "the torture text of all descriptions",
    "$@COURSEVIEWBYID*1@$": "a name that looks like a link, as real links do",
    "Physics": "the condition “department is Physics” of a page",
    "textarea": "the name of a kind of field, and of an editor that somebody prefers",
    TORTURE: "the same, as the value of a preference",
}


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Course:
    return rich_course(fixtures)


def rich_course(fixtures: Path) -> Course:
    """The rich course that Moodle made, among people whose numbers cannot be mistaken for anything else."""
    with connection.cursor() as cursor:
        for table, first in (("courses_user", FIRST_USER), ("courses_context", FIRST_CONTEXT)):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first}, false)")
    return restore(fixtures / "rich1-users.mbz").course


@pytest.fixture(scope="module")
def anonymous(rich: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its anonymous archive."""
    return back_up(rich, tmp_path_factory.mktemp("anonymous") / "a.mbz", anonymize=1, **EVERYTHING)


def personal_texts() -> dict[str, set[str]]:
    """Every text of four characters or more that the site knows of its people, and the columns that have it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    columns = [field.name for field in User._meta.concrete_fields if getattr(field, "personal", None)]
    for row in User.objects.values(*columns):
        for name, value in row.items():
            found[str(value)].add(name)
    for model in (ProfileField, Preference, UserTag):
        names = [field.name for field in model._meta.concrete_fields if field.name not in {"id", "user"}]
        for row in model.objects.values(*names):
            for name, value in row.items():
                found[str(value)].add(name)
    for author in File.objects.exclude(author=None).values_list("author", flat=True).distinct():
        found[str(author)].add("author")
    return {
        text: names
        for text, names in found.items()
        if len(text) >= 4 and not text.isdigit() and text != "None" and names - NOT_OF_A_PERSON
    }


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_no_text_of_a_person_is_in_any_member(transactional_db: None, anonymous: Path) -> None:
    people = personal_texts()
    assert len(people) > 100
    leaks = [
        (text, sorted(names), member)
        for member, content in texts(anonymous).items()
        for text, names in people.items()
        if text not in IN_THE_TEXT_OF_THE_COURSE and (escaped(text) in content or text in content)
    ]
    assert leaks == []


def test_no_number_of_a_person_is_in_any_member(transactional_db: None, anonymous: Path) -> None:
    users = set(map(str, User.objects.values_list("pk", flat=True)))
    contexts = set(map(str, User.objects.values_list("contextid", flat=True)))
    leaks = [
        (member, line.strip())
        for member, content in texts(anonymous).items()
        for line in content.splitlines()
        if (users | contexts).intersection(re.findall(r"(?<![0-9])[0-9]{7}(?![0-9])", line))
    ]
    assert leaks == []


def test_no_address_of_a_network_is_in_any_member(transactional_db: None, anonymous: Path) -> None:
    leaves = {
        (member, leaf.tag, leaf.text)
        for member, content in texts(anonymous).items()
        for leaf in etree.fromstring(content.encode()).iter()
        if leaf.tag in {"ip", "lastip", "ipaddress", "address"} and leaf.text
    }
    assert {each for each in leaves if each[2] not in {"$@NULL@$", "0"}} == set()


def test_people_have_neither_fields_nor_pictures_nor_files(transactional_db: None, anonymous: Path) -> None:
    with open_archive(anonymous) as archive:
        assert read_manifest(archive).anonymised
        people = etree.fromstring(archive.read("users.xml"))
        files = etree.fromstring(archive.read("files.xml"))
    assert len(people) > 40
    for name in ("custom_field", "tag", "preference", "override", "assignment"):
        assert people.findall(f".//{name}") == [], name
    assert {user.findtext("picture") for user in people} == {"0"}
    assert [file for file in files if file.findtext("component") == "user"] == []
    assert {file.findtext("author") for file in files} == {"$@NULL@$"}
    assert {file.findtext("source") for file in files} == {"$@NULL@$"}


def test_everybody_has_names_as_moodle_gives_them(transactional_db: None, anonymous: Path) -> None:
    for user in people_of(anonymous):
        number = user.get("id")
        told = {leaf.tag: leaf.text for leaf in user}
        assert told["username"] == f"anon{number}"
        assert told["email"] == f"anon{number}@doesntexist.invalid"
        assert (told["firstname"], told["lastname"]) == (f"anonfirstname{number}", f"anonlastname{number}")


def people_of(path: Path) -> Iterator[etree._Element]:
    with open_archive(path) as archive:
        yield from etree.fromstring(archive.read("users.xml"))


def numbers_of(path: Path) -> list[str | None]:
    return [user.get("id") for user in people_of(path)]


def test_people_have_the_same_pseudonym_in_every_archive_of_the_site(
    transactional_db: None, rich: Course, anonymous: Path, tmp_path: Path
) -> None:
    forum = rich.activities.filter(modulename="forum").first()
    assert forum is not None
    part = back_up(rich, tmp_path / "b.mbz", archive_type="activity", item=forum.pk, anonymize=1)
    assert numbers_of(part)
    assert set(numbers_of(part)) <= set(numbers_of(anonymous))


def test_another_key_gives_other_pseudonyms(
    transactional_db: None, rich: Course, anonymous: Path, tmp_path: Path
) -> None:
    with override_settings(SITE_KEY="another key"):
        other = back_up(rich, tmp_path / "b.mbz", anonymize=1)
    assert len(numbers_of(other)) == len(numbers_of(anonymous))
    assert not set(numbers_of(other)) & set(numbers_of(anonymous))


def test_no_two_people_share_a_pseudonym() -> None:
    assert len({pseudonym("key", number) for number in range(1, 50_001)}) == 50_000
    assert len({pseudonym(key, 5) for key in ("a", "b", "ab", "")}) == 4


def test_a_pseudonym_is_the_same_in_sql(transactional_db: None) -> None:
    numbers = (-1, 0, 1, 2, 77, 123456789)
    make_table()
    with transaction.atomic(), connection.cursor() as cursor:
        fill_table({number: pseudonym("a key", number) for number in numbers if number > 0})
        cursor.execute(f"SELECT n, {pseudonym_sql('n')} FROM unnest(%s) n", [[*numbers, 5]])
        found = dict(cursor.fetchall())
    assert found == {**{number: pseudonym("a key", number) for number in numbers}, 5: 0}


def test_pseudonyms_of_the_courses_people_meet_again_in_their_work(
    transactional_db: None, anonymous: Path
) -> None:
    known = set(numbers_of(anonymous)) | {"0", "$@NULL@$"}
    mentioned = {
        (member, leaf.text)
        for member, content in texts(anonymous).items()
        for leaf in etree.fromstring(content.encode()).iter("userid", "graderid", "usermodified", "createdby")
    }
    assert {each for each in mentioned if each[1] not in known} == set()
    assert len({text for _, text in mentioned}) > 30


def test_an_anonymous_archive_is_whole_and_is_restored(
    transactional_db: None, rich: Course, anonymous: Path, tmp_path: Path
) -> None:
    assert faults(anonymous) == []
    before = User.objects.count()
    restored = restore(anonymous)
    assert User.objects.count() > before
    assert User.objects.filter(username__regex=r"^anon\d+$").count() == len(numbers_of(anonymous))
    again = back_up(restored.course, tmp_path / "again.mbz")
    with open_archive(again) as archive:
        assert archive.read("users.xml").count(b"<username>anon") == len(numbers_of(anonymous))


def test_what_nobody_described_of_a_person_is_not_told_either(transactional_db: None, tmp_path: Path) -> None:
    unknown = "</email><icq>icq-of-anna</icq><secret><pin>pin-of-anna</pin></secret>"
    course = restore(small(tmp_path / "a.mbz", {"users.xml": ("</email>", unknown, 1)})).course
    named = texts(back_up(course, tmp_path / "named.mbz"))["users.xml"]
    assert "icq-of-anna" in named
    assert "pin-of-anna" in named
    path = back_up(course, tmp_path / "hidden.mbz", anonymize=1)
    assert [member for member, content in texts(path).items() if "-of-anna" in content] == []
