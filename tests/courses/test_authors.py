"""Every model of userdata says whose work its rows are, or that they are shared, or lies inside one that does."""

from __future__ import annotations

from typing import cast

from courses import authors, structure
from courses.fields import UserRef, Within
from courses.models import User
from courses.structure import Model

OF_NOBODY = {"BigBlueButtonBnRecording"}
"""Userdata that is not one person's: of all who were in the meeting."""


def around(model: Model) -> list[Model]:
    """Return the models in whose rows a model's rows nest, or to whose rows they belong."""
    nested = [
        cast(Model, field.related_model) for field in model._meta.concrete_fields if isinstance(field, Within)
    ]
    named = [
        other
        for other in structure.archived_models()
        if any(belonging is model for belonging, _ in authors.belonging_to(other))
    ]
    return [*nested, *named]


def has_author(model: Model) -> bool:
    """Whether the rows of a model, or rows around them, are somebody's work or shared."""
    if model is User or authors.author_of(model) is not None or model.archive_meta.shared:
        return True
    return any(has_author(outer) for outer in around(model))


def test_rows_of_people_are_somebodys_or_shared() -> None:
    lost = {
        model.__name__
        for model in structure.archived_models()
        if model.archive_meta.userdata and not has_author(model)
    }
    assert lost == OF_NOBODY


def test_the_author_comes_before_the_marker() -> None:
    found = {
        model.__name__: author.name
        for model in structure.archived_models()
        if (author := authors.author_of(model)) is not None and author.name != "userid"
    }
    assert found == {
        "AssignAllocatedMarker": "student",
        "AssignMark": "marker",
        "BadgeAward": "recipientid",
        "WorkshopExampleAssessment": "reviewerid",
        "WorkshopSubmission": "authorid",
        "WorkshopAssessment": "reviewerid",
    }


def test_shared_rows_have_people_whose_names_can_go() -> None:
    shared = [model for model in structure.archived_models() if model.archive_meta.shared]
    assert shared
    for model in shared:
        assert any(isinstance(field, UserRef) for field in model._meta.concrete_fields), model
