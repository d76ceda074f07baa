"""Decide which files, role assignments and role overrides are restored, by the selection and the person's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archive.errors import HostileArchive
from archive.findings import Finding
from archive.manifest import Manifest
from courses.fields import FieldError, integer
from courses.models import File, RoleAssignment, RoleOverride
from courses.structure import Model, item_type_of
from restore.ids import IdMap
from restore.match import review_override
from restore.readers import Accept
from selection.selection import COURSE_OWNER, Held, Selection, StoredFile


@dataclass
class Acceptance:
    """Decide for single rows of an archive whether they are restored.

    `own_contexts` are the new contexts of this restore, as text; `owners` maps each old context to its owner; `may` are the
    capabilities of the person; `people_here` are the old contexts of people who have an account here, whose files are not
    restored. `findings` gets a finding for each override that is left out.
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
        """Return a predicate for each table: whether a row is restored, by its texts and its owner's new context."""
        return {
            File._meta.db_table: lambda values, _: self.file_comes(values, held=self._has_arrived),
            RoleOverride._meta.db_table: self.override_comes,
            RoleAssignment._meta.db_table: lambda _, contextid: self.require_own(contextid),
        }

    def file_comes(self, values: Mapping[Any, str | None], *, held: Held) -> bool:
        """Whether a file is restored, by the texts of its record. A file of an unknown context belongs to the course."""
        contextid = digits_of(values.get("contextid"))
        component, area = values.get("component") or "", values.get("filearea") or ""
        if component == "user":
            return self.selection.people and contextid not in self.people_here
        system = contextid == self.manifest.original_system_contextid
        owner = None if system else self.owners.get(contextid, COURSE_OWNER)
        return self.selection.comes(
            StoredFile(owner, component, area, digits_of(values.get("itemid"))), held=held
        )

    def _has_arrived(self, model: Model, number: int) -> bool:
        return self.ids.known(item_type_of(model), number) is not None

    def require_own(self, contextid: str) -> bool:
        """Return True for a context of this restore. Raises HostileArchive: a role would hold outside the course."""
        if contextid not in self.own_contexts:
            raise HostileArchive(
                "It assigns a role outside the restored course.",
                where="roles",
                hint="The archive was changed after it was made; get it again.",
            )
        return True

    def override_comes(self, values: Mapping[Any, str | None], contextid: str) -> bool:
        """Whether a role override is restored: its role was restored, and it allows nothing that the person may not do.

        Raises HostileArchive for a context that is not of this restore.
        """
        self.require_own(contextid)
        role = digits_of(values.get("roleid"))
        if not role:
            return True  # reading the record says what is wrong with it
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
    """Return the number that a text holds; 0 if it holds none: the loader raises the error for that."""
    try:
        return int(integer(text or "0"))
    except FieldError:
        return 0
