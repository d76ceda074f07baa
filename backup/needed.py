"""The parts of the course itself that come along in a backup of chosen activities: those about these activities only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from courses import registry
from courses.fields import BlockConfiguration, Reading
from courses.fields.mentioned import MentionedIds
from courses.fields.names import CriterionText
from courses.models import Activity, Block, Course
from courses.models.badges import Badge, BadgeParameter, RelatedBadge
from courses.models.completion import CompletionCriterion

Record = tuple[str, int]
MODULE, BADGE = "course_module", "badge"


@dataclass
class NeededOfCourse:
    """The badges, blocks and conditions of completion of a course that name activities, all of them chosen.

    A restore of chosen activities decides likewise (`restore/needed.py`).
    """

    course: Course
    activities: Collection[Activity]

    @cached_property
    def badges(self) -> frozenset[int]:
        """The ids of the badges for chosen activities whose other badges come too."""
        named: dict[int, set[Record]] = {
            number: set() for number in Badge.objects.filter(course=self.course).values_list("pk", flat=True)
        }
        field = BadgeParameter._meta.get_field("name")
        assert isinstance(field, CriterionText)
        for one in BadgeParameter.objects.filter(criterion__badge__course=self.course):
            noted = MentionedIds()
            texts = {"name": one.name, "value": one.value, "criteriatype": str(one.criteriatype)}
            field.parse_in_row(one.name, texts, Reading(noted))
            named[one.criterion.badge_id] |= noted.found
        for related in RelatedBadge.objects.filter(badge__course=self.course).exclude(relatedbadgeid=None):
            named[related.badge_id].add((BADGE, related.relatedbadgeid))
        found = {number for number, records in named.items() if self._is_about_chosen(records)}
        while lost := {
            number
            for number in found
            if any(item_type == BADGE and other not in found for item_type, other in named[number])
        }:
            found -= lost
        return frozenset(found)

    @cached_property
    def completion(self) -> bool:
        """Whether the conditions of completing the course name activities, all of them chosen."""
        rows = CompletionCriterion.objects.filter(within=self.course)
        numbers = rows.values_list("moduleinstance", flat=True)
        return self._is_about_chosen({(MODULE, number) for number in numbers if number is not None})

    def has_block(self, block: Block) -> bool:
        """Whether a block of the course shows activities, all of them chosen."""
        field = Block._meta.get_field("configdata")
        assert isinstance(field, BlockConfiguration)
        noted = MentionedIds()
        field.parse_in_row(block.configdata or "", {"blockname": block.blockname}, Reading(noted))
        instances = {(one.modulename, one.instance): one.pk for one in self.activities}
        shown = {record for record in noted.found if record[0] in registry.activity_types()}
        return self._is_about_chosen({(MODULE, instances.get(record, 0)) for record in shown})

    def _is_about_chosen(self, named: Collection[Record]) -> bool:
        modules = {number for item_type, number in named if item_type == MODULE}
        return bool(modules) and modules <= {activity.pk for activity in self.activities}
