"""Nesting: the parent of a record, and elements that repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from courses.fields.django_fields import ForeignKey

if TYPE_CHECKING:
    from courses.archived import ArchivedModel


class Within(ForeignKey):
    """The parent of a record, and the path from the parent's element: `Within(Forum, "discussions/discussion")`.

    `member` names the archive's member when it is not the parent's own, `since` the version of Moodle after 4.5 whose archives
    are the first to have the record.
    """

    omit = "it is the nesting of the elements"

    def __init__(self, to: Any, path: str = "", *, member: str = "", since: str = "", **options: Any) -> None:
        self.path = path
        self.member = member
        self.since = since
        options.setdefault("on_delete", models.CASCADE)
        options.setdefault("related_name", "+")
        super().__init__(to, **options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Return a plain foreign key for migrations."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.ForeignKey", list(args), options


class Echo:
    """An element that repeats a value stored elsewhere, such as the parent's id; it is written and never read.

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
        """Add the element to the model's echoes; Django calls it when the model class is created."""
        self.name = name
        model.echoes = (*model.echoes, self)
