"""Nesting: what a record is part of, and what repeats that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from courses.fields.django_fields import ForeignKey

if TYPE_CHECKING:
    from courses.archived import ArchivedModel


class Within(ForeignKey):
    """The record that this one is part of, and where in its element: `Within(Forum, "discussions/discussion")`.

    `member` names the archive's member when it is not the parent's own.
    """

    omit = "it is the nesting of the elements"

    def __init__(self, to: Any, path: str = "", *, member: str = "", **options: Any) -> None:
        self.path = path
        self.member = member
        options.setdefault("on_delete", models.CASCADE)
        options.setdefault("related_name", "+")
        super().__init__(to, **options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Migrations see a plain foreign key."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.ForeignKey", list(args), options


class Echo:
    """An element that repeats what is stored elsewhere, as the nesting's id; it is written and never read.

    `expression` is SQL for one value, in which `{row}` stands for the row; without one it is the parent's id.
    """

    def __init__(self, expression: str = "", *, null: bool = False) -> None:
        self.expression = expression
        self.null = null
        self.name = ""

    @property
    def tag(self) -> str:
        """The element's name."""
        return self.name

    def contribute_to_class(self, model: type[ArchivedModel], name: str) -> None:
        """Called by Django's model machinery: notes the element on the model."""
        self.name = name
        model.echoes = (*model.echoes, self)
