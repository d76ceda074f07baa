"""Decide which files, role assignments and role overrides are restored, by the selection and the person's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from archive.errors import HostileArchive
from archive.findings import Finding
from archive.manifest import Manifest
from courses.fields import NULL, FieldError, integer
from courses.file_areas import is_bank
from courses.models import File, RoleAssignment, RoleOverride
from courses.structure import Model, item_type_of
from restore.ids import IdMap
from restore.match import review_override
from restore.needed import NeededRecords, owners_in_course
from restore.readers import Accept
from selection.selection import COURSE_OWNER, Held, Selection, StoredFile


@dataclass
class Acceptance:
    """Decide for single rows of an archive whether they are restored.

    `own_contexts` are the new contexts of this restore, as text; `owners` maps each old context to its owner;
    `needed` are the records that the chosen activities need; `may` are the capabilities of the person; `new_people`
    are the old contexts of the people who get an account, None until people are matched: the files of all others are not
    restored, and `files_here` counts them, without those of people who are left out, whose old contexts are in `people_out`.
    `kept_texts` are the texts of the target that stay, as component, area and old item: the files of the archive's text do not
    come. `findings` gets a finding for each override that is left out.
    """

    selection: Selection
    manifest: Manifest
    ids: IdMap
    own_contexts: set[str]
    owners: Mapping[int, str]
    needed: NeededRecords
    may: frozenset[str]
    findings: list[Finding]
    new_people: set[int] | None = None
    files_here: int = 0
    kept_texts: set[tuple[str, str, int]] = field(default_factory=set)
    people_out: set[int] = field(default_factory=set)

    def by_table(self) -> dict[str, Accept]:
        """Return a predicate for each table: whether a row is restored, by its texts and its owner's new context."""
        return {
            **self._of_needed(),
            File._meta.db_table: lambda values, _: self.file_comes(values, held=self._has_arrived),
            RoleOverride._meta.db_table: self.override_comes,
            RoleAssignment._meta.db_table: self.assignment_comes,
        }

    def _of_needed(self) -> dict[str, Accept]:
        """Return a predicate for each table with rows that come only with a person or group that is needed."""
        if not self.needed.limited:
            return {}
        return {
            model._meta.db_table: partial(self._comes_with, item_type, tag)
            for model, item_type, tag in owners_in_course()
        }

    def _comes_with(self, item_type: str, tag: str, values: Mapping[Any, str | None], _: str) -> bool:
        """Whether a row comes with its owner, whose id the element `tag` holds; a row without an owner does."""
        number = digits_of(values.get(tag) if values.get(tag) != NULL else "")
        return number <= 0 or self.needed.comes(item_type, number)

    def assignment_comes(self, values: Mapping[Any, str | None], contextid: str) -> bool:
        """Whether a role assignment is restored: its person is needed. Raises HostileArchive as `require_own` does."""
        return self.require_own(contextid) and self._comes_with("user", "userid", values, contextid)

    def file_comes(self, values: Mapping[Any, str | None], *, held: Held) -> bool:
        """Whether a file is restored, by the texts of its record. A file of an unknown context belongs to the course."""
        contextid = digits_of(values.get("contextid"))
        component, area = values.get("component") or "", values.get("filearea") or ""
        system = contextid == self.manifest.original_system_contextid
        if component == "user":
            new = self._may_be_of_person(contextid)
            self.files_here += self.new_people is not None and not new and contextid not in self.people_out
            return self.selection.people and not system and new
        if (component, area, digits_of(values.get("itemid"))) in self.kept_texts:
            return False
        if is_bank(component, area) and not self.needed.bank_comes(contextid):
            return False
        owner = None if system else self.owners.get(contextid, COURSE_OWNER)
        item = digits_of(values.get("itemid"))
        if not self.needed.file_comes(component, area, item, owner=owner or ""):
            return False
        return self.selection.comes(StoredFile(owner, component, area, item), held=held)

    def _may_be_of_person(self, contextid: int) -> bool:
        """Whether a context is that of a new person; before people are matched, whether it is of nothing else."""
        return contextid not in self.owners if self.new_people is None else contextid in self.new_people

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
        if not _is_integer(values.get("roleid")) or not _is_integer(values.get("permission")):
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
    """Return the number that a text holds, as a field reads it; 0 if it holds none: the loader raises the error for that."""
    try:
        return int(integer(text or ""))
    except FieldError:
        return 0


def _is_integer(text: str | None) -> bool:
    """Whether a field reads a text as a whole number. An empty one is 0."""
    try:
        integer(text or "")
    except FieldError:
        return False
    return True
