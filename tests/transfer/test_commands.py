"""The commands copy, import and bin: one JSON object on standard output, sentences for people without `--json`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from archive.errors import NotAllowed, NotFound, UsageError
from courses import removal
from courses.models import Activity, Course
from courses.services import create_course, outline
from tests.pages.places import Place, make_place
from transfer.models import RemovedItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A small course with people in roles."""
    return make_place()


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The object that a command prints."""
    call_command(*arguments, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_copy_makes_a_course_as_chosen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    Course.objects.filter(pk=place.course.pk).update(startdate=1_725_235_200)
    data = answer(
        capsys,
        *("copy", str(place.course.pk), "--fullname", "Next year", "--shortname", "NEXT", "--hidden"),
        *("--start", "2027-09-01", "--keep-weekdays", "--role", "editingteacher"),
    )
    copy = Course.objects.get(pk=data["course_id"])
    assert (copy.fullname, copy.shortname, copy.visible) == ("Next year", "NEXT", 0)
    assert (copy.startdate - 1_725_235_200) % (7 * 24 * 3600) == 0
    assert data["source_id"] == place.course.pk
    call_command("copy", str(place.course.pk))
    assert "Copied as course" in capsys.readouterr().out


def test_copy_says_what_is_wrong(place: Place) -> None:
    with pytest.raises(NotFound, match="no course 5"):
        call_command("copy", "5")
    with pytest.raises(UsageError, match="not a date"):
        call_command("copy", str(place.course.pk), "--start", "tomorrow")
    with pytest.raises(NotFound, match="no role “wizard”"):
        call_command("copy", str(place.course.pk), "--role", "wizard")
    with pytest.raises(NotAllowed):
        call_command("copy", str(place.course.pk), "--as", "stan")


def test_import_brings_what_is_chosen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    other = create_course("O", "Other")
    data = answer(capsys, "import", str(place.course.pk), str(other.pk), "--activity", str(place.forum.pk))
    assert (data["course_id"], data["source_id"], data["activities"]) == (other.pk, place.course.pk, 1)
    assert [line.title for line in outline(other).activities] == [place.forum.title]
    call_command("import", str(place.course.pk), str(other.pk))
    assert "Imported into course" in capsys.readouterr().out
    assert Activity.objects.filter(course=other).count() == 3
    with pytest.raises(NotFound, match="no course 5"):
        call_command("import", "5", str(other.pk))


def test_import_goes_to_the_section_and_position_that_are_named(place: Place) -> None:
    section = place.course.sections.get()
    call_command(
        *("import", str(place.course.pk), str(place.course.pk), "--activity", str(place.forum.pk)),
        *("--to-section", str(section.pk), "--position", "1"),
    )
    titles = [line.title for line in outline(place.course).activities]
    assert titles == [place.forum.title, place.page.title, place.forum.title]


def test_bin_lists_brings_back_and_empties(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    removal.remove(place.forum)
    removal.remove(place.page)
    found = answer(capsys, "bin", "list")["entries"]
    assert [(row["kind"], row["title"]) for row in found] == [
        ("activity", place.page.title),
        ("activity", place.forum.title),
    ]
    assert answer(capsys, "bin", "list", "--course", "5") == {"entries": []}
    call_command("bin", "list")
    assert "kept until" in capsys.readouterr().out
    back = answer(capsys, "bin", "restore", str(found[1]["entry"]))
    assert (back["title"], back["course_id"]) == (place.forum.title, place.course.pk)
    assert [line.title for line in outline(place.course).activities] == [place.forum.title]
    assert answer(capsys, "bin", "empty", str(found[0]["entry"])) == {"removed": 1}
    assert not RemovedItem.objects.exists()
    call_command("bin", "list")
    assert capsys.readouterr().out.strip() == "The recycle bin is empty."


def test_bin_says_what_is_wrong(place: Place) -> None:
    removal.remove(place.forum)
    entry = str(RemovedItem.objects.get().pk)
    with pytest.raises(UsageError, match="one entry"):
        call_command("bin", "restore")
    with pytest.raises(UsageError, match="numbers of entries"):
        call_command("bin", "empty")
    with pytest.raises(NotFound, match="no entry 0"):
        call_command("bin", "restore", "0")
    with pytest.raises(NotAllowed):
        call_command("bin", "restore", entry, "--as", "stan")
    with pytest.raises(NotAllowed):
        call_command("bin", "empty", entry, "--as", "stan")
    assert RemovedItem.objects.exists()
