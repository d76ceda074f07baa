"""Odd values that come in: every page of the course opens, files can be had, and the course is backed up whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.json_text import parse_json
from courses.fields.conditions import ConditionTree
from courses.models import Activity, Course, File
from tests.archive import sample
from tests.archives_made import members, small
from tests.jobs_done import back_up, faults, restore
from tests.people_made import person
from viewer.templatetags.coursekeep import file_path

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "activities/page_32/module.xml"

NAMES = [
    "a/b.png",
    "one\ntwo.txt",
    "tab\there.txt",
    "a?b#c%2F.png",
    '"quoted".txt',
    " .txt",
    "..",
    "💡.txt",
    "x" * 255,
]
COMPONENTS = ["mod_page\nx", "mod page", "mod/page", "Mod_Page?"]
TREES = [
    '{"op":"&","c":[{"type":"date","d":">=","t":1e999}],"showc":[true]}',
    '{"op":"&","c":[{"type":"date","d":">=","t":-1e999}],"showc":[true]}',
    '{"op":"&","c":[{"type":"grade","id":1e999,"min":1e999}],"showc":[true]}',
    '{"op":"&","c":[{"type":"completion","cm":1e400,"e":1e400}],"showc":[true]}',
    '{"op":"&","c":[{"type":"group","id":{"a":1}}],"showc":[true]}',
    '{"op":"&","c":[{"type":"group","id":[1]},{"type":"grouping","id":"x"}],"showc":[true]}',
    '{"op":"&","c":[{"type":"group","id":99999999999999999999999}],"showc":[true]}',
    '{"op":"&","c":[{"type":"date","t":NaN}]}',
    '{"op":"&","c":[{"type":"date","t":Infinity}]}',
    '{"op":["&"],"c":{"a":1}}',
    '{"op":"&","c":[{"op":"!|","c":7}]}',
    '{"op":"&","c":[null,1,"x",[[]],{"type":null},{"type":"profile","op":[1],"v":{}}]}',
    "[1,2]",
    "1e999",
    "{",
    "[" * 5000,
]


def reached(client: Client, course: Course) -> Iterator[tuple[str, int]]:
    """Every page and file of a course that can be reached from its first page, and the status of the answer."""
    pages = [f"/activity/{pk}/" for pk in course.activities.values_list("pk", flat=True)]
    own = (f"/course/{course.pk}/", "/file/", *pages)
    waiting, seen = [own[0], *pages], set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen or len(seen) > 400:
            continue
        seen.add(address)
        answer = client.get(address)
        yield address, answer.status_code
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found = {
                unescape(one).partition("?")[0]
                for one in re.findall(r'(?:href|src)="([^"#]*)', answer.content.decode())
            }
            waiting += [one for one in found if one.startswith(own)]


def all_is_well(course: Course, folder: Path) -> None:
    """Open every page, read every file, and back the course up."""
    client = Client()
    client.force_login(person(f"root{course.pk}", is_superuser=True))
    answers = dict(reached(client, course))
    assert {address: status for address, status in answers.items() if status != 200} == {}
    for stored in File.objects.filter(course=course).exclude(filename="."):
        answer = client.get(f"/file/{quote(file_path(stored))}")
        assert answer.status_code == 200, stored.filename
        assert b"".join(answer) == sample.PICTURE
        assert "\n" not in answer["Content-Disposition"]
    chosen: tuple[dict[str, Any], ...] = ({}, {"users": "0"}, {"anonymize": "1"})
    for options in chosen:
        assert faults(back_up(course, folder / "out.mbz", **options)) == []


def test_files_of_any_name_can_be_had(tmp_path: Path) -> None:
    files = members()["files.xml"].decode()
    record = files[files.index("<file id") : files.index("</files>")]
    more = "".join(
        record.replace('id="71"', f'id="{100 + number}"').replace("a.png", escape(name))
        for number, name in enumerate(NAMES)
    )
    done = restore(small(tmp_path / "a.mbz", {"files.xml": (record, record + more)}))
    assert set(File.objects.filter(course=done.course).values_list("filename", flat=True)) == {
        "a.png",
        *NAMES,
    }
    all_is_well(done.course, tmp_path)


@pytest.mark.parametrize("component", COMPONENTS, ids=repr)
def test_files_of_any_component_can_be_had(tmp_path: Path, component: str) -> None:
    changes = ("<component>mod_page<", f"<component>{escape(component)}<")
    done = restore(small(tmp_path / "a.mbz", {"files.xml": changes}))
    assert File.objects.filter(course=done.course, component=component).exists()
    all_is_well(done.course, tmp_path)


def with_conditions(path: Path, tree: str) -> Path:
    text = members()[PAGE].decode()
    old = text[text.index("<availability>") : text.index("</availability>")]
    return small(path, {PAGE: (old, f"<availability>{escape(tree)}")})


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree[:40])
def test_conditions_that_make_no_sense_come_in_and_pages_open(tmp_path: Path, tree: str) -> None:
    done = restore(with_conditions(tmp_path / "a.mbz", tree))
    kept = Activity.objects.get(course=done.course, modulename="page").availability or ""
    assert "Infinity" not in kept or "Infinity" in tree
    all_is_well(done.course, tmp_path)


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["op", "c", "type", "id", "cm", "e", "t", "d", "min", "v", "showc"]),
            inside,
            max_size=5,
        )
    ),
    max_leaves=8,
)
kinds = st.sampled_from(["date", "group", "grouping", "grade", "completion", "profile", "other"])
condition = st.fixed_dictionaries(
    {"type": kinds}, optional={"id": odd, "cm": odd, "t": odd, "e": odd, "min": odd, "max": odd}
)
trees = st.fixed_dictionaries(
    {"op": st.sampled_from(["&", "|", "!&", "x"]), "c": st.lists(condition | odd, max_size=3)}
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_the_page_of_an_activity_opens_whatever_its_conditions_are(
    tree: object, odd_page: tuple[Client, Activity]
) -> None:
    client, activity = odd_page
    text = json.dumps(tree).replace("\\u0000", "")
    stored = ConditionTree().relink(text, known=lambda item_type, old: None, root="", original="")
    Activity.objects.filter(pk=activity.pk).update(availability=stored)
    assert client.get(f"/activity/{activity.pk}/").status_code == 200


@pytest.fixture
def odd_page(tmp_path: Path, transactional_db: None) -> tuple[Client, Activity]:
    """A browser of an administrator, and an activity."""
    course = restore(small(tmp_path / "a.mbz")).course
    client = Client()
    client.force_login(person("root", is_superuser=True))
    return client, Activity.objects.get(course=course, modulename="page")


@given(st.text(alphabet="0123456789eE+-.", max_size=12))
def test_a_number_is_never_beyond_all_numbers(text: str) -> None:
    try:
        number = parse_json(text)
    except ValueError:
        return
    assert "nf" not in json.dumps(number)
