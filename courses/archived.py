"""Part: the base of every model whose rows travel in an archive, and the traits that it declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models.signals import class_prepared

from courses import registry
from courses.fields.nesting import Echo


@dataclass(frozen=True, slots=True)
class ArchivePath:
    """Where the rows of a model stand in the archive when no parent column says it.

    `parent` is the model ("courses.Activity") whose `parent_column` equals this model's `column`;
    `path` and `member` are as in `Within`. `where` is an SQL condition on `{row}` and the parent's row
    `{parent}` for a model whose rows stand at several places. What is only `shown` is written and never read.
    """

    parent: str
    path: str
    member: str = ""
    column: str = "contextid"
    parent_column: str = "contextid"
    where: str = ""
    shown: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveMeta:
    """What is true of all rows of a model.

    `item_type` is the format's name for its ids, as references use it. `userdata` rows are people's work: they are left out
    without people's data, but for those whose column `person` is NULL.
    `files` and `comments` are the "component/area" whose item id is the id of such a row, `graded` the areas whose forms are
    filled in for such a row. `natural_key` is the key for matching rows when merging into an existing course.
    `tag` is the name of the record's element when no place gives it and it is not the model's. `numbered` is False when the
    element has no id in the archive, `unique` when its id is not the row's own (a tag has the same one wherever it is used).
    Of `inline` rows one parent has some dozens at most, short ones: they are rendered and read together with it.
    `personal` rows say something of a person that no pseudonym hides: an anonymised archive has none of them. `option` names
    the option that governs the rows, `file_options` those that govern single file areas ("component/area").
    """

    item_type: str = ""
    tag: str = ""
    userdata: bool = False
    person: str = ""
    files: Sequence[str] = ()
    comments: Sequence[str] = ()
    graded: Sequence[str] = ()
    natural_key: Sequence[str] = ()
    numbered: bool = True
    unique: bool = True
    inline: bool = False
    personal: bool = False
    archive_paths: Sequence[ArchivePath] = ()
    option: str = ""
    file_options: Mapping[str, str] = field(default_factory=dict)


def ordered_index(parent: str) -> models.Index:
    """The index of rows of which a parent has few: it leads to them in the order of their ids, so that nothing is sorted.

    It stands for the index of the column `parent`, which is without one of its own then.
    """
    return models.Index(fields=[parent, "id"], name=f"%(class)s_{parent}")


class ArchivedModel(models.Model):
    """A row that travels. Its columns are the archive's own elements, in their order."""

    id = models.BigAutoField(primary_key=True)
    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta()
    echoes: ClassVar[tuple[Echo, ...]] = ()

    class Meta:
        abstract = True

    @classmethod
    def archive_paths(cls) -> Sequence[ArchivePath]:
        """Where such rows stand, besides what their `Within` columns say."""
        return cls.archive_meta.archive_paths

    @classmethod
    def items(cls, trait: str) -> Sequence[str]:
        """The "component/area" of `files` or `comments` whose item id is the id of such a row."""
        return tuple(getattr(cls.archive_meta, trait))


def _enter(sender: type[models.Model], **_: Any) -> None:
    """Enter every archived model into the registry. The models that migrations make up are in other registries of Django's."""
    if issubclass(sender, ArchivedModel) and sender._meta.apps is apps:
        registry.enter(sender)


class_prepared.connect(_enter)
