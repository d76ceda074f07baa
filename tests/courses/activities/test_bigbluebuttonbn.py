"""Rooms for meetings: who takes part is people and roles of this site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from archive.container import open_archive
from courses.activities.bigbluebuttonbn import BigBlueButtonBn
from courses.fields import NULL
from courses.models import Activity, Role, User
from tests.archives_made import real
from tests.courses.activities import scene
from tests.courses.activities.scene import page_of
from tests.courses.activities.test_records import restore_only
from tests.jobs_done import back_up

pytestmark = pytest.mark.django_db(transaction=True)

ROOM = "activities/bigbluebuttonbn_716/bigbluebuttonbn.xml"
LIST = [
    {"selectiontype": "all", "selectionid": "all", "role": "viewer"},
    {"selectiontype": "user", "selectionid": "1003", "role": "moderator"},
    {"selectiontype": "user", "selectionid": "99999", "role": "viewer"},
    {"selectiontype": "role", "selectionid": "5", "role": "viewer"},
]


def with_list(fixtures: Path, target: Path, text: str) -> Path:
    """The rich course with a list of participants in its room."""
    change = ("<participants>[]</participants>", f"<participants>{text}</participants>")
    return real(fixtures / "rich1-users.mbz", target, {ROOM: change})


def listed(path: Path, activity: Activity) -> str:
    """The list in an archive."""
    with open_archive(path) as archive:
        root = etree.fromstring(archive.read(f"activities/bigbluebuttonbn_{activity.pk}/bigbluebuttonbn.xml"))
    return root.findtext("bigbluebuttonbn/participants") or ""


def test_participants_are_people_and_roles_of_this_site(fixtures: Path, tmp_path: Path) -> None:
    course = restore_only(with_list(fixtures, tmp_path / "list.mbz", json.dumps(LIST)), "bigbluebuttonbn")
    room = BigBlueButtonBn.objects.get()
    with open_archive(fixtures / "rich1-users.mbz") as archive:
        users = etree.fromstring(archive.read("users.xml"))
        roles = etree.fromstring(archive.read("roles.xml"))
    username = users.findtext("user[@id='1003']/username")
    shortname = roles.findtext("role[@id='5']/shortname")
    user, role = User.objects.get(username=username), Role.objects.get(shortname=shortname)
    everybody, person, group = json.loads(room.participants or "")
    assert everybody == LIST[0]
    assert person == {**LIST[1], "selectionid": str(user.pk)}
    assert group == {**LIST[3], "selectionid": str(role.pk)}
    plain = back_up(course, tmp_path / "plain.mbz")
    assert json.loads(listed(plain, room.owner)) == [everybody, person, group]
    hidden = listed(back_up(course, tmp_path / "hidden.mbz", anonymize=1), room.owner)
    said = json.loads(hidden)
    assert [entry["selectiontype"] for entry in said] == ["all", "user", "role"]
    assert said[1]["selectionid"] not in {str(user.pk), "1003"}
    assert (said[0], said[1]["role"], said[2]) == (everybody, "moderator", group)


def test_a_list_that_is_none_stays_as_it_is(tmp_path: Path) -> None:
    course = scene.course()
    texts = [None, "", "[]", "not JSON", '{"a": 1}', '[1, {"selectiontype": "user"}]']
    rooms = [
        scene.activity(course, BigBlueButtonBn, name=f"Room {number}", participants=text)
        for number, text in enumerate(texts)
    ]
    plain = back_up(course, tmp_path / "plain.mbz")
    assert [listed(plain, room.owner) for room in rooms] == [NULL if text is None else text for text in texts]
    hidden = back_up(course, tmp_path / "hidden.mbz", anonymize=1)
    said = [listed(hidden, room.owner) for room in rooms]
    assert said[:5] == [NULL, "", "[]", "", ""]
    assert json.loads(said[5]) == json.loads(texts[5] or "")


def test_a_room_opens_later_when_the_course_begins_later_and_its_passwords_are_on_no_page(
    fixtures: Path, tmp_path: Path
) -> None:
    change = ("<openingtime>0</openingtime>", "<openingtime>1800000000</openingtime>")
    source = real(fixtures / "rich1-users.mbz", tmp_path / "opens.mbz", {ROOM: change})
    first = restore_only(source, "bigbluebuttonbn")
    second = restore_only(source, "bigbluebuttonbn", course_startdate=first.startdate + 86_400)
    times = BigBlueButtonBn.objects.order_by("pk").values_list("openingtime", "closingtime", "course")
    assert list(times) == [(1_800_000_000, 0, first.pk), (1_800_086_400, 0, second.pk)]
    shown = "".join(page_of(room.owner) for room in BigBlueButtonBn.objects.all())
    assert "Bbb1" in shown
    assert not [
        room
        for room in BigBlueButtonBn.objects.all()
        if room.moderatorpass in shown or room.viewerpass in shown
    ]
