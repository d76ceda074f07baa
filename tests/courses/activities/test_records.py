"""The activity types, each by its description: what came in is rows, and what the rows refer to is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.container import open_archive
from courses import activities, structure
from courses.activities.survey import SurveyAnswer
from courses.fields import Ref
from courses.models import Activity, Course, Section, User
from courses.models.xapistate import XapiState
from courses.structure import Chain, Model
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)


def roots(path: Path, modulename: str) -> Iterator[etree._Element]:
    """The root elements of the files of all activities of a type."""
    with open_archive(path) as archive:
        for member in archive.members:
            if member.startswith(f"activities/{modulename}_") and member.endswith(f"/{modulename}.xml"):
                yield etree.fromstring(archive.read(member))


def chains(modulename: str) -> Iterator[Chain]:
    """Each kind of record of a type, with all that it stands in."""
    yield from structure.chains(structure.element(activities.types()[modulename]))


def elements(path: Path, modulename: str, chain: Chain) -> list[etree._Element]:
    """The elements of a kind of record in an archive."""
    where = "/".join("/".join(element.path) for element in chain)
    return [found for root in roots(path, modulename) for found in root.findall(where)]


def restore_only(source: Path, *modulenames: str, **options: Any) -> Course:
    """The course of an archive with its activities of these types alone."""
    with open_archive(source) as archive:
        manifest = etree.fromstring(archive.read("moodle_backup.xml"))
    others: dict[str, Any] = {
        f"{directory.rpartition('/')[2]}_included": "0"
        for activity in manifest.iterfind("information/contents/activities/activity")
        if activity.findtext("modulename") not in modulenames
        for directory in [activity.findtext("directory") or ""]
    }
    return restore(source, **others, **options).course


def nested_in_content(model: Model) -> bool:
    """Whether the rows of a model stand in activities only."""
    return not model.archive_paths()


def test_every_record_of_an_archive_is_a_row_of_its_model(fixtures: Path) -> None:
    source = fixtures / "rich1-users.mbz"
    restore(source)
    expected: Counter[Model] = Counter()
    for name in activities.types():
        for chain in chains(name):
            expected[chain[-1].model] += len(elements(source, name, chain))
    found = {model: model._base_manager.count() for model in expected if nested_in_content(model)}
    assert found == {model: expected[model] for model in found}
    assert sum(found.values()) > 500


def test_the_ids_in_a_row_are_those_of_rows_that_exist(fixtures: Path) -> None:
    restore(fixtures / "rich1-section.mbz")
    restore(fixtures / "rich1-users.mbz")
    checked = 0
    for model in structure.archived_models():
        for field in model._meta.concrete_fields:
            target = structure.model_of_item_type(field.refers or "") if isinstance(field, Ref) else None
            if target is None or not isinstance(field, Ref):
                continue
            values = set(
                model._base_manager.filter(**{f"{field.name}__gt": 0}).values_list(field.name, flat=True)
            )
            key = next((f.name for f in target._meta.concrete_fields if getattr(f, "tag", "") == "id"), "pk")
            there = set(target._base_manager.filter(**{f"{key}__in": values}).values_list(key, flat=True))
            assert values <= there, f"{model._meta.label}.{field.name}"
            checked += len(values)
    assert checked > 1_000


def test_a_backup_without_people_has_none_of_their_records(fixtures: Path, tmp_path: Path) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    path = back_up(course, tmp_path / "without.mbz", users=0)
    for name in activities.types():
        for chain in chains(name):
            if chain[-1].model.archive_meta.userdata:
                for found in elements(path, name, chain):
                    assert found.findtext("userid") in {None, "0", "$@NULL@$"}, etree.tostring(found)


def test_dates_of_activities_move_with_the_course(fixtures: Path) -> None:
    first = restore(fixtures / "rich1-users.mbz").course
    second = restore(fixtures / "rich1-users.mbz", course_startdate=first.startdate + 1_000_000).course
    moved = 0
    for name, model in activities.types().items():
        fields = [f for f in model._meta.concrete_fields if getattr(f, "shifts", False)]
        before, after = (
            model._base_manager.filter(owner__course=course).order_by("pk") for course in (first, second)
        )
        for old, new in zip(before, after, strict=True):
            for field in fields:
                was, became = getattr(old, field.attname), getattr(new, field.attname)
                assert became == (was + 1_000_000 if was else was), f"{name}.{field.name}"
                moved += bool(was)
    assert moved > 5


def test_a_subsection_is_the_place_of_its_own_section(fixtures: Path) -> None:
    for _ in range(2):
        course = restore_only(fixtures / "rich1-users.mbz", "subsection")
        inside = Section.objects.filter(course=course, component="mod_subsection")
        assert inside.count() == 2
        for section in inside:
            activity = Activity.objects.get(course=course, modulename="subsection", instance=section.itemid)
            assert activity.subsection.name == section.name


def test_a_state_of_interactive_content_belongs_to_its_activity(fixtures: Path, tmp_path: Path) -> None:
    course = restore_only(fixtures / "rich1-users.mbz", "h5pactivity")
    activity = Activity.objects.get(course=course, modulename="h5pactivity")
    rows = list(XapiState.objects.all())
    assert len(rows) == 5
    assert {row.activity_id for row in rows} == {activity.pk}
    assert {row.itemid for row in rows} == {activity.contextid}
    assert User.objects.filter(pk__in=[row.userid for row in rows]).count() == 5
    path = back_up(course, tmp_path / "without.mbz", users=0)
    with open_archive(path) as archive:
        assert not [name for name in archive.members if name.endswith("xapistate.xml")]


def test_answers_that_came_without_names_stay_and_those_with_names_go(fixtures: Path, tmp_path: Path) -> None:
    """Moodle writes the answers to its surveys without people's data too, with the numbers of people."""
    nameless = restore_only(fixtures / "rich1-nousers.mbz", "survey")
    assert set(SurveyAnswer.objects.values_list("userid", flat=True)) == {0}
    assert SurveyAnswer.objects.count() == 24
    path = back_up(nameless, tmp_path / "nameless.mbz", users=0)
    assert len(answers(path)) == 24
    named = restore_only(fixtures / "rich1-users.mbz", "survey")
    assert len(answers(back_up(named, tmp_path / "named.mbz"))) == 24
    assert answers(back_up(named, tmp_path / "without.mbz", users=0)) == []
    restore_only(fixtures / "rich1-users.mbz", "survey", users="0")
    assert SurveyAnswer.objects.count() == 48


def answers(path: Path) -> list[etree._Element]:
    """The answers to surveys in an archive."""
    return [found for root in roots(path, "survey") for found in root.iter("answer")]


def test_an_activity_alone_becomes_a_course_and_comes_out_the_same(fixtures: Path, tmp_path: Path) -> None:
    names = ("chat", "feedback", "h5pactivity", "scorm", "survey", "wiki")
    course = restore_only(fixtures / "rich1-users.mbz", *names)
    for name in names:
        activity = Activity.objects.filter(course=course, modulename=name).order_by("pk")[0]
        first = back_up(course, tmp_path / f"{name}.mbz", archive_type="activity", item=activity.pk)
        other = restore(first).course
        again = Activity.objects.get(course=other, modulename=name)
        second = back_up(other, tmp_path / f"{name}2.mbz", archive_type="activity", item=again.pk)
        said = [each.sentence() for each in compared(first, second).differences]
        # An introduction links to what did not come along.
        assert [each for each in said if f"/{name}.xml" in each and "/intro>" not in each] == []
