"""Tests of a made-up plugin app, run by tests/test_plugin_app.py on a site that has the app installed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from archive.container import open_archive
from archive.errors import UsageError
from backup import completeness as archive_completeness
from courses import completeness, links, registry, schema
from courses.changes import create_activity
from courses.models import Block, Context, Course, File, Section, User
from courses.services import create_course, delete_course
from selection.table import ROOT
from tests.exhaustive import Exhaustive
from tests.jobs_done import back_up, compared, restore
from tests.plugin_app.models import DiceQuestion, Excursion, ExcursionPlace, ExcursionThing
from tests.strict_comparison import StrictComparison, wrongly_written
from tests.test_exhaustive import ALL, forget

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, TITLE = "0170 5551234", "Up the hill"


@pytest.fixture
def excursion() -> Excursion:
    """An excursion to which two people suggested places, one with a picture."""
    course = create_course("OUT", "Out and about")
    section = Section.objects.get(course=course)
    activity = create_activity(course, section, "excursion", "Spring", intro="<p>Where to?</p>")
    found = Excursion._base_manager.get(owner=activity)
    person = User.objects.create_user(
        "erika", email="erika@example.org", firstname="Erika", lastname="Muster"
    )
    link = f'<a href="{settings.SITE_URL}/mod/excursion/view.php?id={activity.pk}">here</a>'
    place = ExcursionPlace._base_manager.create(
        excursion=found, userid=person.pk, title=TITLE, description=link, phone=PHONE, timecreated=1700000000
    )
    Excursion._base_manager.filter(pk=found.pk).update(placeid=place.pk)
    File.objects.create(
        course=course,
        contextid=activity.contextid,
        component="mod_excursion",
        filearea="picture",
        itemid=place.pk,
        filepath="/",
        filename=".",
        contenthash="da39a3ee5e6b4b0d3255bfef95601890afd80709",
        userid=person.pk,
    )
    return Excursion._base_manager.get(pk=found.pk)


def members(path: Path) -> dict[str, str]:
    """Return the XML members of an archive as texts, by path."""
    with open_archive(path) as archive:
        found = {}
        for name in archive.members:
            if name.endswith(".xml"):
                with archive.open(name) as stream:
                    found[name] = stream.read().decode()
        return found


def own(path: Path) -> str:
    """Return the text of the excursion's own member."""
    (text,) = (text for name, text in members(path).items() if name.endswith("/excursion.xml"))
    return text


def test_the_site_finds_no_gap_in_the_app() -> None:
    assert list(completeness.gaps()) == []
    assert list(archive_completeness.gaps()) == []
    assert registry.activity_types()["excursion"] is Excursion
    assert "dice" in registry.question_types()
    assert "excursionplaces" in ROOT


def test_a_course_with_every_field_of_its_models_survives(tmp_path: Path) -> None:
    made = Exhaustive(1)
    first = back_up(made.make(), tmp_path / "first.mbz", **ALL)
    assert made.rows[ExcursionPlace]
    assert made.rows[DiceQuestion]
    forget(Course.objects.get())
    assert not Excursion._base_manager.exists()
    done = restore(first)
    assert "kept" not in done.findings
    assert ExcursionPlace._base_manager.count() == len(made.rows[ExcursionPlace])
    assert DiceQuestion._base_manager.count() == len(made.rows[DiceQuestion])
    second = back_up(done.course, tmp_path / "second.mbz", **ALL)
    outcome = compared(first, second)
    assert [each.sentence() for each in outcome.differences] == []
    assert outcome.leaves.share == 1
    with open_archive(first) as one, open_archive(second) as other:
        assert (
            wrongly_written(
                one,
                {
                    model: made.rows[model]
                    for model in (Excursion, ExcursionPlace, ExcursionThing, DiceQuestion)
                },
            )
            == []
        )
        assert StrictComparison(one, other).run() == []
        assert list(schema.violations(other)) == []


