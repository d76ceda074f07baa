"""ArchivedModel: the base of every model whose rows travel in an archive; ArchiveMeta: the declarations of such a model."""

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
    """A path of a model's rows in the archive, declared on the model when no `Within` column declares it.

    `parent` is the label of the outer model ("courses.Activity"); its `parent_column` equals this model's `column`. `path`
    and `member` are as in `Within`. `where` is an SQL condition on `{row}` and the parent's row `{parent}`, for a model
    with several paths. A path that is `shown` is written and never read. `since` is as in `Within`.
    """

    parent: str
    path: str
    member: str = ""
    column: str = "contextid"
    parent_column: str = "contextid"
    where: str = ""
    shown: bool = False
    since: str = ""


@dataclass(frozen=True, slots=True)
class RowCondition:
    """The condition that a column has a value: for SQL, and for the texts of a record in an archive."""

    column: str
    value: str

    @property
    def sql(self) -> str:
        """The condition as SQL on `{row}`."""
        return f"{{row}}.{self.column} = '{self.value}'"

    def holds(self, texts: Mapping[str, str | None]) -> bool:
        """Whether the texts of a record's elements, by name, meet it."""
        return texts.get(self.column) == self.value


@dataclass(frozen=True, slots=True)
class ArchiveMeta:
    """The declarations that hold for all rows of a model.

    `item_type` is the format's name for the ids of the rows, as references use it. `userdata` rows are people's
    contributions: without people's data they are left out, except rows whose column `person` is NULL or 0. `files` and
    `comments` are the "component/area" whose item id is the id of a row, `graded` the grading areas whose forms are filled
    in for a row. `natural_key` are the columns that tell rows apart which belong to the same record: the key for matching rows
    when merging into an existing course. A row with the same key is the same one if the columns `same_by` are equal too or,
    without any, all that it says but the columns that `may_differ` (`restore/match/values.py`). Of a model that is `single`,
    or for a first value of the key that is in `single_for`, there is one row for each key: that of the course stays, whatever
    the archive says. Rows that are not `compared`, such as settings, are `single` and come first: then the archive's row is
    removed again, or with the option `overwrite_conf` that of the course (`restore/single_rows.py`). Their natural key begins
    with the column by which a row belongs to its parent. `tag` is the name of the record's element, for models without a path;
    by default it is the model's name. `numbered` is False when the element has no id in the archive, `unique` when several rows
    share an id (a tag has the same id wherever it is used). Rows that `repeat` an id of another activity get a new one;
    references mean the first.
    `inline` rows are rendered and read together with their parent's row; a parent has some dozens of them, and they are short.
    `personal` rows identify a person in a way that no pseudonym hides: anonymised archives leave them out. `userdata_rows`
    is an SQL condition on `{row}`, `personal_rows` one on a column, for models of which only some rows are so. `option` names
    the option that governs the rows, `file_options` the options that govern single file areas ("component/area").
    `shared` userdata stays when one of its people is left out, and only loses the name: a page that several people wrote.
    `newer_values` are, by column, the values that Moodle 5 added, each with the one that stands for it in Moodle 4.5; None
    leaves the record out there.
    `emptied` are the columns that lose their value, with what they have then, in a row of a person who is left out to which
    rows of others belong: a post with replies.
    """

    item_type: str = ""
    tag: str = ""
    userdata: bool = False
    person: str = ""
    files: Sequence[str] = ()
    comments: Sequence[str] = ()
    graded: Sequence[str] = ()
    natural_key: Sequence[str] = ()
    same_by: Sequence[str] = ()
    may_differ: Sequence[str] = ()
    single: bool = False
    single_for: frozenset[str] = frozenset()
    compared: bool = True
    numbered: bool = True
    unique: bool = True
    repeat: bool = False
    inline: bool = False
    personal: bool = False
    userdata_rows: str = ""
    personal_rows: RowCondition | None = None
    archive_paths: Sequence[ArchivePath] = ()
    shared: bool = False
    emptied: Mapping[str, str] = field(default_factory=dict)
    newer_values: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    option: str = ""
    file_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def compared_key(self) -> Sequence[str]:
        """The natural key of rows that are compared with those of a course; empty if they are not."""
        return self.natural_key if self.compared else ()

    @property
    def settled_key(self) -> Sequence[str]:
        """The natural key of rows of which one of two is removed after they came; empty for those that are compared."""
        return () if self.compared else self.natural_key


def ordered_index(parent: str) -> models.Index:
    """Return an index on `parent` and id, which finds a parent's rows in the order of their ids without sorting.

    It replaces the index of the column `parent`, which should be declared with `db_index=False`.
    """
    return models.Index(fields=[parent, "id"], name=f"%(class)s_{parent}")


class ArchivedModel(models.Model):
    """The base of models whose rows travel in archives. The columns are the elements of a record, in their order."""

    id = models.BigAutoField(primary_key=True)
    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta()
    echoes: ClassVar[tuple[Echo, ...]] = ()

    class Meta:
        abstract = True

    @classmethod
    def archive_paths(cls) -> Sequence[ArchivePath]:
        """Return the paths of the rows in the archive, without those that `Within` columns declare."""
        return cls.archive_meta.archive_paths

    @classmethod
    def items(cls, declared_in: str) -> Sequence[str]:
        """Return the "component/area" whose item id is the id of a row; `declared_in` is "files" or "comments"."""
        return tuple(getattr(cls.archive_meta, declared_in))


def _enter(sender: type[models.Model], **_: Any) -> None:
    """Enter an archived model into the registry; models that migrations construct are ignored."""
    if issubclass(sender, ArchivedModel) and sender._meta.apps is apps:
        registry.enter(sender)


class_prepared.connect(_enter)
