"""Described members: the records in each member of an archive, from the layout and the models.

The schema, the format's documentation and the completeness check read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archive import layout
from archive.layout import Member, Scope
from courses import registry, structure
from courses.models import Activity, Block, Course, File, Role, Section, User
from courses.structure import Element, Model, Wrapper

FOLDERS: dict[Scope, str] = {
    "section": "sections/section_ID/",
    "activity": "activities/TYPE_ID/",
    "block": ".../blocks/NAME_ID/",
}
FILES = Member(layout.FILES, "archive", "files")
"""`files.xml`: a member with records that the layout does not list among the others. The option `files` governs the contents
of the files, not their list."""

LISTS: dict[str, Model] = {layout.FILES: File, "users.xml": User, "roles.xml": Role}
"""Members of the whole archive that list records of one model."""

ROOTS: dict[tuple[Scope, str], Model] = {
    ("course", "course/course.xml"): Course,
    ("section", "section.xml"): Section,
    ("activity", "module.xml"): Activity,
    ("block", "block.xml"): Block,
}
"""The members whose root element is itself a record."""


OWNERS: dict[Scope, Model] = {"activity": Activity, "block": Block, "course": Course, "archive": Course}
"""The model that owns the members of a scope."""


@dataclass(frozen=True, slots=True)
class Described:
    """A member of the layout with its elements. `path` is the form for people: `activities/forum_ID/forum.xml`.

    `type` is the activity type of a member that each type has. `record` is the root element if that is a record; otherwise
    the root has the layout's name, the `attributes`, and the `body`. An `opaque` member may hold any XML below its root.
    """

    member: Member
    path: str
    type: str = ""
    record: Element | None = None
    attributes: tuple[str, ...] = ()
    body: tuple[Wrapper | Element, ...] = ()

    @property
    def opaque(self) -> bool:
        """Whether no model describes the member."""
        return self.record is None and not self.body

    def elements(self) -> Iterator[Element]:
        """Yield all records in it, parents first."""
        for top in (self.record,) if self.record else structure.elements_of(self.body):
            yield from top.walk()


def described() -> Iterator[Described]:
    """Yield every member of the layout in its order; the activity's own member once for each activity type."""
    for member in (*layout.MEMBERS, FILES):
        if "{type}" in member.path:
            for name, model in registry.activity_types().items():
                path = f"activities/{name}_ID/{name}.xml"
                yield Described(member, path, name, None, member.attributes, (structure.element(model),))
        else:
            yield _describe(member)


def _describe(member: Member) -> Described:
    path = FOLDERS.get(member.scope, "") + member.path
    root = ROOTS.get((member.scope, member.path))
    if root is not None:
        return Described(member, path, record=structure.element(root))
    if member.scope == "archive" and member.path in LISTS:
        return Described(member, path, body=(structure.element(LISTS[member.path]),))
    owner = OWNERS.get(member.scope, Course)
    elements_in = (
        structure.elements_in(owner, member.path) if member.path in structure.members_of(owner) else ()
    )
    return Described(member, path, attributes=member.attributes, body=elements_in)


@registry.derived
def holding(item_type: str) -> tuple[Member, ...]:
    """Return the members that hold records of an item type; none if no model describes the item type."""
    model = structure.model_of_item_type(item_type)
    return tuple(
        dict.fromkeys(
            one.member for one in described() if any(each.model is model for each in one.elements())
        )
    )


def description_of(path: str) -> Described | None:
    """Return the description of a member by its path in an archive; None if the layout does not list it, as a block type's
    own.
    """
    scope: Scope = "archive"
    inside, type_ = path, ""
    folder, _, rest = path.partition("/")
    if folder in {"activities", "sections"} and rest.count("/") == 1:
        scope = "activity" if folder == "activities" else "section"
        owner, _, inside = rest.partition("/")
        type_ = owner.rpartition("_")[0]
    elif folder == "course":
        scope = "course"
    if "/blocks/" in path:
        scope, inside = "block", path.partition("/blocks/")[2].partition("/")[2]
    for one in described():
        names = {one.member.path, f"{one.type}.xml"}
        if one.member.scope == scope and inside in names and one.type in ("", type_):
            return one
    return None