def test_an_excursion_comes_back_with_its_people_files_and_links(
    excursion: Excursion, tmp_path: Path
) -> None:
    first = back_up(excursion.owner.course, tmp_path / "first.mbz")
    assert f"$@EXCURSIONVIEWBYID*{excursion.owner_id}@$" in own(first)
    delete_course(excursion.owner.course)
    done = restore(first)
    place = ExcursionPlace._base_manager.get()
    again = Excursion._base_manager.get(owner__course=done.course)
    assert (place.title, place.phone, again.placeid) == (TITLE, PHONE, place.pk)
    assert place.userid == User.objects.get(username="erika").pk
    assert f"{settings.SITE_URL}/mod/excursion/view.php?id={again.owner_id}" in (place.description or "")
    file = File.objects.get(filearea="picture")
    assert (file.itemid, file.contextid) == (place.pk, again.owner.contextid)
    assert compared(first, back_up(done.course, tmp_path / "second.mbz")).equal


def test_an_anonymous_archive_tells_nothing_of_the_person(excursion: Excursion, tmp_path: Path) -> None:
    person = User.objects.get(username="erika")
    path = back_up(excursion.owner.course, tmp_path / "a.mbz", anonymize=1)
    everything = "".join(members(path).values())
    for secret in ("erika", "Erika", "Muster", "example.org", PHONE, f"<userid>{person.pk}<"):
        assert secret not in everything
    assert TITLE in own(path)
    assert "<phone></phone>" in own(path) or "<phone/>" in own(path)
    delete_course(excursion.owner.course)
    restore(path)
    assert ExcursionPlace._base_manager.get().title == TITLE


def test_without_people_the_excursion_comes_and_their_places_stay(
    excursion: Excursion, tmp_path: Path
) -> None:
    path = back_up(excursion.owner.course, tmp_path / "a.mbz", users=0)
    assert "Where to?" in own(path)
    assert TITLE not in own(path)
    assert "picture" not in members(path)["files.xml"]
    assert Excursion._base_manager.filter(owner__course=restore(path).course).count() == 1
    assert ExcursionPlace._base_manager.count() == 1


def test_a_backup_obeys_the_apps_option(excursion: Excursion, tmp_path: Path) -> None:
    path = back_up(excursion.owner.course, tmp_path / "a.mbz", excursionplaces=0)
    assert TITLE not in own(path)
    assert "Where to?" in own(path)
    assert "<name>excursionplaces</name>" in members(path)["moodle_backup.xml"]


def test_a_restore_obeys_the_apps_option(excursion: Excursion, tmp_path: Path) -> None:
    path = back_up(excursion.owner.course, tmp_path / "a.mbz")
    assert TITLE in own(path)
    done = restore(path, excursionplaces=0)
    assert Excursion._base_manager.filter(owner__course=done.course).count() == 1
    assert not ExcursionPlace._base_manager.filter(excursion__owner__course=done.course).exists()


@pytest.fixture
def packed(excursion: Excursion) -> tuple[Course, list[int]]:
    """A course with two excursions, each with a thing to take along, and the ids of their activities."""
    course = excursion.owner.course
    other = create_activity(course, Section.objects.get(course=course), "excursion", "Autumn")
    activities = [excursion.owner_id, other.pk]
    for number, activity in enumerate(activities):
        found = Excursion._base_manager.get(owner=activity)
        thing = ExcursionThing._base_manager.create(excursion=found, title=THINGS[number])
        File.objects.create(
            course=course,
            contextid=found.owner.contextid,
            component="mod_excursion",
            filearea="thing",
            itemid=thing.pk,
            filepath="/",
            filename=".",
            contenthash="da39a3ee5e6b4b0d3255bfef95601890afd80709",
        )
    return course, activities


THINGS = ("Umbrella", "Compass")


def listed(activity: int, value: int) -> dict[str, Any]:
    """Return the option of one excursion as it is asked for."""
    return {f"excursion_{activity}_packinglist": value}


def things(course: Course) -> set[str]:
    found = ExcursionThing._base_manager.filter(excursion__owner__course=course)
    return set(found.values_list("title", flat=True))


def files_of_things(course: Course) -> int:
    return File.objects.filter(course=course, component="mod_excursion", filearea="thing").count()


def test_a_backup_obeys_the_option_of_one_activity(packed: tuple[Course, list[int]], tmp_path: Path) -> None:
    course, (spring, autumn) = packed
    path = back_up(course, tmp_path / "a.mbz", **listed(spring, 0))
    texts = members(path)
    assert "Umbrella" not in texts[f"activities/excursion_{spring}/excursion.xml"]
    assert "Compass" in texts[f"activities/excursion_{autumn}/excursion.xml"]
    assert texts["files.xml"].count("<filearea>thing<") == 1
    assert f"<name>excursion_{spring}_packinglist</name>" in texts["moodle_backup.xml"]
    made = restore(path).course
    assert (things(made), files_of_things(made)) == ({"Compass"}, 1)
    with pytest.raises(UsageError, match="The archive does not contain it"):
        restore(path, **listed(spring, 1))


