"""The structure: the elements of the archive, compiled from the models.

`element(model)` is the element of a model's rows, with everything nested in it; `elements_in(model, member)` are the
elements that a separate member holds for a model:

    element(Forum)                           <forum>, and in it <discussions><discussion>...<posts><post>
    elements_in(Activity, "roles.xml")       <role_overrides><override>, <role_assignments><assignment>

Backup renders them, restore reads them, the schema and the format's documentation describe them; none of them knows a
model by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from django.apps import apps

from courses import registry
from courses.archived import ArchivedModel, ArchivePath
from courses.fields import ArchiveField, Echo, Ref, RefList, ScaleOrMaximum, Within

Model = type[ArchivedModel]

archived_models = registry.archived_models
item_type_of = registry.item_type_of
model_of_item_type = registry.model_of_item_type
item_types = registry.item_types


CHOSEN = ("plugin_qtype_", "plugin_gradingform_")
"""Prefixes of plugin wrappers that are written only for the record's own type or method."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """An element that only holds other elements: `<posts>`, or a plugin's part."""

    tag: str
    body: tuple[Wrapper | Element, ...]

    @property
    def sparse(self) -> bool:
        """Whether the element is left out when it is empty: 4.5 does not know it, or it is another type's."""
        return self.tag.startswith(CHOSEN) or all(one.since for one in self.elements())

    def elements(self) -> Iterator[Element]:
        """Yield the elements inside, in order."""
        return elements_of(self.body)


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """The records of one model at one path of the archive.

    `path` leads from the parent's element (or the member's root) to this one; `column` of the row equals `parent_column` of
    the parent's row, and `where` (SQL on `{row}` and the parent's row `{parent}`) holds. `attributes` and `leaves` are the
    columns, `echoes` elements that are written but not stored, `body` the nested elements. With `shown` it is written and
    never read. `since` is the version of Moodle after 4.5 that has it first, if 4.5 has not.
    """

    model: Model
    path: tuple[str, ...]
    parent: Model | None
    column: str
    parent_column: str
    attributes: tuple[ArchiveField, ...]
    leaves: tuple[ArchiveField, ...]
    echoes: tuple[Echo, ...]
    body: tuple[Wrapper | Element, ...]
    where: str = ""
    shown: bool = False
    since: str = ""

    @property
    def tag(self) -> str:
        """The name of the record's own element."""
        return self.path[-1]

    @property
    def item_type(self) -> str:
        """The format's name for the ids of these records."""
        return item_type_of(self.model)

    @property
    def table(self) -> str:
        """The name of the database table."""
        return self.model._meta.db_table

    def children(self) -> Iterator[Element]:
        """Yield the elements that nest directly in this one, in order."""
        return elements_of(self.body)

    def inside(self) -> list[str]:
        """Return the names of the elements in this one: fields, echoes, wrappers and nested records."""
        names = [field.tag for field in self.leaves] + [echo.tag for echo in self.echoes]
        return names + [node.tag if isinstance(node, Wrapper) else node.path[-1] for node in self.body]

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()

    def references(self) -> tuple[ArchiveField, ...]:
        """Return the fields whose values are ids of other records."""
        return tuple(
            f for f in (*self.attributes, *self.leaves) if isinstance(f, Ref | RefList | ScaleOrMaximum)
        )


def elements_of(body: Iterable[Wrapper | Element]) -> Iterator[Element]:
    """Yield the elements of a body in order, also those inside wrappers."""
    for node in body:
        if isinstance(node, Wrapper):
            yield from node.elements()
        else:
            yield node


Chain = tuple[Element, ...]


def chains(top: Element) -> Iterator[Chain]:
    """Yield `top` and each element below it as the chain of elements from `top` down to it; parents first."""

    def below(chain: Chain) -> Iterator[Chain]:
        yield chain
        for child in chain[-1].children():
            yield from below((*chain, child))

    return below((top,))


def source(chain: Chain) -> str:
    """Return the SQL FROM clause of a chain: `t0` is the top's row, `t1` the row in it, and so on."""
    joins = [f'"{chain[0].table}" t0']
    for depth, element in enumerate(chain[1:], 1):
        joins.append(
            f'JOIN "{element.table}" t{depth} ON t{depth}."{element.column}" = t{depth - 1}."{element.parent_column}"'
        )
    return " ".join(joins)


def _archive_paths(model: Model) -> list[ArchivePath]:
    declared = list(model.archive_paths())
    for column in model._meta.concrete_fields:
        if isinstance(column, Within) and column.path:
            parent = cast(Model, column.related_model)
            found = ArchivePath(
                parent._meta.label, column.path, column.member, column.column, "id", since=column.since
            )
            declared.append(found)
    return declared


@registry.derived
def _by_parent() -> dict[str, list[tuple[Model, ArchivePath]]]:
    """Return the models that nest in each model, with their paths, by the label of the outer model."""
    found: dict[str, list[tuple[Model, ArchivePath]]] = {}
    for model in archived_models():
        for archive_path in _archive_paths(model):
            found.setdefault(archive_path.parent.lower(), []).append((model, archive_path))
    return found


@registry.derived
def elements_in(parent: Model, member: str = "") -> tuple[Wrapper | Element, ...]:
    """Return the elements nested in a model's element or, with `member`, those that this member holds for the model."""
    return _inside(parent, member)


def _inside(parent: Model, member: str = "") -> tuple[Wrapper | Element, ...]:
    """Return the same as `elements_in`, as new objects: a model with several paths is an element of its own at each."""
    inside = _by_parent().get(parent._meta.label_lower, ())
    return _nest(
        [_element(model, archive_path) for model, archive_path in inside if archive_path.member == member]
    )


@registry.derived
def members_of(parent: Model) -> tuple[str, ...]:
    """Return the members that hold elements for a model, such as `roles.xml` for an activity."""
    inside = _by_parent().get(parent._meta.label_lower, ())
    return tuple(dict.fromkeys(archive_path.member for _, archive_path in inside if archive_path.member))


def _nest(elements: list[Element], depth: int = 0) -> tuple[Wrapper | Element, ...]:
    """Put elements with the same wrapper into one wrapper, at the position of the first of them."""
    nodes: dict[str, list[Element]] = {}
    for one in elements:
        own = len(one.path) == depth + 1
        nodes.setdefault(f"element {id(one)}" if own else one.path[depth], []).append(one)
    return tuple(
        inside[0] if key.startswith("element ") else Wrapper(key, _nest(inside, depth + 1))
        for key, inside in nodes.items()
    )


@registry.derived
def element(model: Model, archive_path: ArchivePath | None = None) -> Element:
    """Return a model's element at one of its paths; without a path, as the root of a member."""
    return _element(model, archive_path)


def _element(model: Model, archive_path: ArchivePath | None) -> Element:
    fields = [f for f in model._meta.concrete_fields if isinstance(f, ArchiveField) and not f.omit]
    return Element(
        model=model,
        path=tuple(archive_path.path.split("/"))
        if archive_path
        else (model.archive_meta.tag or model._meta.model_name or "",),
        parent=cast(Model, apps.get_model(archive_path.parent)) if archive_path else None,
        column=archive_path.column if archive_path else "",
        parent_column=archive_path.parent_column if archive_path else "",
        attributes=tuple(f for f in fields if f.attribute),
        leaves=tuple(f for f in fields if not f.attribute),
        echoes=model.echoes,
        body=_inside(model),
        where=archive_path.where if archive_path else "",
        shown=bool(archive_path and archive_path.shown),
        since=archive_path.since if archive_path else "",
    )
