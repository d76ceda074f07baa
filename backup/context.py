"""Composition: the state of one backup, from the course and the choices to the archive that is being written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings as site
from django.db.models import Q

from archive import opaque, xml
from archive.writer import ArchiveWriter
from backup.anonymise import pseudonym, rendering
from backup.render import LISTED
from backup.weave import References
from courses import structure
from courses.fields import Rendering
from courses.file_areas import way_to_content
from courses.models import Activity, Block, Course, OpaqueElement, OpaqueMember, Section
from selection.settings import Settings

COURSE_OWNER = "course"

SHARED = frozenset({"scales.xml", "outcomes.xml"})
"""Members of the whole course that an archive of a part has too; everything is in them, since scales and outcomes are few."""


@dataclass
class BackupContext:
    """What the steps of a backup share; `references` are by owner: `course`, `section_12`, `forum_7`, a block's folder.
    `banks` are the contexts whose categories of questions come along."""

    course: Course
    archive_type: str
    item: int | None
    settings: Settings
    writer: ArchiveWriter
    date: int
    backup_id: str
    filename: str
    references: defaultdict[str, References] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    files: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    other_references: defaultdict[str, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    banks: set[int] = field(default_factory=set)
    records: int = 0
    contents: int = 0
    content_bytes: int = 0
    _numbers: dict[structure.Model, frozenset[int]] = field(default_factory=dict)

    @property
    def people(self) -> bool:
        """Whether people come along."""
        return bool(self.settings.on("users"))

    @property
    def anonymous(self) -> bool:
        """Whether they come as pseudonyms."""
        return self.people and bool(self.settings.on("anonymize"))

    @cached_property
    def rendering(self) -> Rendering:
        """How fields are rendered."""
        return rendering(site.SITE_KEY, people=self.people, anonymize=self.anonymous)

    @cached_property
    def sections(self) -> list[Section]:
        """The sections that come along, in the course's order; none for a single activity."""
        if self.archive_type == "activity":
            return []
        found = Section.objects.filter(course=self.course)
        return [s for s in found if self._included(f"section_{s.pk}")]

    @cached_property
    def activities(self) -> list[Activity]:
        """The activities that come along, by their ids."""
        found = Activity.objects.filter(course=self.course).order_by("id")
        return [activity for activity in found if self._included(folder(activity))]

    def _included(self, owner: str) -> bool:
        return f"{owner}_included" in self.settings and self.settings.included(owner)

    def with_userdata(self, activity: Activity) -> bool:
        """Whether people's work in an activity comes along."""
        return self.people and self.settings.userinfo(folder(activity))

    @cached_property
    def opaque_item_types(self) -> frozenset[str]:
        """The kinds of records of which something undescribed was kept."""
        found = OpaqueElement.objects.filter(Q(course=self.course) | Q(course=None)).order_by()
        return frozenset(found.values_list("item_type", flat=True).distinct())

    @cached_property
    def block_folders(self) -> dict[Block, str]:
        """The blocks that come along, in the order of their ids, each with its folder in the archive."""
        if not self.settings.allows("blocks"):
            return {}
        owners = {activity.pk: f"activities/{folder(activity)}" for activity in self.activities}
        found: dict[Block, str] = {}
        for block in Block.objects.filter(course=self.course).order_by("id"):
            owner = owners.get(block.activity_id) if block.activity_id else COURSE_OWNER
            if owner and (block.activity_id or self.archive_type == "course"):
                found[block] = f"{owner}/blocks/{block.folder}"
        return found

    def userdata_at(self, name: str) -> bool:
        """Whether people's work comes along with what has a block's folder: the course or the activity."""
        owner = name.split("/blocks/")[0].rpartition("/")[2]
        return owner in self.userdata_owners

    @cached_property
    def opaque_paths(self) -> frozenset[str]:
        """The members that are kept as XML; also such as a model describes by now, and did not when they came."""
        found = OpaqueMember.objects.filter(course=self.course).order_by()
        rows = found.values_list("path", "section", "activity", "activity__modulename").distinct()
        return frozenset(
            f"activities/{modulename}_{activity}/{path}"
            if activity
            else f"sections/section_{section}/{path}"
            if section
            else path
            for path, section, activity, modulename in rows
        )

    @property
    def places(self) -> dict[int, str]:
        """Whose files stand in which context: the course's, an activity's folder, a block's."""
        found = {activity.contextid: folder(activity) for activity in self.activities}
        blocks = {block.contextid: name for block, name in self.block_folders.items()}
        return {self.course.contextid: COURSE_OWNER, **found, **blocks}

    @cached_property
    def section_names(self) -> frozenset[str]:
        """`section_12` of each section that comes along."""
        return frozenset(f"section_{section.pk}" for section in self.sections)

    @cached_property
    def userdata_owners(self) -> frozenset[str]:
        """The owners whose people's work comes along."""
        found = {folder(activity) for activity in self.activities if self.with_userdata(activity)}
        return frozenset(found | ({COURSE_OWNER} if self.people else set()))

    def numbers(self, model: structure.Model) -> frozenset[int]:
        """The ids of a model's records in the activities that come along."""
        if model not in self._numbers:
            way = way_to_content(model)
            found = model._base_manager.filter(**{f"{way}__owner__in": self.activities})
            self._numbers[model] = frozenset(found.values_list("pk", flat=True))
        return self._numbers[model]

    @cached_property
    def skipped(self) -> frozenset[str]:
        """The options of records that are off."""
        options = {model.archive_meta.option for model in structure.archived_models()} - {""}
        return frozenset(option for option in options if not self.settings.allows(option))

    def rewritten(self, text: str, references: References, people: bool) -> str:
        """Elements that were kept, with people as they are shown in this archive, and with people's work or without."""
        mapped = self.noting(references)
        elements = xml.parse(f"<kept>{text}</kept>".encode(), member="a kept element")
        return "\n".join(
            opaque.rewrite_element(element, mapped=mapped, people=people) for element in elements
        )

    def noting(self, references: References) -> opaque.Mapped:
        """What shows the ids in what was kept, and notes what must come along because it is mentioned."""

        def mapped(item_type: str, number: int) -> int:
            if item_type in LISTED:
                references[item_type].add(number)
            return self.shown(item_type, number)

        return mapped

    def shares(self, path: str) -> bool:
        """Whether what was kept of a member of the whole course is in this archive too."""
        return self.archive_type == "course" or path in SHARED

    def opaque_at(self, top: str, records: Collection[int]) -> dict[int, str]:
        """What was kept of a member beside its records, by whose member it is; each thing once."""
        scope, _, path = top.partition(":")
        if top not in self.opaque_item_types or (scope == "archive" and not self.shares(path)):
            return {}
        found: dict[int, dict[str, None]] = defaultdict(dict)
        rows = OpaqueElement.objects.filter(item_type=top, record__in=records).order_by("id")
        for record, text in rows.values_list("record", "xml"):
            found[record][text] = None
        return {record: "\n".join(texts) for record, texts in found.items()}

    def shown(self, item_type: str, number: int) -> int:
        """The number under which a record is known in the archive: a pseudonym for people who are hidden, 0 for people
        who do not come along."""
        if item_type == "user" and not self.people:
            return 0
        return pseudonym(site.SITE_KEY, number) if item_type == "user" and self.anonymous else number

    @property
    def root(self) -> str:
        """The address of this site."""
        return str(site.SITE_URL)


def folder(activity: Activity) -> str:
    """The name of an activity's folder: `forum_7`."""
    return f"{activity.modulename}_{activity.pk}"
