"""The state of one backup, which its steps share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from django.conf import settings as site

from archive.details import KnownDetails
from archive.manifest import ArchiveType
from archive.pseudonyms import pseudonym, pseudonyms
from archive.writer import ArchiveWriter
from backup.anonymise import rendering
from backup.content import ChosenContent
from backup.hidden_words import HiddenWords
from backup.known_people import details_of_people, people_of
from backup.moodle_version import AS_IS, MoodleVersion, version_for
from backup.opaque_content import OpaqueContent
from backup.references import NotedReferences
from courses import registry
from courses.fields import Rendering
from courses.models import Activity, Course, User
from selection.selection import Selection
from selection.settings import Setting


@dataclass
class BackupContext:
    """The state of one backup: the course, the selection of its content, and the archive that is being written.

    `item` is the id of the section or activity when only that is backed up, `date` in epoch seconds. `damaged` are the SHA-1s
    of contents of the pool that were found damaged; their files are left out. `records`, `people`, `files` (without folders),
    `contents` (each once) and `content_bytes` count what was written, `missing_contents` those (once) that the pool lacked,
    so that their files were left out; `content_digest` and `manifest`, the bytes of
    moodle_backup.xml, are set when that is written. `needed_people` are those whom the chosen activities
    need; None if all people of the course come. `contexts` are those of question banks that become categories, with the context
    to which these belong in the archive. `has_question_file` says whether the archive has the record of a question that a file
    belongs to, by component, area and item; None if it has all.
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
    people: int = 0
    files: int = 0
    contents: int = 0
    content_bytes: int = 0
    missing_contents: int = 0
    content_digest: str = ""
    needed_people: frozenset[int] | None = None
    manifest: bytes = b""
    contexts: dict[int, int] = field(default_factory=dict)
    has_question_file: Callable[[str, str, int], bool] | None = None

    @property
    def archive_type(self) -> ArchiveType:
        """The archive type: `course`, `section` or `activity`."""
        return self.selection.archive_type

    @cached_property
    def version(self) -> MoodleVersion:
        """The version of Moodle that the archive is written for."""
        asked = self.selection.settings.text("moodle")
        if asked in ("", AS_IS):
            banks = Activity.objects.filter(course=self.course, modulename=registry.type_of_banks() or None)
            asked = "5.3" if banks.exists() else ""
        return version_for(asked, self.course.origin_release)

    def change_settings(
        self, *, leave_out: Collection[str] = (), add: Mapping[str, Setting] = MappingProxyType({})
    ) -> None:
        """Leave out the settings of sections and activities, by their folders, or add settings; before anything is read.

        Whether a part of the course comes stays as it was chosen.
        """
        settings = self.selection.settings
        kept = {name: one for name, one in settings.items() if one.owner not in leave_out}
        self.selection = self.selection.with_settings(replace(settings, by_name={**kept, **add}))

    @cached_property
    def content(self) -> ChosenContent:
        """The sections, activities and blocks that come along."""
        return ChosenContent(self.course, self.selection)

    @cached_property
    def opaque(self) -> OpaqueContent:
        """The opaque members and elements of the course."""
        return OpaqueContent(
            self.course, self.selection, self.shown, lambda: self.course_people, lambda: self.known
        )

    @cached_property
    def rendering(self) -> Rendering:
        """The rendering of fields: with people, without them, or with pseudonyms."""
        return rendering(
            people=self.selection.people,
            anonymize=self.selection.anonymous,
            texts=not self.selection.people or self.selection.allows("texts"),
        )

    @property
    def hides_people(self) -> bool:
        """Whether the archive must not tell who the people of the course are."""
        return self.selection.anonymous or not self.selection.people

    @cached_property
    def course_people(self) -> set[int]:
        """The ids of all people whom a record of the course refers to."""
        return people_of(self.course)

    def pseudonyms(self) -> dict[int, int]:
        """Return the pseudonyms of the course's people by their ids, and those of their contexts."""
        contexts = User.objects.filter(pk__in=self.course_people).values_list("contextid", flat=True)
        return {number: pseudonym(site.SITE_KEY, number) for number in self.course_people.union(contexts)}

    @cached_property
    def known(self) -> KnownDetails:
        """The details of the course's people, which an archive without people or with pseudonyms must not have."""
        single_names = self.selection.anonymous and self.selection.allows("single_names")
        return KnownDetails(details_of_people(self.course_people, single_names=single_names))

    @cached_property
    def hidden(self) -> HiddenWords | None:
        """The replacement of details of people in texts; None if the archive is not anonymous."""
        if not self.selection.anonymous:
            return None
        return HiddenWords(self.known, lambda person: pseudonyms(pseudonym(site.SITE_KEY, person)))

    def shown(self, item_type: str, number: int) -> int:
        """Return the id under which a record is known in the archive.

        That is a pseudonym for people who are hidden, and 0 for people who do not come along.
        """
        if item_type == "context":
            return self.contexts.get(number, number)
        if item_type != "user":
            return number
        if not self.selection.people:
            return 0
        return pseudonym(site.SITE_KEY, number) if self.selection.anonymous else number

    @property
    def root(self) -> str:
        """The address of this site."""
        return str(site.SITE_URL)
