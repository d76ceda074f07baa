"""Nothing of a course is forgotten: every column travels or says why not, and who forgets one is told what to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import models

from archive import layout
from backup import completeness as archive
from courses import completeness, registry, structure
from courses.activities.forum import Forum
from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import ArchiveField, Int, LongText, Ref, Text, Within
from courses.members import described


@pytest.fixture
def one_more() -> Iterator[list[type[models.Model]]]:
    """Models that a test adds to the app of courses; they are taken out again."""
    before = dict(apps.all_models["courses"])
    added: list[type[models.Model]] = []
    yield added
    for name in set(apps.all_models["courses"]) - set(before):
        registry.leave(apps.all_models["courses"].pop(name))
    apps.clear_cache()


def made(name: str, **attributes: Any) -> Any:
    """A part of a forum's archive, called as it is by nobody else."""
    attributes.setdefault("forum", Within(Forum, "extras/extra"))
    return type(name, (ArchivedModel,), {"__module__": "courses.activities.forum", **attributes})


def test_every_column_of_every_model_travels_or_says_why_it_does_not() -> None:
    assert list(completeness.gaps()) == []


def test_every_part_has_its_place_in_an_archive_and_all_that_it_names_exists() -> None:
    assert list(archive.gaps()) == []


def test_every_reason_is_a_sentence_for_people() -> None:
    for model in structure.archived_models():
        for column in model._meta.concrete_fields:
            reason = completeness.reason_of(column)
            assert reason is not None
            assert reason == "" or len(reason.split()) > 3, f"{model._meta.label}.{column.name}: {reason}"


def test_every_member_of_the_layout_is_described_or_kept_under_a_root() -> None:
    for one in described():
        assert one.member.root
        assert one.opaque or list(one.elements())


def test_no_two_members_of_one_scope_have_the_same_path() -> None:
    members = [(member.scope, member.path) for member in layout.MEMBERS]
    assert len(set(members)) == len(members)


@pytest.mark.usefixtures("one_more")
def test_a_column_that_would_be_lost_is_told_with_what_to_write() -> None:
    model = made("Forgetful", lost=models.IntegerField())
    (gap,) = completeness.column_gaps(model)
    assert gap.startswith(
        "courses.Forgetful.lost would be lost in a backup. Make it a field of courses.fields"
    )
    assert 'omit="the reason"' in gap
    assert gap in [message.msg for message in run_checks()]


@pytest.mark.usefixtures("one_more")
def test_a_column_with_a_reason_may_stay() -> None:
    model = made("Reasonable", counted=Int(omit="it is counted anew"))
    assert list(completeness.column_gaps(model)) == []


@pytest.mark.usefixtures("one_more")
def test_a_reference_to_nothing_is_told() -> None:
    model = made("Lonely", friend=Ref("imaginary_friend"))
    (gap,) = completeness.reference_gaps(model)
    assert "refers to the item type 'imaginary_friend', which no model has" in gap


@pytest.mark.usefixtures("one_more")
def test_a_model_of_the_app_that_is_no_part_needs_a_reason() -> None:
    type("Loose", (models.Model,), {"__module__": "courses.models.site"})
    assert any(gap.startswith("courses.Loose is no part of an archive.") for gap in completeness.gaps())


@pytest.mark.usefixtures("one_more")
def test_two_models_with_the_same_kind_of_id_are_told() -> None:
    made("Double", archive_meta=ArchiveMeta(item_type="forum_post"))
    assert (
        "2 models have the item type 'forum_post'. Give each an item type of its own in its archive_meta."
        in completeness.gaps()
    )


@pytest.mark.usefixtures("one_more")
def test_a_part_without_a_place_is_told() -> None:
    type("Homeless", (ArchivedModel,), {"__module__": "courses.models.site"})
    assert any(gap.startswith("courses.Homeless is in no member of an archive.") for gap in archive.gaps())


@pytest.mark.usefixtures("one_more")
def test_a_part_in_a_member_that_the_layout_lacks_is_told() -> None:
    from courses.models import Course

    made("Abroad", forum=Within(Course, "thing", member="abroad.xml"))
    assert any("stands in abroad.xml, which the layout does not have" in gap for gap in archive.gaps())


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Text(10, personal="nonsense"), "is personal as 'nonsense', which backup.anonymise does not know"),
        (Text(10, personal="null"), "may not be NULL"),
        (LongText(personal="zero"), "is no number"),
    ],
    ids=["unknown", "null", "zero"],
)
@pytest.mark.usefixtures("one_more")
def test_a_personal_column_that_cannot_be_hidden_is_told(field: ArchiveField, said: str) -> None:
    model = made("Private", secret=field)
    (gap,) = archive.personal_gaps(model._meta.get_field("secret"))
    assert gap.startswith("courses.Private.secret")
    assert said in gap


@pytest.mark.parametrize(
    ("archive_meta", "said"),
    [
        (ArchiveMeta(option="nonsense"), "names the option 'nonsense', which selection does not have"),
        (ArchiveMeta(files=("mod_forum",)), "names the area 'mod_forum'"),
        (ArchiveMeta(person="nobody"), "names 'nobody' as its person"),
    ],
    ids=["option", "area", "person"],
)
@pytest.mark.usefixtures("one_more")
def test_an_archive_meta_that_names_what_does_not_exist_is_reported(
    archive_meta: ArchiveMeta, said: str
) -> None:
    (gap,) = archive.meta_gaps(made("Wrong", archive_meta=archive_meta))
    assert said in gap


@pytest.mark.usefixtures("one_more")
def test_two_elements_of_one_name_are_told() -> None:
    made("Twice", one=Text(10, tag="same"), same=Int())
    assert "courses.Twice has 2 elements <same>. Give all but one another tag." in archive.gaps()
