"""The records of one person in one activity: those that are the person's work, those that are about it, and their files.

The rules are those by which a restore leaves people out (`courses/authors.py`): a record is the work of its author, and what
nests in it and has no author of its own is too. What others wrote inside it is about it, as the rating of a post. Answers
of others, as the posts in a discussion, are theirs alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from courses import authors, ownership, registry, structure
from courses.activities import types
from courses.fields import GradedItemRef, Ref
from courses.fields.references import ItemRef
from courses.models import Activity, File
from courses.structure import Chain, Model

HISTORY = frozenset({"logs.xml", "logstores.xml", "grade_history.xml"})
"""Members with what has happened: entries are added and never removed."""

LEFT_OUT = frozenset({"roles.xml"})
"""Members of an activity that are nobody's work: a role is a right."""

Ids = defaultdict[Model, set[int]]
"""Ids of rows by their model."""


class ActivityRecords(NamedTuple):
    """The records at one place of an activity's archive: the chain of elements down to them, and their member."""

    chain: Chain
    member: str

    @property
    def model(self) -> Model:
        """The model of the records."""
        return self.chain[-1].model


@dataclass
class PersonRecords:
    """The rows of one person in an activity: `own` work, what others wrote `about` it, and the answers of `others` to it."""

    own: Ids = field(default_factory=lambda: defaultdict(set))
    about: Ids = field(default_factory=lambda: defaultdict(set))
    others: Ids = field(default_factory=lambda: defaultdict(set))


def records_in(activity: Activity) -> Iterator[ActivityRecords]:
    """Yield the places of all records in an activity of a described type, parents first."""
    for chain in structure.chains(structure.element(types()[activity.modulename])):
        yield ActivityRecords(chain, f"{activity.modulename}.xml")
    for member in structure.members_of(Activity):
        for top in structure.elements_of(structure.elements_in(Activity, member)):
            if member not in LEFT_OUT and not top.shown:
                yield from (ActivityRecords(chain, member) for chain in structure.chains(top))


def joint_models(modulename: str) -> list[Model]:
    """Return the models of an activity type whose rows several people make together, such as the pages of a wiki."""
    content = types().get(modulename)
    inside = list(structure.element(content).walk()) if content else []
    streamed = (
        one.model for one in inside if one.model.archive_meta.shared and not one.model.archive_meta.inline
    )
    return list(dict.fromkeys(streamed))


def person_records(activity: Activity, person: int, *, here: PersonRecords | None = None) -> PersonRecords:
    """Return the rows of a person in an activity, as they are in the tables now. A few queries for each model.

    What others wrote about rows that are `here` is left out.
    """
    found, here = PersonRecords(), here or PersonRecords()
    for records in records_in(activity):
        _add_records(found, activity, records, person, here)
    for model, ids in list(found.own.items()):
        for belonging, reference in belonging_to(model) if ids else ():
            rows = belonging._base_manager.filter(**{f"{reference.name}__in": ids})
            new = set(rows.values_list("pk", flat=True))
            found.own[belonging] |= new
            found.about[belonging] -= new
            found.others[belonging] -= new
    _add_forms(found, activity)
    _add_items(found, found.own, here.own)
    _add_items(found, found.about, here.about)
    for area in registry.userdata_areas():
        component, _, name = area.partition("/")
        files = File.objects.filter(contextid=activity.contextid, component=component, filearea=name)
        found.own[File].update(files.filter(userid=person).values_list("pk", flat=True))
    return found


def belonging_to(model: Model) -> Iterator[tuple[Model, Ref]]:
    """Yield the models whose rows belong to a row of a model without being in it, with the field that says to which.

    They are the tags of a post, and what says so itself: the marks of a grade, whoever gave them.
    """
    yield from authors.belonging_to(model)
    yield from ownership.owned_by(structure.item_type_of(model))


def _add_records(
    found: PersonRecords, activity: Activity, records: ActivityRecords, person: int, here: PersonRecords
) -> None:
    """Add the rows of one place: those of the person, and those inside rows that were found."""
    chain, model = records.chain, records.model
    meta, author = model.archive_meta, authors.author_of(model)
    row = f"t{len(chain) - 1}"
    if author is not None:
        condition = f' AND {row}."{author.column}" = %s'
        if not meta.userdata:
            condition += f" AND {meta.userdata_rows.format(row=row)}"
        found.own[model].update(_ids(activity, chain, condition, [person]))
    if len(chain) == 1:
        return
    parent, above = chain[-2].model, f"t{len(chain) - 2}"
    for group, there in ((found.own, here.own), (found.about, here.about)):
        around = group[parent] if author is None and group is found.own else group[parent] - there[parent]
        if not around:
            continue
        inside = set(_ids(activity, chain, f" AND {above}.id = ANY(%s)", [list(around)]))
        inside -= found.own[model]
        if author is None:
            group[model] |= inside
        elif meta.emptied:
            found.others[model] |= inside
        else:
            found.about[model] |= inside


