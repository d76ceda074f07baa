"""An element that nobody describes, at every place that the format has, comes in and goes out again where it was."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive import layout
from archive.container import open_archive
from courses import activities, structure
from courses.models import Activity, Block, Course, File, OpaqueElement, Role, Section, User
from courses.structure import Element, Wrapper
from tests.archives_made import packed, texts
from tests.exhaustive import Exhaustive
from tests.jobs_done import Restored, back_up, restore
from tests.test_exhaustive import ALL, forget

Way = tuple[str, ...]
"""The names of the elements from the root of a member to one in it."""

SITES_OWN = {("course", "category")}
"""The category of courses is the site's, not the course's: an archive only shows it."""


def holders(body: Iterable[Wrapper | Element], around: Way = ()) -> Iterator[Way]:
    """Every record and every list of records of a body."""
    for node in body:
        way = (*around, node.tag if isinstance(node, Wrapper) else node.path[-1])
        yield way
        yield from holders(node.body, way)


def places() -> dict[str, set[Way]]:
    """Every record, every list and every top of every described member, by the member's path with # for numbers."""
    found = {
        "course/course.xml": set(holders([structure.element(Course)])),
        "sections/section_#/section.xml": set(holders([structure.element(Section)])),
    }
    roots = {(member.scope, member.path): member.root for member in layout.MEMBERS}
    listed: dict[str, tuple[Any, str]] = {
        "users.xml": (User, "users"),
        "roles.xml": (Role, "roles_definition"),
        "files.xml": (File, "files"),
    }
    for path, (model, root) in listed.items():
        found[path] = {(root,), *holders([structure.element(model)], (root,))}
    for member in structure.members_of(Course):
        scope: layout.Scope = "course" if member.startswith("course/") else "archive"
        top = (roots[scope, member],)
        found[member] = {top, *holders(structure.elements_in(Course, member), top)}
    for name, content in activities.types().items():
        folder = f"activities/{name}_#"
        found[f"{folder}/{name}.xml"] = {("activity",), *holders([structure.element(content)], ("activity",))}
        found[f"{folder}/module.xml"] = set(holders([structure.element(Activity)]))
        for member in structure.members_of(Activity):
            top = (roots["activity", member],)
            found[f"{folder}/{member}"] = {top, *holders(structure.elements_in(Activity, member), top)}
    for path in ("course/blocks/html_#", "activities/assign_#/blocks/html_#"):
        found[f"{path}/block.xml"] = set(holders([structure.element(Block)]))
        for member in structure.members_of(Block):
            top = (roots["block", member],)
            found[f"{path}/{member}"] = {top, *holders(structure.elements_in(Block, member), top)}
    return {path: ways - SITES_OWN for path, ways in found.items()}


def all_wrappers() -> Iterator[Wrapper]:
    """Every list of records that the models describe, and every element around lists."""
    bodies = [structure.elements_in(Course, member) for member in structure.members_of(Course)]
    bodies += [structure.elements_in(Activity, member) for member in structure.members_of(Activity)]
    waiting: list[Wrapper | Element] = [node for body in bodies for node in body]
    records: list[structure.Model] = [Course, Section, User, Role, *activities.types().values()]
    waiting.extend(structure.element(model) for model in records)
    while waiting:
        node = waiting.pop()
        waiting += node.body
        if isinstance(node, Wrapper):
            yield node


def shape(path: str) -> str:
    """A member's path without its numbers."""
    return re.sub(r"_[0-9]+/", "_#/", path)


def way_to(element: etree._Element) -> Way:
    return (*(str(above.tag) for above in reversed(list(element.iterancestors()))), str(element.tag))


def planted(source: Path, target: Path, person: str) -> Counter[tuple[str, Way]]:
    """Writes the archive with an unknown element in every record, list and top; how many are where."""
    there, count, number = places(), Counter[tuple[str, Way]](), itertools.count()
    with open_archive(source) as archive:
        contents = {path: archive.read(path) for path in archive.members if path != ".ARCHIVE_INDEX"}
    for path, content in contents.items():
        ways = there.get(shape(path), set())
        if not ways:
            continue
        root = etree.fromstring(content)
        for element in list(root.iter()):
            if way_to(element) in ways:
                plugin = etree.SubElement(element, "plugin_local_planted")
                etree.SubElement(plugin, "number").text = str(next(number))
                etree.SubElement(plugin, "usermodified").text = person
                leaf = etree.Element("planted_leaf")
                leaf.text = "here"
                plugin.addprevious(leaf)
                count[shape(path), way_to(element)] += 1
        contents[path] = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    target.write_bytes(packed(contents))
    return count


