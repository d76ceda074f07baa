"""The sections, activities and blocks of a course that come along in a backup."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from archive import layout
from archive.findings import Finding
from backup.needed import NeededOfCourse
from courses import ownership, structure
from courses.file_areas import models_of_area, path_to_content
from courses.models import Activity, Block, Course, Section
from courses.models.grades import GradeCategory, GradeItem
from courses.summaries import numbers_with_nouns
from selection.selection import COURSE_OWNER, Selection


@dataclass
class ChosenContent:
    """The sections, activities and blocks of a course that a selection includes."""

    course: Course
    selection: Selection
    _numbers: dict[structure.Model, frozenset[int]] = field(default_factory=dict)
    _owned: dict[structure.Model, frozenset[int]] = field(default_factory=dict)

    @cached_property
    def sections(self) -> list[Section]:
        """The sections, in the course's order; of a single activity those that it owns."""
        found = Section.objects.filter(course=self.course)
        return [section for section in found if self.selection.includes(f"section_{section.pk}")]

    @cached_property
    def activities(self) -> list[Activity]:
        """The activities, in the order of their ids."""
        found = Activity.objects.filter(course=self.course).order_by("id")
        return [activity for activity in found if self.selection.includes(folder(activity))]

    @cached_property
    def with_userdata(self) -> list[Activity]:
        """The activities whose userdata comes along."""
        return [activity for activity in self.activities if self.selection.with_userdata(folder(activity))]

    @property
    def only_needed(self) -> bool:
        """Whether only what the activities need comes of the course: of a section, of an activity, or if some are left out."""
        return self.selection.archive_type != "course" or self.selection.is_part

    @cached_property
    def needed(self) -> NeededOfCourse | None:
        """The parts of the course that come if activities are left out; None if all of it comes."""
        is_part = self.selection.archive_type == "course" and self.selection.is_part
        return NeededOfCourse(self.course, self.activities) if is_part else None

    @cached_property
    def block_folders(self) -> dict[Block, str]:
        """The blocks, in the order of their ids, each with its folder in the archive."""
        if not self.selection.comes(layout.find("block", "block.xml")):
            return {}
        owners = {activity.pk: f"activities/{folder(activity)}" for activity in self.activities}
        found: dict[Block, str] = {}
        for block in Block.objects.filter(course=self.course).order_by("id"):
            owner = owners.get(block.activity_id) if block.activity_id else COURSE_OWNER
            if self.needed and not block.activity_id and not self.needed.has_block(block):
                continue
            if owner and (block.activity_id or self.selection.archive_type == "course"):
                found[block] = f"{owner}/blocks/{block.folder}"
        return found

    @cached_property
    def owner_of_context(self) -> dict[int, str]:
        """The owner of each context, by context id: `course`, an activity's folder (`forum_7`), or a block's folder."""
        found = {activity.contextid: folder(activity) for activity in self.activities}
        blocks = {block.contextid: name for block, name in self.block_folders.items()}
        return {self.course.contextid: COURSE_OWNER, **found, **blocks}

    @cached_property
    def folders(self) -> dict[str, str]:
        """The folder in the archive of each owner that has an `inforef.xml`."""
        found = {f"section_{section.pk}": f"sections/section_{section.pk}" for section in self.sections}
        found |= {folder(activity): f"activities/{folder(activity)}" for activity in self.activities}
        found |= {name: name for name in self.block_folders.values()}
        if self.selection.archive_type == "course":
            found[COURSE_OWNER] = "course"
        return found

    def comes(self, member: layout.Member, owner: str = COURSE_OWNER) -> bool:
        """Whether the archive has a member of an owner: the options include it, and all grades are there if it needs them."""
        if not self.selection.comes(member, owner):
            return False
        if self.needed and member.path == "course/calendar.xml":
            return False
        if self.needed and (member.scope, member.path) == ("archive", "completion.xml"):
            return self.needed.completion
        return not self.only_needed or not member.with_all_grades or self.has_all_grades

    @cached_property
    def has_all_grades(self) -> bool:
        """Whether the course has a gradebook and every activity that has a grade item in it comes along.

        Where the archive of one activity was restored there mostly is none: an empty one would make Moodle compute totals.
        """
        left = GradeItem.objects.filter(course=self.course, activity__isnull=False)
        return (
            GradeCategory.objects.filter(course=self.course).exists()
            and not left.exclude(activity__in=self.activities).exists()
        )

    def has_record(self, model: structure.Model, number: int) -> bool:
        """Whether the record `number` of a model is in one of the activities. The first call reads all ids of the model."""
        if model not in self._numbers:
            way = path_to_content(model)
            found = model._base_manager.filter(**{f"{way}__owner__in": self.activities})
            self._numbers[model] = frozenset(found.values_list("pk", flat=True))
        return number in self._numbers[model]

    def is_left_out(self, component: str, area: str, number: int) -> bool:
        """Whether a file's record belongs to a group and groups do not come. The first call for a model reads its ids."""
        if self.selection.allows("groups"):
            return False
        return any(number in self._owned_ids(model) for model in models_of_area(component, area))

    def _owned_ids(self, model: structure.Model) -> frozenset[int]:
        """Return the ids of a model's rows that belong to a group."""
        if model not in self._owned:
            condition = ownership.owned(model)
            rows = model._base_manager.filter(condition) if condition else model._base_manager.none()
            self._owned[model] = frozenset(rows.values_list("pk", flat=True))
        return self._owned[model]

    def groups_left_out(self) -> Finding | None:
        """Return the finding about rows that are left out because they belong to a group and groups do not come."""
        found = self._numbers_of_owned() if not self.selection.allows("groups") else {}
        if not found:
            return None
        return Finding(
            "info",
            "of-groups",
            f"The groups are left out, and what belongs to one of them: {numbers_with_nouns(found)}.",
            "groups.xml",
            "Include the groups to keep it.",
        )

    def _numbers_of_owned(self) -> dict[str, int]:
        """Return how many rows belong to a group, by item type, among those that come along otherwise."""
        found: dict[str, int] = {}
        for model in ownership.owned_models():
            meta, way = model.archive_meta, path_to_content(model)
            if meta.userdata and not (self.selection.people or meta.person):
                continue
            owners = self.with_userdata if meta.userdata and not meta.person else self.activities
            within = {f"{way}__owner__in": owners} if way else {"course": self.course}
            condition = ownership.owned(model)
            count = model._base_manager.filter(condition, **within).count() if condition else 0
            if count:
                found[structure.item_type_of(model)] = count
        return found


def folder(activity: Activity) -> str:
    """Return the name of an activity's folder in an archive, which is its name as an owner: `forum_7`."""
    return f"{activity.modulename}_{activity.pk}"
