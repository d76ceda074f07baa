"""The structure: the elements of the archive, compiled from the models.

`element(model)` is a model's place in its member, with all that nests in it; `placed(model, member)` are the elements
that a member of its own holds for a model. Backup renders them, restore reads them, the schema and the format's
documentation describe them; none of them knows a model by name.
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
"""Of these plugins a record has one, its type or method; the parts of the others are not there."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """An element that only holds others: `<posts>`, or a plugin's part."""

    tag: str
    body: tuple[Wrapper | Element, ...]

    @property
    def sparse(self) -> bool:
        """Whether the element is left out when nothing is in it."""
        return self.tag.startswith(CHOSEN)

    def elements(self) -> Iterator[Element]:
        """The elements inside, in order."""
        return elements_of(self.body)


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """One kind of record at one place in the archive.

    `path` leads from the parent's element (or the member's root) to this one; `column` of the row equals `parent_column`
    of the parent's row, and `where` (SQL on `{row}` and the parent's row `{parent}`) holds. `attributes` and
    `leaves` are its columns, `echoes` elements written but not stored, `body` what nests in it.
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

    @property
    def tag(self) -> str:
        """The record's own element."""
        return self.path[-1]

    @property
    def item_type(self) -> str:
        """The format's name for ids of such records."""
        return item_type_of(self.model)

    @property
    def table(self) -> str:
        """The database table."""
        return self.model._meta.db_table

    def children(self) -> Iterator[Element]:
        """The elements that nest directly in this one, in order."""
        return elements_of(self.body)

    def inside(self) -> list[str]:
        """The names of the elements in this one: its fields, and what nests in it."""
        names = [field.tag for field in self.leaves] + [echo.tag for echo in self.echoes]
        return names + [node.tag if isinstance(node, Wrapper) else node.path[-1] for node in self.body]

    def walk(self) -> Iterator[Element]:
        """This element and all below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()

    def references(self) -> tuple[ArchiveField, ...]:
        """The fields whose values are ids of other records."""
        return tuple(
            f for f in (*self.attributes, *self.leaves) if isinstance(f, Ref | RefList | ScaleOrMaximum)
        )


def elements_of(body: Iterable[Wrapper | Element]) -> Iterator[Element]:
    """The elements of a body, in order, out of their wrappers."""
    for node in body:
        if isinstance(node, Wrapper):
            yield from node.elements()
        else:
            yield node


Chain = tuple[Element, ...]


def chains(top: Element) -> Iterator[Chain]:
    """Each element below `top` with all that it stands in, from the top down; parents first."""

    def below(chain: Chain) -> Iterator[Chain]:
        yield chain
        for child in chain[-1].children():
            yield from below((*chain, child))

    return below((top,))


def source(chain: Chain) -> str:
    """The FROM clause of a chain: `t0` is the top's row, `t1` the row in it, and so on."""
    joins = [f'"{chain[0].table}" t0']
    for depth, element in enumerate(chain[1:], 1):
        joins.append(
            f'JOIN "{element.table}" t{depth} ON t{depth}."{element.column}" = t{depth - 1}."{element.parent_column}"'
        )
    return " ".join(joins)


def _places(model: Model) -> list[ArchivePath]:
    declared = list(model.archive_paths())
    for column in model._meta.concrete_fields:
        if isinstance(column, Within) and column.path:
            parent = cast(Model, column.related_model)
            declared.append(ArchivePath(parent._meta.label, column.path, column.member, column.column, "id"))
    return declared


@registry.derived
def _by_parent() -> dict[str, list[tuple[Model, ArchivePath]]]:
    """The models that stand in each model and where, by the label of the one that they stand in."""
    found: dict[str, list[tuple[Model, ArchivePath]]] = {}
    for model in archived_models():
        for archive_path in _places(model):
            found.setdefault(archive_path.parent.lower(), []).append((model, archive_path))
    return found


@registry.derived
def elements_in(parent: Model, member: str = "") -> tuple[Wrapper | Element, ...]:
    """What nests in a model's element, or what a member of its own holds for it."""
    return _inside(parent, member)


def _inside(parent: Model, member: str = "") -> tuple[Wrapper | Element, ...]:
    """The elements are new ones each time: what nests in a model with several places stands at each of them."""
    inside = _by_parent().get(parent._meta.label_lower, ())
    return _nest(
        [_element(model, archive_path) for model, archive_path in inside if archive_path.member == member]
    )


@registry.derived
def members_of(parent: Model) -> tuple[str, ...]:
    """The members that hold elements of their own for a model, such as `roles.xml` for an activity."""
    inside = _by_parent().get(parent._meta.label_lower, ())
    return tuple(dict.fromkeys(archive_path.member for _, archive_path in inside if archive_path.member))


def _nest(elements: list[Element], depth: int = 0) -> tuple[Wrapper | Element, ...]:
    """Elements with the same wrapper stand in it together, each where its wrapper first came."""
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
    """A model's element at one of its places; without a place, as the root of a member of its own."""
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
    )
