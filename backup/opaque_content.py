"""The opaque members and elements of a course, with their ids as the archive shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Q

from archive import layout, opaque, xml
from archive.details import KnownDetails
from archive.judgement import LeftOut, OpaquePeople
from archive.leaf_order import put_leaves_first
from archive.references import OWNING
from backup.known_people import people_in_opaque
from backup.render import LISTED
from backup.weave import OpaqueXml, References
from courses.models import Course, OpaqueElement, OpaqueMember
from selection.selection import Selection


@dataclass
class OpaqueContent:
    """The opaque members and elements of a course. `shown` maps an item type and id to the id in the archive.

    `people` and `details` return the ids of the course's people and the details by which they are known. `left_out` counts,
    by what it is part of, what is left out since it may be about people.
    """

    course: Course
    selection: Selection
    shown: Callable[[str, int], int]
    people: Callable[[], Collection[int]]
    details: Callable[[], KnownDetails]
    left_out: LeftOut = field(default_factory=LeftOut)

    @cached_property
    def item_types(self) -> frozenset[str]:
        """The item types of records that have opaque elements."""
        found = OpaqueElement.objects.filter(Q(course=self.course) | Q(course=None)).order_by()
        return frozenset(found.values_list("item_type", flat=True).distinct())

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths of the opaque members, also of those that a model describes by now and did not when they were restored."""
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

    def shares(self, path: str) -> bool:
        """Whether an archive of this type has the opaque content of `path`, a member of the whole course."""
        return self.selection.archive_type == "course" or layout.find("archive", path).shared

    def at_top(self, top: str, records: Collection[int]) -> dict[int, str]:
        """Return the opaque elements at the top of a member as XML, by the id of their owner, each element once."""
        scope, _, path = top.partition(":")
        if top not in self.item_types or (scope == "archive" and not self.shares(path)):
            return {}
        found: dict[int, dict[str, None]] = defaultdict(dict)
        rows = OpaqueElement.objects.filter(item_type=top, record__in=records).order_by("id")
        for record, text in rows.values_list("record", "xml"):
            found[record][text] = None
        return {record: "\n".join(texts) for record, texts in found.items()}

    def rewritten(self, text: str, references: References, userdata: bool) -> OpaqueXml:
        """Return opaque elements with the ids of this archive, with or without userdata; add their ids to `references`."""
        if not text:
            return OpaqueXml()
        mapped = self.noting(references)
        leaves: list[str] = []
        nested: list[str] = []
        for one in xml.parse(f"<opaque>{text}</opaque>".encode(), member="an opaque element"):
            put_leaves_first(one)
            written = opaque.rewrite_element(
                one,
                mapped=mapped,
                people=self.shows(userdata),
                groups=self.without_groups,
                who=self.who(str(one.tag), None, hides=not userdata),
            )
            (nested if len(one) else leaves).append(written)
        return OpaqueXml("\n".join(filter(None, leaves)), "\n".join(filter(None, nested)))

    @property
    def without_groups(self) -> bool:
        """Whether groups are left out, and so the records that belong to one."""
        return not self.selection.allows("groups")

    def shows(self, userdata: bool) -> bool:
        """Whether opaque content of an owner may tell of people: with userdata, and not in an anonymous archive."""
        return userdata and not self.selection.anonymous

    def who(self, part: str, activity: int | None, *, hides: bool) -> OpaquePeople:
        """Return what is known of people where an opaque part of an activity, or of the course (None), is written.

        `part` names it in the findings. `hides` says that it comes without userdata.
        """
        hidden = hides or self.selection.anonymous
        return OpaquePeople(
            known=lambda number: number in self.people(),
            listed=frozenset(self._listed.get(activity, ())),
            details=self.details() if hidden else None,
            left=self.left_out.counter(part),
        )

    @cached_property
    def _listed(self) -> dict[int | None, set[int]]:
        return people_in_opaque(self.course)

    def noting(self, references: References) -> opaque.Mapped:
        """Return a function that maps an item type and id to the shown id, and adds listed ids to `references`.

        A group that is left out has no id.
        """

        def mapped(item_type: str, number: int) -> int | None:
            if item_type in OWNING and self.without_groups:
                return None
            if item_type in LISTED:
                references[item_type].add(number)
            return self.shown(item_type, number)

        return mapped