def found(archive: Path) -> list[tuple[str, Way, str, str]]:
    """Where the planted elements are: member, place, number, person."""
    return [
        (shape(path), way_to(plugin)[:-1], plugin.findtext("number", ""), plugin.findtext("usermodified", ""))
        for path, text in texts(archive).items()
        for plugin in etree.fromstring(text.encode()).iter("plugin_local_planted")
    ]


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module")
def sown(
    standing: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Restored, Counter[tuple[str, Way]]]:
    """A course that came of an archive with something unknown everywhere, and what was where."""
    folder = tmp_path_factory.mktemp("sown")
    course = Exhaustive(6).make()
    first = back_up(course, folder / "first.mbz", **ALL)
    person = User.objects.get(username="exhaustive6.1").pk
    count = planted(first, folder / "planted.mbz", str(person))
    forget(course)
    OpaqueElement.objects.all().delete()
    return restore(folder / "planted.mbz"), count


def test_something_unknown_is_put_at_every_place_that_the_models_describe(
    transactional_db: None, sown: tuple[Restored, Counter[tuple[str, Way]]]
) -> None:
    _, count = sown
    every = {(path, way) for path, ways in places().items() for way in ways}
    assert len(every) > 1000
    assert every - count.keys() == set()


def test_all_of_it_goes_out_again_where_it_was_and_names_the_same_person(
    transactional_db: None, sown: tuple[Restored, Counter[tuple[str, Way]]], tmp_path: Path
) -> None:
    restored, count = sown
    there = found(back_up(restored.course, tmp_path / "second.mbz", **ALL))
    assert count - Counter((path, way) for path, way, _, _ in there) == Counter()
    assert Counter((path, way) for path, way, _, _ in there) - count == Counter()
    numbers = [number for _, _, number, _ in there]
    assert len(set(numbers)) == len(numbers) == count.total()
    person = User.objects.get(username="exhaustive6.1").pk
    assert {who for *_, who in there} == {str(person)}


def test_unknown_leaves_stand_before_what_nests_in_their_record(
    transactional_db: None, sown: tuple[Restored, Counter[tuple[str, Way]]], tmp_path: Path
) -> None:
    restored, count = sown
    path = back_up(restored.course, tmp_path / "leaves.mbz", **ALL)
    leaves = [
        (shape(member), leaf)
        for member, text in texts(path).items()
        for leaf in etree.fromstring(text.encode()).iter("planted_leaf")
    ]
    assert Counter((member, way_to(leaf)[:-1]) for member, leaf in leaves) == count
    wrappers = {node.tag for node in all_wrappers()}
    behind = {
        (member, way_to(leaf))
        for member, leaf in leaves
        if way_to(leaf)[-2] not in wrappers and any(len(elder) for elder in leaf.itersiblings(preceding=True))
    }
    assert behind == set()


def test_hidden_people_are_hidden_in_all_of_it(
    transactional_db: None, sown: tuple[Restored, Counter[tuple[str, Way]]], tmp_path: Path
) -> None:
    restored, _ = sown
    path = back_up(restored.course, tmp_path / "hidden.mbz", anonymize=1)
    there = found(path)
    numbers = {str(number) for number in User.objects.values_list("pk", flat=True)}
    assert there
    assert {who for *_, who in there}.isdisjoint(numbers)
    assert not [
        where for where, *_ in there if where in {"users.xml", "course/logs.xml", "course/logstores.xml"}
    ]


def test_without_people_nobody_is_named_in_any_of_it(
    transactional_db: None, sown: tuple[Restored, Counter[tuple[str, Way]]], tmp_path: Path
) -> None:
    restored, _ = sown
    there = found(back_up(restored.course, tmp_path / "nobody.mbz", users=0))
    assert there
    assert {who for *_, who in there} == {"0"}
