"""The names of records that a restore leaves out or the archive lacks, for findings about what refers to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, cast

from archive import layout, xml
from archive.inforef import GROUPS, read_inforef
from archive.numbers import whole_or
from courses import structure
from courses.fields.conditions import Reference
from courses.models import Activity, Group, Grouping, ProfileField
from courses.models.grades import GradeItem
from courses.structure import Model
from restore.context import RestoreContext
from restore.owners import folder

OF_COURSE: Mapping[str, Model] = {
    structure.item_type_of(model): model for model in (Activity, Group, Grouping, GradeItem)
}
"""The models of records to which conditions and calculations refer, by item type."""


class Absent(NamedTuple):
    """A record that does not come: its name in a sentence ("" if it has none), and the activity by which it would come.

    `owner` is the activity's folder (`quiz_12`), "" if the archive has no such activity; `why` says why it is not here.
    """

    words: str = ""
    owner: str = ""
    why: str = "which the restore does not bring"


class AbsentRecords:
    """The records to which others refer and that do not come; what is needed for their names is read once."""

    def __init__(self, context: RestoreContext) -> None:
        self._context = context
        self._profile_fields: dict[str, bool] = {}

    def about(self, reference: Reference) -> Absent | None:
        """Return what a condition is about if it does not come, or if this site lacks it; None if it is here."""
        item_type, name = reference
        return self.find(item_type, name) if isinstance(name, int) else self._profile_field(name)

    def _profile_field(self, name: str) -> Absent | None:
        """Return a custom profile field if nobody on this site has it: it exists only by the people who have it."""
        if name not in self._profile_fields:
            self._profile_fields[name] = ProfileField.objects.filter(field_name=name).exists()
        if self._profile_fields[name]:
            return None
        return Absent(f"the profile field “{name}”", why="which nobody on this site has")

    def find(self, item_type: str, old: int) -> Absent | None:
        """Return the record with an old id if it does not come; None if it comes, or stays in the course that it is in."""
        if self.new_id(item_type, old) is not None:
            return None
        if item_type == "course_module":
            return self._modules.get(old, Absent())
        if item_type == "grade_item":
            return self._grade_items.get(old, Absent())
        return self._groups.get((item_type, old), Absent())

    def new_id(self, item_type: str, old: int) -> int | None:
        """Return the new id of a record; the old one for a record of the course that the archive was made of, if it is there.

        So a condition stays true when an activity is restored into its own course
        (`availability_completion\\condition::update_after_restore`, and likewise grade, group and grouping).
        """
        new = self._context.known(item_type, old)
        if new is None and self._own_course and item_type in OF_COURSE:
            rows = cast(Any, OF_COURSE[item_type]._base_manager)
            return old if rows.filter(course=self._context.course, pk=old).exists() else None
        return new

    @cached_property
    def _own_course(self) -> bool:
        """Whether the target is the course of which this site made the archive."""
        target = self._context.target.course
        if target is None or target.pk != self._context.manifest.original_course_id:
            return False
        return self._context.made_here

    @cached_property
    def _modules(self) -> dict[int, Absent]:
        return {
            entry.moduleid: Absent(f"“{entry.title}”", folder(entry))
            for entry in self._context.manifest.activities
        }

    @cached_property
    def _grade_items(self) -> dict[int, Absent]:
        """The grade items of the activities that are left out, by old id: an `inforef.xml` lists those of its activity."""
        archive, found = self._context.archive, dict[int, Absent]()
        group, tag = GROUPS["grade_item"]
        for entry in self._context.manifest.activities:
            path = f"{entry.directory}/{layout.INFOREF}"
            if self._context.selection.includes(folder(entry)) or path not in archive:
                continue
            root = read_inforef(archive, path, comes=group.__eq__)
            for number in root.iterfind(f"{group}/{tag}/id"):
                found[whole_or(number.text)] = Absent(f"the grade of “{entry.title}”", folder(entry))
        return found

    @cached_property
    def _groups(self) -> dict[tuple[str, int], Absent]:
        """The groups and groupings of the archive, by item type and old id."""
        path, found = "groups.xml", dict[tuple[str, int], Absent]()
        if path in self._context.archive:
            with self._context.archive.open(path) as stream:
                for record in xml.records(stream, member=path, tags=("group", "grouping")):
                    name = record.findtext("name") or ""
                    found[str(record.tag), whole_or(record.get("id"))] = Absent(f"the {record.tag} “{name}”")
        return found
