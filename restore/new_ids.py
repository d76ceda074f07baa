"""Make the id map of a restore: decide which item types get new ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from django.db.models import Model

from archive.container import Archive
from archive.manifest import Manifest
from courses import activities, registry, structure
from courses.bulk import reserve_ahead, reserve_all
from courses.models import Activity, Block, Context, Course
from restore.ids import BLOCK, SMALL_BLOCK, IdMap

GIVEN = frozenset({"user", "role", "course"})
"""Item types whose new ids are matched or made before anything refers to them."""

NUMBERS_ONLY = frozenset({"context", "tag"})
"""Item types whose ids are new here and that have no records of their own."""

MOST_XML_OF_FEW = 8_000_000
"""Bytes of XML of an archive of few records, at most."""

LARGEST_EMPTY_MEMBER = 300
"""Bytes of a member that likely has no records: its root and the elements around records."""


def id_map(archive: Archive, manifest: Manifest, *, same: Collection[str] = ()) -> IdMap:
    """Return an empty map that gives new ids to described item types, contexts, and instances of undescribed activities.

    Records of the item types `same` have their old ids.
    """
    numbered = numbered_types(manifest)
    kept = numbered.intersection(same)
    ids = IdMap(
        _reserve,
        numbered=numbered,
        same=kept,
        expected=numbered - kept - _unlikely(archive, manifest),
        present=_present,
        ahead=_reserve_ahead,
        block=SMALL_BLOCK if _size_of_xml(archive) <= MOST_XML_OF_FEW else BLOCK,
    )
    for item_type in GIVEN:
        # Without a new id there is none: the old id would be that of some other record of this site.
        ids.give(item_type, {})
    return ids


def numbered_types(manifest: Manifest) -> set[str]:
    """Return the item types of which records get new ids: described ones, contexts, tags, and all activity types."""
    described = {structure.item_type_of(model) for model in structure.archived_models()} - GIVEN
    types = {entry.modulename for entry in manifest.activities} | set(activities.types())
    return described | types | NUMBERS_ONLY


def kept_types(manifest: Manifest, course: Course | None) -> set[str]:
    """Return the activity types without a model whose instances have their old ids in a course that has none of the type.

    Only the plugin knows all the places where such an id stands: in files, in records of its own and of its subplugins.
    """
    undescribed = {entry.modulename for entry in manifest.activities} - activities.types().keys()
    here = Activity.objects.filter(course=course, modulename__in=undescribed).order_by()
    return undescribed - set(here.values_list("modulename", flat=True) if course else ())


def known(ids: IdMap, item_type: str, old: int) -> int | None:
    """Return the new id of a restored record, None if there is none.

    It is the old id for item types that get no new ids, and for a record that is here already if ids stay the same.
    """
    if item_type in GIVEN or item_type == "context" or item_type not in ids.numbered:
        return ids.mention(item_type, old)
    new = ids.known(item_type, old)
    return old if new is None and ids.is_here(item_type, old) else new


def _size_of_xml(archive: Archive) -> int:
    """Return the bytes of all XML in an archive."""
    return sum(file.size for path, file in archive.members.items() if path.endswith(".xml"))


def _unlikely(archive: Archive, manifest: Manifest) -> set[str]:
    """Return the item types of which the archive likely has no records: no activity of their types, and only small members.

    A wrong guess costs one more reservation.
    """
    here = {entry.modulename for entry in manifest.activities}
    for path, file in archive.members.items():
        if file.size > LARGEST_EMPTY_MEMBER:
            here |= {path, path.rpartition("/")[2]}
    inside = _item_types_inside()
    there = set[str]().union(*(found for name, found in inside.items() if name in here))
    return set[str]().union(*inside.values()) - there


@registry.derived
def _item_types_inside() -> dict[str, set[str]]:
    """Return the item types of the records of each activity type, by its name, and of each member, by its path in a folder."""
    found = {
        name: {element.item_type for element in structure.element(model).walk()} | {name}
        for name, model in activities.types().items()
    }
    for owner in (Course, Activity, Block):
        for member in structure.members_of(owner):
            tops = structure.elements_of(structure.elements_in(owner, member))
            records = {element.item_type for top in tops for element in top.walk()}
            found[member] = found.get(member, set()) | records
    return found


def _reserve(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Reserve ids of item types in the database."""
    return dict(zip(counts, reserve_all(_wanted(counts)), strict=True))


def _reserve_ahead(counts: Mapping[str, int]) -> Callable[[], Mapping[str, int]]:
    """Begin to reserve ids of item types in the database; returns a function that waits for them."""
    firsts = reserve_ahead(_wanted(counts))
    return lambda: dict(zip(counts, firsts(), strict=True))


def _wanted(counts: Mapping[str, int]) -> list[tuple[type[Model], int]]:
    """Return the models whose sequences give ids to item types, each with the number of ids."""
    return [(_numbering(item_type), count) for item_type, count in counts.items()]


def _numbering(item_type: str) -> type[Model]:
    """Return the model whose sequence gives the ids of an item type."""
    return structure.model_of_item_type(item_type) or (Context if item_type == "context" else Activity)


def _present(item_type: str, olds: list[int]) -> Collection[int]:
    """Return those of the ids that records of an item type have on this site."""
    model = structure.model_of_item_type(item_type)
    if model is None:
        return ()
    return set(model._base_manager.filter(pk__in=olds).values_list("pk", flat=True))
