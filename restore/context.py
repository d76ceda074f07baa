"""The state of one restore, which its steps share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings as site

from archive.container import Archive
from archive.details import KnownDetails
from archive.findings import Finding
from archive.manifest import ActivityEntry, Manifest, SectionEntry
from archive.users import details_in_archive
from courses.file_areas import has_known_owner
from courses.models import Course, File, User
from restore import origin
from restore.acceptance import Acceptance
from restore.access import HeldRoles
from restore.context_claims import ContextClaims
from restore.ids import IdMap
from restore.loaders import Loaders
from restore.lost_links import LostLinks
from restore.match.matches import Matches
from restore.needed import NeededRecords
from restore.new_ids import id_map, kept_types, known
from restore.owners import folder, owners_by_context
from restore.replaced_activities import CourseActivities
from restore.row_counts import RowCounts
from restore.targets import Target
from restore.unneeded_banks import UnneededBanks
from selection.items import items_of_archive, owners_around
from selection.option import Mode
from selection.selection import Selection
from vault.models import StoredArchive


@dataclass
class RestoreContext:
    """The state of one restore: the open archive, the selection of its content, and the target.

    `source` is the stored archive or the path of the file that is open. `by` is None for the site itself; `may` are the
    capabilities at the target; `mode` and `right` are as for `services.prepare`. `course` is None until the step that makes or
    finds it. `users` are the new accounts by old id, `people_out` ids that nobody has, of people who are left out; `joined`
    maps records (item type, new id) that were merged into another one to the id of that; `matches` counts the records that the
    target had already; `lost_owners` are the new ids of groups that did not come, by item type. `sizes` are the bytes of
    contents, by SHA-1, where the archive states another size; `renamed_contents` are the true SHA-1s of contents that were
    taken although they have another hash. `files` counts files without folders, `contents` distinct contents, `contents_here`
    those of them that the pool had before, and `people` everybody in the archive; `people_by` what becomes of them (`Action`).
    `row_counts` counts the records that are new or removed; by table, `merged` counts those of the course into which records
    of the archive were merged, and `changed` those that got values of the archive. `replaced` are the activities that a
    replaced course had. `access` is that of the person to a course whose content is replaced, and
    `old_archive` the id of the stored archive with its old content. `last_opaque` is the highest id of
    an opaque element that was here before. `rehearsed` is True in a rehearsal, which waits for no lock for long.
    `report` is set at the end of the transaction.
    """

    archive: Archive
    manifest: Manifest
    selection: Selection
    target: Target
    source: StoredArchive | str | Path
    by: User | None
    may: frozenset[str]
    mode: Mode = "general"
    right: str = ""
    course: Course | None = None
    findings: list[Finding] = field(default_factory=list)
    users: dict[int, int] = field(default_factory=dict)
    people_out: dict[int, int] = field(default_factory=dict)
    joined: dict[tuple[str, int], int] = field(default_factory=dict)
    matches: Matches = field(default_factory=Matches)
    lost_owners: dict[str, frozenset[int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    renamed_contents: dict[str, str] = field(default_factory=dict)
    files: int = 0
    contents: int = 0
    contents_here: int = 0
    people: int = 0
    people_by: Counter[str] = field(default_factory=Counter)
    row_counts: RowCounts = field(default_factory=RowCounts)
    merged: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    replaced: CourseActivities | None = None
    report: dict[str, Any] = field(default_factory=dict)
    access: HeldRoles = field(default_factory=HeldRoles)
    old_archive: int | None = None
    last_opaque: int = 0
    rehearsed: bool = False

    @cached_property
    def made_here(self) -> bool:
        """Whether it is proven that this site made the archive, so that the ids of people in it mean its accounts."""
        return origin.made_here(self.archive, self.manifest, self.source)

    @cached_property
    def sections(self) -> list[SectionEntry]:
        """The manifest's entries of the sections that are restored."""
        return [one for one in self.manifest.sections if self._comes(f"section_{one.sectionid}")]

    @cached_property
    def activities(self) -> list[ActivityEntry]:
        """The manifest's entries of the activities that are restored, in the order of the archive."""
        return [entry for entry in self.manifest.activities if self._comes(folder(entry))]

    def _comes(self, owner: str) -> bool:
        """Whether a section or activity is restored: it is chosen, and not only around an activity that goes beside another."""
        return self.selection.includes(owner) and owner not in self._around

    @cached_property
    def _around(self) -> frozenset[str]:
        """The sections and activities around the activity that goes beside another one; empty without such a target."""
        entries = [one for one in self.manifest.activities if one.moduleid == self.target.beside]
        items = items_of_archive(self.manifest) if entries else []
        return frozenset(owner for entry in entries for owner in owners_around(items, folder(entry)))

    @cached_property
    def ids(self) -> IdMap:
        """The map from the archive's ids to new ones."""
        kept = kept_types(self.manifest, self.target.course)
        return id_map(self.archive, self.manifest, same=kept)

    @cached_property
    def claims(self) -> ContextClaims:
        """The register of the contexts that the restored course, activities, blocks and people own."""
        return ContextClaims(self.ids, self.manifest)

    @cached_property
    def acceptance(self) -> Acceptance:
        """The decision for each file, role assignment and override whether it is restored."""
        return Acceptance(
            self.selection,
            self.manifest,
            self.ids,
            self.claims.own,
            self.owners,
            self.needed,
            self.may,
            self.findings,
        )

    @cached_property
    def owners(self) -> dict[int, str]:
        """The owner of each context of the archive."""
        return owners_by_context(self.archive, self.manifest)

    @cached_property
    def needed(self) -> NeededRecords:
        """The records of the course that the chosen activities need."""
        banks = UnneededBanks(self.archive, self.selection, self.owners)
        return NeededRecords(self.archive, self.manifest, self.selection, banks)

    @cached_property
    def lost_links(self) -> LostLinks:
        """The links to activities that are left out, in texts and in opaque content."""
        left_out = (one for one in self.manifest.activities if not self.selection.includes(folder(one)))
        return LostLinks(left_out, self.known)

    @cached_property
    def loaders(self) -> Loaders:
        """The two loaders, with userdata and without it."""
        return Loaders(
            self.ids,
            self.manifest,
            self.selection,
            self.acceptance.by_table(),
            lambda: self.known_details,
            people_out=self.people_out,
            made=self.archive.made,
        )

    @cached_property
    def known_details(self) -> KnownDetails:
        """The details by which the people of the archive are known."""
        return KnownDetails(details_in_archive(self.archive))

    @cached_property
    def files_of_lists(self) -> frozenset[int]:
        """The new ids of files in the course's context of which only the lists of references tell whose they are."""
        assert self.course is not None
        found = File.objects.filter(course=self.course, contextid=self.course.contextid).order_by()
        return frozenset(
            number
            for number, component in found.values_list("pk", "component")
            if not has_known_owner(component)
        )

    def known(self, item_type: str, old: int) -> int | None:
        """Return the new id of a restored record, None if there is none; the old id for item types that get no new ids."""
        return known(self.ids, item_type, old)

    @property
    def original_root(self) -> str:
        """The address of the site where the archive was made."""
        return self.manifest.original_wwwroot

    @property
    def root(self) -> str:
        """The address of this site."""
        return str(site.SITE_URL)