def test_a_restore_obeys_the_option_of_one_activity(packed: tuple[Course, list[int]], tmp_path: Path) -> None:
    course, (_spring, autumn) = packed
    path = back_up(course, tmp_path / "a.mbz")
    whole = restore(path).course
    assert (things(whole), files_of_things(whole)) == (set(THINGS), 2)
    made = restore(path, **listed(autumn, 0)).course
    assert (things(made), files_of_things(made)) == ({"Umbrella"}, 1)


def test_an_activity_that_is_left_out_takes_its_option_along(
    packed: tuple[Course, list[int]], tmp_path: Path
) -> None:
    course, (spring, _autumn) = packed
    asked: dict[str, Any] = {f"excursion_{spring}_included": 0, **listed(spring, 1)}
    with pytest.raises(UsageError, match=f"It needs excursion_{spring}_included, which is off"):
        back_up(course, tmp_path / "a.mbz", **asked)


def test_the_wizard_shows_the_option_with_its_activity(packed: tuple[Course, list[int]]) -> None:
    course, (spring, autumn) = packed
    User.objects.create_superuser("boss", email="boss@example.org", password="x")
    client = Client()
    assert client.login(username="boss", password="x")
    address = reverse("backup-schema", args=["course", course.pk])
    page = client.get(address).content.decode()
    for activity in (spring, autumn):
        assert f'name="excursion_{activity}_packinglist"' in page
    assert page.count("Things to take along") == 2
    section = Section.objects.get(course=course).pk
    chosen = [f"section_{section}", f"excursion_{spring}", f"excursion_{autumn}"]
    form = {f"{owner}_included": "1" for owner in chosen} | {f"excursion_{autumn}_packinglist": "1"}
    review = client.get(client.post(address, form).headers["Location"]).content.decode()
    assert review.count("without Things to take along") == 1


def test_its_links_become_tokens_and_links_again(excursion: Excursion) -> None:
    address = f"{settings.SITE_URL}/mod/excursion/view.php?id=5&amp;place=7"
    token = links.encode(address, root=settings.SITE_URL)
    assert token == "$@EXCURSIONPLACE*5*7@$"
    back = links.decode(token, known=lambda kind, old: old + 1, root="http://here", original="http://there")
    assert back == "http://here/mod/excursion/view.php?id=6&place=8"


def test_its_page_opens_with_label_icon_and_records(excursion: Excursion) -> None:
    User.objects.create_superuser("boss", email="boss@example.org", password="x")
    client = Client()
    assert client.login(username="boss", password="x")
    page = client.get(reverse("activity", args=[excursion.owner_id]))
    assert page.status_code == 200
    text = page.content.decode()
    for seen in ("Day out", "plugin_app/icons.svg#bus", "Suggestions", TITLE, "Bus leaves", "Erika"):
        assert seen in text, seen
    course = client.get(reverse("course", args=[excursion.owner.course_id])).content.decode()
    assert "plugin_app/icons.svg#bus" in course
    assert "Spring" in course


def test_an_id_in_the_configuration_of_its_block_is_mapped(excursion: Excursion, tmp_path: Path) -> None:
    course = excursion.owner.course
    Block.objects.create(
        course=course,
        blockname="next_excursion",
        contextid=Context.objects.create().pk,
        parentcontextid=course.contextid,
        configdata=b64encode(configuration(excursion.pk)).decode(),
    )
    done = restore(back_up(course, tmp_path / "a.mbz"))
    again = Excursion._base_manager.get(owner__course=done.course)
    block = Block.objects.get(course=done.course)
    assert again.pk != excursion.pk
    assert b64decode(block.configdata or "") == configuration(again.pk)


def configuration(number: int) -> bytes:
    """Return a block's configuration with the id of an excursion, as PHP serialises it."""
    return f'O:8:"stdClass":1:{{s:11:"excursionid";i:{number};}}'.encode()
