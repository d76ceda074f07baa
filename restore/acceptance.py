"""Which rows of files, role assignments and overrides come along: those that the selection and the rights let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archive.errors import HostileArchive
from archive.findings import Finding
from archive.manifest import Manifest
from courses.fields.numbers import INTEGER
from courses.models import File, RoleAssignment, RoleOverride
from courses.structure import Model, item_type_of
from restore.ids import IdMap
from restore.match import review_override
from restore.readers import Accept
from selection.selection import COURSE_OWNER, Held, Selection, StoredFile


@dataclass
class Acceptance:
    """Decides on single rows of an archive.

    `own_contexts` are the new contexts of this restore, as text; `owners` is the owner of each old context, `people_here`
    the old contexts of people who have an account already, whose files stay as they are.
    """

    selection: Selection
    manifest: Manifest
    ids: IdMap
    own_contexts: set[str]
    owners: Mapping[int, str]
    may: frozenset[str]
    findings: list[Finding]
    people_here: set[int] = field(default_factory=set)

    def by_table(self) -> dict[str, Accept]:
        """Return, by table, the function from a row's texts and its owner's new context to whether it comes."""
        return {
            File._meta.db_table: lambda values, _: self.file_comes(values, held=self._has_come),
            RoleOverride._meta.db_table: self.override_comes,
            RoleAssignment._meta.db_table: lambda _, contextid: self.require_own(contextid),
        }

    def file_comes(self, values: Mapping[Any, str | None], *, held: Held) -> bool:
        """Whether a file comes along, by the texts of its record. A file of an unknown context is the course's."""
        contextid = digits_of(values.get("contextid"))
        component, area = values.get("component") or "", values.get("filearea") or ""
        if component == "user":
            return self.selection.people and contextid not in self.people_here
        system = contextid == self.manifest.original_system_contextid
        owner = None if system else self.owners.get(contextid, COURSE_OWNER)
        return self.selection.comes(
            StoredFile(owner, component, area, digits_of(values.get("itemid"))), held=held
        )

    def _has_come(self, model: Model, number: int) -> bool:
        return self.ids.known(item_type_of(model), number) is not None

    def require_own(self, contextid: str) -> bool:
        """Return True for a context of this restore. Raises HostileArchive: no role may hold beyond what came."""
        if contextid not in self.own_contexts:
            raise HostileArchive(
                "It assigns a role outside the restored course.",
                where="roles",
                hint="The archive was changed after it was made; get it again.",
            )
        return True

    def override_comes(self, values: Mapping[Any, str | None], contextid: str) -> bool:
        """Whether an override comes: when its role came, and when it allows nothing that the person may not."""
        self.require_own(contextid)
        if not INTEGER.match(values.get("roleid") or ""):
            return True  # reading the record says what is wrong with it
        role = digits_of(values.get("roleid"))
        if self.ids.mention("role", role) is None:
            return False
        found = review_override(
            values.get("capability") or "",
            digits_of(values.get("permission")),
            may=self.may,
            place=f"override of role {role}",
        )
        if found is not None:
            self.findings.append(found)
        return found is None


def digits_of(text: str | None) -> int:
    """Return a number for a first look at a record; 0 for what is none, which reading the record refuses."""
    return int(text) if text and INTEGER.match(text) else 0
