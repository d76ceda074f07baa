"""The people of a course: everybody whom a record of it refers to, and the details by which they are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db import connection

from archive import layout
from archive.details import KINDS, PersonDetail, details_of
from archive.inforef import GROUPS
from archive.users import details_in_archive, listed_people
from backup.expressions import column_of
from courses import registry, structure
from courses.members import LISTS, OWNERS, Described, described
from courses.models import Activity, Block, Course, File, OpaqueMember, Section, User
from courses.structure import Element

__all__ = ["details_in_archive", "details_of_people", "people_in_opaque", "people_of"]

NAMES = ("firstname", "lastname", "middlename", "alternatename")
"""Columns of names, which are details together only."""


def people_of(course: Course) -> set[int]:
    """Return the ids of all people whom a record of the course refers to, also of those who have no account any more."""
    files = File.objects.filter(course=course).values_list("userid", flat=True).distinct()
    found: set[int | None] = set(files)
    owners = _owners(course)
    with connection.cursor() as cursor:
        for member in described():
            top = _owner(member)
            ids = owners.get(top.model, []) if top else []
            selects = list(_selects(member, top)) if top and ids else []
            if selects:
                cursor.execute(" UNION ".join(selects), {"all": ids, "course": course.pk})
                found.update(person for (person,) in cursor.fetchall())
    found.update(*people_in_opaque(course).values())
    return {person for person in found if person and person > 0}


def details_of_people(people: Iterable[int], *, single_names: bool = False) -> Iterator[PersonDetail]:
    """Yield the details of these people as `archive.details.details_of` does."""
    known = {column.name for column in User._meta.concrete_fields}
    columns = [name for name in (*NAMES, *KINDS) if name in known]
    rows = User.objects.filter(pk__in=list(people)).order_by("pk").values("pk", *columns)
    for row in rows.iterator(chunk_size=2000):
        yield from details_of(row.pop("pk"), row, single_names=single_names)


def people_in_opaque(course: Course) -> dict[int | None, set[int]]:
    """Return the ids of the people whom opaque members and elements of a course name, by the activity; None is the course.

    A restore notes them in the lists of references that it preserves (`restore/opaque.py`).
    """
    found: dict[int | None, set[int]] = defaultdict(set)
    rows = OpaqueMember.objects.filter(course=course, path__endswith=layout.INFOREF).order_by()
    for activity, content in rows.values_list("activity", "content"):
        groups = b"<inforef>%s</inforef>" % bytes(content)
        if GROUPS["user"][0].encode() in groups:
            found[activity] |= listed_people(groups)
    return found


def _owners(course: Course) -> dict[structure.Model, list[int]]:
    """Return the ids of the rows of a course in which members stand, by model."""
    found: dict[structure.Model, list[int]] = {
        Course: [course.pk],
        Section: list(Section.objects.filter(course=course).values_list("pk", flat=True)),
        Block: list(Block.objects.filter(course=course).values_list("pk", flat=True)),
        Activity: [],
    }
    types = registry.activity_types()
    for number, modulename, instance in course.activities.values_list("pk", "modulename", "instance"):
        found[Activity].append(number)
        if modulename in types:
            found.setdefault(types[modulename], []).append(instance)
    return found


def _owner(member: Described) -> Element | None:
    """Return the element in whose records a member stands, or which is the member's own record; None for lists of the site."""
    if member.record is not None:
        return member.record
    if member.type:
        return next(member.elements())
    if member.path in LISTS:
        return None
    return structure.element(OWNERS[member.member.scope]) if member.body else None


def _selects(member: Described, owner: Element) -> Iterator[str]:
    """Yield an SQL query of the people's ids in each kind of record of a member; `all` are the ids of the owners."""
    tops = [owner] if member.record or member.type else structure.elements_of(member.body)
    for top in tops:
        for below in structure.chains(top):
            chain = below if top is owner else (owner, *below)
            row = f"t{len(chain) - 1}"
            fields = (*chain[-1].attributes, *chain[-1].leaves)
            people = [sql for field in fields if (sql := field.people_sql(column_of(field, row)))]
            if people:
                conditions = [
                    element.where.format(row=f"t{index}", parent=f"t{index - 1}")
                    for index, element in enumerate(chain)
                    if element.where
                ]
                yield (
                    f"SELECT people.id FROM {structure.source(chain)}"
                    f" CROSS JOIN LATERAL ({' UNION ALL '.join(people)}) AS people (id)"
                    f" WHERE {' AND '.join(['t0.id = ANY(%(all)s)', *conditions])}"
                )