def _ids(activity: Activity, chain: Chain, condition: str, values: list[Any]) -> Iterator[int]:
    """Yield the ids of the rows at the end of a chain that lie in an activity and meet a condition."""
    top = chain[0]
    column = top.column or "owner_id"
    value = getattr(activity, top.parent_column or "id")
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT t{len(chain) - 1}.id FROM {structure.source(chain)} WHERE t0."{column}" = %s{condition}',
            [value, *values],
        )
        yield from (number for (number,) in cursor.fetchall())


def _add_forms(found: PersonRecords, activity: Activity) -> None:
    """Add the grading forms that were filled in for the person's grades, with what is inside them."""
    for records in records_in(activity):
        chain, model = records.chain, records.model
        column = next((one for one in model._meta.concrete_fields if isinstance(one, GradedItemRef)), None)
        if column is not None:
            area = next(index for index, one in enumerate(chain) if hasattr(one.model, "areaname"))
            for name, item_type in registry.graded_item_types().items():
                graded = structure.model_of_item_type(item_type)
                if graded is not None and found.own[graded]:
                    condition = (
                        f' AND t{area}.areaname = %s AND t{len(chain) - 1}."{column.column}" = ANY(%s)'
                    )
                    found.own[model].update(_ids(activity, chain, condition, [name, list(found.own[graded])]))
        elif len(chain) > 1 and any(
            isinstance(one, GradedItemRef) for one in chain[-2].model._meta.concrete_fields
        ):
            condition = f" AND t{len(chain) - 2}.id = ANY(%s)"
            found.own[model].update(_ids(activity, chain, condition, [list(found.own[chain[-2].model])]))


def _add_items(found: PersonRecords, group: Ids, here: Ids) -> None:
    """Add the files of the rows in a group, and what others commented on them; nothing of others to rows that are `here`."""
    for model, ids in list(group.items()):
        for inner, column in _item_columns() if ids else ():
            theirs = inner is File and group is found.own
            items = ids if theirs else ids - here[model]
            for area in model.items(column.declared_in):
                named = dict(zip(column.by, area.split("/"), strict=True))
                rows = inner._base_manager.filter(**named, **{f"{column.name}__in": items})
                new = set(rows.values_list("pk", flat=True)) - found.own[inner]
                (group if inner is File else found.about)[inner].update(new)


def _item_columns() -> Iterator[tuple[Model, ItemRef]]:
    """Yield the models whose rows belong to rows of several models, with the column that says to which."""
    for model in structure.archived_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, ItemRef):
                yield model, column


def items_of_files(model: Model, files: Collection[int]) -> dict[int, set[int]]:
    """Return the rows of a model to which some of these files belong, each with its files."""
    found: dict[int, set[int]] = defaultdict(set)
    for inner, column in _item_columns() if files else ():
        for area in model.items(column.declared_in) if inner is File else ():
            named = dict(zip(column.by, area.split("/"), strict=True))
            rows = File.objects.filter(pk__in=files, **named)
            for number, item in rows.values_list("pk", column.name):
                found[item].add(number)
    return found


def digest_of(activity: Activity, person: int) -> str:
    """Return a digest of a person's own rows in an activity as they are now: another one if anything in them changed.

    What has happened does not count: it grows with every look at the activity, and is never removed.
    """
    history = history_models(activity)
    own = {model: ids for model, ids in person_records(activity, person).own.items() if model not in history}
    found = hashlib.sha256()
    for model in sorted(own, key=structure.item_type_of):
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT md5(t::text) FROM "{table}" t WHERE id = ANY(%s) ORDER BY id',
                [list(own[model])],
            )
            for (row,) in cursor.fetchall():
                found.update(f"{table} {row}\n".encode())
    return found.hexdigest()


def models_in(activity: Activity) -> list[Model]:
    """Return the models of all records in an activity, parents first, and that of files."""
    return list(dict.fromkeys([*(one.model for one in records_in(activity)), File]))


def history_models(activity: Activity) -> frozenset[Model]:
    """Return the models whose rows say what has happened."""
    return frozenset(one.model for one in records_in(activity) if one.member in HISTORY)


def held_by_others(model: Model, ids: Collection[int], found: PersonRecords, person: int) -> set[int]:
    """Return those of the rows `ids` of a person in which, or in answer to which, there is something of others."""
    held: set[int] = set()
    foreign = {inner: found.about[inner] | found.others[inner] for inner in {*found.about, *found.others}}
    for inner, rows in foreign.items():
        for column in inner._meta.concrete_fields:
            if rows and column.remote_field and column.remote_field.model is model:
                inside = inner._base_manager.filter(pk__in=rows)
                held.update(inside.values_list(column.attname, flat=True))
            elif rows and isinstance(column, ItemRef):
                for area in model.items(column.declared_in):
                    named = dict(zip(column.by, area.split("/"), strict=True))
                    held.update(
                        inner._base_manager.filter(pk__in=rows, **named).values_list(column.name, flat=True)
                    )
    if model.archive_meta.emptied:
        held |= authors.others_inside(model, ids, {person})
    return held & set(ids)
