"""People in activities that no model describes: mapped with people; without them, what may be about somebody stays away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.container import open_archive
from archive.details import KnownDetails
from archive.person_names import can_be_id, names_editor, names_person, tells_person
from backup import leaks
from backup.known_people import details_of_people, people_of
from courses.models import Course, OpaqueMember, User
from jobs.models import JobFinding
from tests.archive.test_opaque import OF_PLUGINS
from tests.archives_made import changed, packed, texts
from tests.jobs_done import Restored, back_up, faults, restore
from tests.restore.test_unknown_plugins import WHEEL_XML, contents

ATTENDANCE = """<sessions><session id="1"><groupid>0</groupid><description>Week 1</description><lasttakenby>12</lasttakenby>
<logs><log id="1"><statusid>11</statusid><remarks>ill, see the note</remarks><studentid>11</studentid><takenby>12</takenby>
</log></logs></session></sessions><statuses><status id="11"><acronym>P</acronym></status></statuses>"""
BOOKING = """<slots><slot id="1"><room>Attic</room><bookings><booking id="5"><note>window seat</note>
<userkey>11</userkey></booking></bookings></slot></slots>"""
SETTINGS = "<maxstudents>11</maxstudents><usersperpage>12</usersperpage><sortby>11</sortby>"
PEERS = """<pairs><pair id="7"><assessorid>11</assessorid><evalueeid>12</evalueeid><judgement>a bit short</judgement></pair>
<pair id="8"><assessorid>0</assessorid><evalueeid>0</evalueeid><judgement>empty place</judgement></pair></pairs>"""
MARKERS = """<allocations><allocation id="3" student="11"><marker>12</marker><why>fewest so far</why></allocation>
</allocations>"""
TEXTS = """<notes><note id="1"><body>asked by Anna Admin at noon</body></note><note id="2"><body>of nobody</body></note>
<note id="3"><studentname>Somebody Unknown</studentname><body>guest of the house</body></note></notes>"""
PLUGINS = {"attendance": ATTENDANCE, "booking": BOOKING, "peers": PEERS, "markers": MARKERS, "texts": TEXTS}
PRIVATE = (
    "ill, see the note",
    "window seat",
    "a bit short",
    "fewest so far",
    "asked by",
    "guest of the house",
    "1.2.3.4",
)
STAYS = ("Week 1", "Attic", "empty place", "of nobody", "<acronym>P</acronym>")


def made(inside: str, *, binary: bytes = b"") -> bytes:
    """The archive of `test_unknown_plugins` with other records in its wheel."""
    spins = WHEEL_XML[WHEEL_XML.index("<spins>") : WHEEL_XML.index("</wheel>")]
    found = changed(contents(), {"activities/wheel_33/wheel.xml": (spins, inside)})
    if binary:
        found["activities/wheel_33/state.bin"] = binary
    return packed(found)


def of_all_plugins() -> bytes:
    """An archive with the records of all these plugins, and a member that is no XML."""
    return made(SETTINGS + "".join(PLUGINS.values()), binary=b"\0anna was here")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "source.mbz"
    path.write_bytes(of_all_plugins())
    return path


@pytest.fixture(scope="module")
def restored(standing: None, source: Path) -> Restored:
    """The course that came of the archive after another course, so that no number stays what it was."""
    Course.objects.all().delete()
    restore(source)
    return restore(source)


def wheel(path: Path) -> etree._Element:
    """The member of the activity that no model describes."""
    (text,) = (text for name, text in texts(path).items() if name.endswith("/wheel.xml"))
    return etree.fromstring(text.encode())


def member_text(path: Path) -> str:
    return etree.tostring(wheel(path), encoding="unicode")


def person(name: str) -> str:
    return str(User.objects.get(username=name).pk)


def test_with_people_every_name_of_a_person_is_mapped_and_the_people_come_along(
    transactional_db: None, restored: Restored, tmp_path: Path
) -> None:
    path = back_up(restored.course, tmp_path / "a.mbz")
    root = wheel(path)
    anna, boris = person("anna"), person("boris")
    for name, expected in {
        "studentid": anna, "takenby": boris, "lasttakenby": boris, "userkey": anna, "assessorid": anna,
        "evalueeid": boris, "marker": boris,
    }.items():  # fmt: skip
        assert root.findtext(f".//{name}") == expected, name
    allocation = root.find(".//allocation")
    assert allocation is not None
    assert allocation.get("student") == anna
    for name, same in {"statusid": "11", "maxstudents": "11", "usersperpage": "12", "sortby": "11"}.items():
        assert root.findtext(f".//{name}") == same, name
    users = etree.fromstring(texts(path)["users.xml"].encode())
    assert {anna, boris} <= {str(user.get("id")) for user in users}


@pytest.mark.parametrize("options", [{"users": 0}, {"anonymize": 1}], ids=str)
def test_what_may_be_about_people_stays_away_and_the_rest_comes(
    transactional_db: None, restored: Restored, tmp_path: Path, options: dict[str, Any]
) -> None:
    path = back_up(restored.course, tmp_path / "a.mbz", **options)
    text = member_text(path)
    assert [words for words in PRIVATE if words in text] == []
    assert [words for words in STAYS if words not in text and words != "Week 1"] == []
    assert not any(name.endswith("state.bin") for name in open_members(path))
    assert faults(path) == []
    people = people_of(restored.course)
    with open_archive(path) as archive:
        found = leaks.scan(archive, KnownDetails(details_of_people(people)), people=people)
    assert {leak for leak in found if "wheel" in leak.member} == set()
    finding = JobFinding.objects.filter(code="opaque-people", place="activities/wheel/wheel.xml").last()
    assert finding is not None
    assert "6 records" in finding.message


def open_members(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return list(archive.members)


def test_a_restore_without_people_leaves_out_the_same(transactional_db: None, source: Path) -> None:
    course = restore(source, users=0).course
    stored = b"".join(bytes(row.content) for row in OpaqueMember.objects.filter(course=course)).decode()
    assert [words for words in PRIVATE if words in stored] == []
    assert [words for words in STAYS if words not in stored and words != "Week 1"] == []
    assert "was here" not in stored


def cases() -> Iterator[tuple[str, str]]:
    """A name in a record, in each order of its elements and as an attribute."""
    for name in (*OF_PLUGINS, "bookedforuserid"):
        yield name, f"<all><one><{name}>11</{name}><say>secret</say></one></all>"
        yield name, f"<all><one><say>secret</say><in><x>1</x></in><{name}>11</{name}></one></all>"
        yield name, f'<all><one {name}="11"><say>secret</say></one></all>'
        yield name, f'<all><one><who {name}="11">x</who><say>secret</say></one></all>'


@pytest.mark.parametrize(("name", "inside"), list(cases()))
def test_a_record_stays_away_wherever_in_it_the_person_stands(name: str, inside: str) -> None:
    import io

    from archive.opaque import rewrite

    document = f"<activity><game>{inside}</game></activity>"
    kept = b"".join(
        rewrite(io.BytesIO(document.encode()), member="a.xml", mapped=lambda _, n: n, people=False)
    )
    assert b"secret" not in kept
    assert b"<all>" in kept


def test_the_activitys_own_record_stays_and_loses_what_is_about_people() -> None:
    import io

    from archive.judgement import OpaquePeople
    from archive.opaque import rewrite

    document = "<activity><game><name>Chess</name><teacherid>11</teacherid><email>a@b.example</email></game></activity>"
    who = OpaquePeople()
    kept = b"".join(
        rewrite(io.BytesIO(document.encode()), member="a.xml", mapped=lambda _, n: n, people=False, who=who)
    ).decode()
    assert "<name>Chess</name><teacherid>0</teacherid><email></email>" in kept
    assert who.left == {"values": 2}


SAY_PERSON = (
    "studentid takenby lasttakenby teacherid assessorid userkey student marker user_id secondmarker fromuserid touser "
    "createdby gradinggradeoverby privatereplyto assignedto submitterid overriddenby memberid bookedby hiddenby owner"
)
SAY_NONE = (
    "sortby orderby groupby sortedby maxstudents usersperpage authorized hidegrader remember numusers sendtostudent editor "
    "userlimit members showuser maxuser standby groupid statusid teacherscount usernum orderedby"
)


def test_names_say_person_or_not() -> None:
    assert [name for name in SAY_PERSON.split() if not names_person(name)] == []
    assert [name for name in SAY_NONE.split() if names_person(name)] == []
    assert names_editor("usermodified")
    assert not tells_person("usermodified")
    assert tells_person("studentname")
    assert not names_person("studentname")
    assert can_be_id("evalueeid")
    assert not can_be_id("valid")
