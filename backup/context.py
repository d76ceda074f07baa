"""The state of one backup, which its steps share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings as site

from archive.manifest import ArchiveType
from archive.writer import ArchiveWriter
from backup.anonymise import pseudonym, rendering
from backup.content import ChosenContent
from backup.opaque_content import OpaqueContent
from backup.references import NotedReferences
from courses.fields import Rendering
from courses.models import Course
from selection.selection import Selection


@dataclass
class BackupContext:
    """The state of one backup: the course, the selection of its content, and the archive that is being written.

    `item` is the id of the section or activity when only that is backed up, `date` in epoch seconds. `damaged` are the SHA-1s
    of contents of the pool that were found damaged; their files are left out. `records`, `contents` and `content_bytes` count
    what was written.
    """

    course: Course
    item: int | None
    selection: Selection
    writer: ArchiveWriter
    date: int
    backup_id: str
    filename: str
    damaged: frozenset[str] = frozenset()
    references: NotedReferences = field(default_factory=NotedReferences)
    records: int = 0
    contents: int = 0
    content_bytes: int = 0

    @property
    def archive_type(self) -> ArchiveType:
        """The archive type: `course`, `section` or `activity`."""
        return self.selection.archive_type

    @cached_property
    def content(self) -> ChosenContent:
        """The sections, activities and blocks that come along."""
        return ChosenContent(self.course, self.selection)

    @cached_property
    def opaque(self) -> OpaqueContent:
        """The opaque members and elements of the course."""
        return OpaqueContent(self.course, self.selection, self.shown)

    @cached_property
    def rendering(self) -> Rendering:
        """The rendering of fields: with people, without them, or with pseudonyms."""
        return rendering(site.SITE_KEY, people=self.selection.people, anonymize=self.selection.anonymous)

    def shown(self, item_type: str, number: int) -> int:
        """Return the id under which a record is known in the archive.

        That is a pseudonym for people who are hidden, and 0 for people who do not come along.
        """
        if item_type != "user":
            return number
        if not self.selection.people:
            return 0
        return pseudonym(site.SITE_KEY, number) if self.selection.anonymous else number

    @property
    def root(self) -> str:
        """The address of this site."""
        return str(site.SITE_URL)
