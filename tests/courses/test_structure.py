"""The elements of an archive as they are compiled from the models."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from courses import activities, registry, structure
from courses.activities.forum import Forum, ForumDiscussion, ForumPost, ForumRating
from courses.archived import ArchivePath
from courses.fields import ArchiveField, Within
from courses.models import Activity, Category, Course, Group, Grouping, RoleAssignment, Section, User
from courses.structure import Element, Wrapper

TOPS: tuple[Any, ...] = (Course, Section, Activity, User)


def shape(body: tuple[Wrapper | Element, ...]) -> list[object]:
    """A body as nested lists of names: wrappers with what is in them, records as their names."""
    return [(node.tag, shape(node.body)) if isinstance(node, Wrapper) else node.tag for node in body]


def tops() -> list[Element]:
    """Every element that stands in no other."""
    found = [structure.element(model) for model in (*TOPS, *activities.types().values())]
    for owner in (Course, Activity):
        for member in structure.members_of(owner):
            found += structure.elements_of(structure.elements_in(owner, member))
    return found


def test_records_nest_as_their_models_say() -> None:
    forum = structure.element(Forum)
    discussion = next(child for child in forum.children() if child.model is ForumDiscussion)
    assert (discussion.path, discussion.column, discussion.parent_column) == (
        ("discussions", "discussion"),
        "forum_id",
        "id",
    )
    assert ("posts", ["post"]) in shape(discussion.body)
    post = next(child for child in discussion.children() if child.model is ForumPost)
    assert [child.model for child in post.children()] == [ForumRating]


def test_elements_with_the_same_wrapper_stand_in_it_together() -> None:
    groups = structure.elements_in(Course, "groups.xml")
    assert shape(groups)[-1] == ("groupings", ["grouping", ("groupingcustomfields", ["groupingcustomfield"])])
    assert next(structure.elements_of(groups)).model is Group
    assert Grouping in [element.model for element in structure.elements_of(groups)]


def test_a_model_may_stand_at_several_places() -> None:
    archive_paths = {
        owner: [
            e
            for m in ("", *structure.members_of(owner))
            for e in structure.elements_of(structure.elements_in(owner, m))
        ]
        for owner in (Course, Activity, User)
    }
    for owner, elements in archive_paths.items():
        found = [element for element in elements if element.model is RoleAssignment]
        assert [element.parent for element in found] == [owner]
        assert found[0].column == found[0].parent_column == "contextid"


def test_what_is_shown_only_is_marked() -> None:
    shown = [element.model for element in structure.element(Course).children() if element.shown]
    assert shown == [Category]


def test_fields_are_elements_in_the_order_of_the_model_and_attributes_by_themselves() -> None:
    course = structure.element(Course)
    assert [field.tag for field in course.attributes] == ["contextid"]
    assert [field.tag for field in course.leaves][:3] == ["shortname", "fullname", "idnumber"]
    module = structure.element(Activity)
    assert module.tag == "module"
    assert "sectionid" in [field.tag for field in module.leaves]
    assert not {"instance", "title"} & set(module.inside())


def test_every_field_of_every_part_is_in_its_element() -> None:
    for model in structure.archived_models():
        element = structure.element(model)
        fields = {f for f in model._meta.concrete_fields if isinstance(f, ArchiveField) and not f.omit}
        assert fields == {*element.attributes, *element.leaves}


def test_a_kind_leads_to_its_model() -> None:
    assert structure.model_of_item_type("forum_post") is ForumPost
    assert structure.model_of_item_type("forum") is Forum
    assert structure.model_of_item_type("course_module") is Activity
    assert structure.model_of_item_type("nothing_of_the_kind") is None


def test_areas_lead_to_the_kind_of_their_items() -> None:
    assert structure.item_types("files")["mod_forum", "post"] == "forum_post"
    assert structure.item_types("comments")["mod_glossary", "glossary_entry"] == "glossary_entry"


def test_a_chain_is_all_that_a_record_stands_in() -> None:
    chains = {chain[-1].model: chain for chain in structure.chains(structure.element(Forum))}
    assert [element.model for element in chains[ForumRating]] == [
        Forum,
        ForumDiscussion,
        ForumPost,
        ForumRating,
    ]
    assert structure.source(chains[ForumDiscussion]) == (
        '"courses_forum" t0 JOIN "courses_forumdiscussion" t1 ON t1."forum_id" = t0."id"'
    )


@pytest.mark.django_db
def test_the_database_takes_the_source_of_every_chain() -> None:
    with connection.cursor() as cursor:
        for top in tops():
            for chain in structure.chains(top):
                cursor.execute(f"SELECT count(*) FROM {structure.source(chain)}")
                assert cursor.fetchone() == (0,)


def test_each_model_is_asked_once_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for every element, two hundred models took a second of each command."""
    asked: Counter[type] = Counter()
    real = structure._archive_paths

    def counted(model: structure.Model) -> list[ArchivePath]:
        asked[model] += 1
        return real(model)

    registry.clear_derived()
    monkeypatch.setattr(structure, "_archive_paths", counted)
    tops()
    assert set(asked.values()) == {1}


def test_one_index_leads_to_inline_rows_in_their_order() -> None:
    inline = [model for model in structure.archived_models() if model.archive_meta.inline]
    assert inline
    for model in inline:
        columns = [list(index.fields) for index in model._meta.indexes]
        [within] = [field for field in model._meta.concrete_fields if isinstance(field, Within)]
        assert [within.name, "id"] in columns, model._meta.label
        assert within.deconstruct()[3]["db_index"] is False, model._meta.label
