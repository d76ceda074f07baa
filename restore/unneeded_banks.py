"""Find the question categories that only activities use which are left out: they are left out too, with their files.

As in Moodle (`restore_questions_parser_processor`), the `inforef.xml` of what is restored lists the categories that are needed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from archive import layout, xml
from archive.container import Archive
from archive.inforef import GROUPS
from archive.numbers import whole_or
from selection.selection import COURSE_OWNER, Selection

QUESTIONS = "questions.xml"
CATEGORY = "question_category"


@dataclass
class UnneededBanks:
    """The question categories of left-out activities that nothing restored needs; read when they are first asked for.

    `owners` maps each old context to its owner.
    """

    archive: Archive
    selection: Selection
    owners: dict[int, str]

    @cached_property
    def by_context(self) -> dict[int, frozenset[int]]:
        """The old ids of the categories, by their old context.

        A category that no left-out activity lists is needed: other programs write archives without these lists.
        """
        left_out = {
            contextid
            for contextid, owner in self.owners.items()
            if owner != COURSE_OWNER and not self.selection.includes(owner)
        }
        if not left_out or QUESTIONS not in self.archive:
            return {}
        found: defaultdict[int, set[int]] = defaultdict(set)
        with self.archive.open(QUESTIONS) as stream:
            # The questions are named so that each is forgotten when it was read.
            for record in xml.records(stream, member=QUESTIONS, tags=(CATEGORY, "question_bank_entry")):
                contextid, number = record.findtext("contextid") or "", record.get("id", "")
                if (
                    record.tag == CATEGORY
                    and xml.is_id(number)
                    and xml.is_id(contextid)
                    and whole_or(contextid) in left_out
                ):
                    found[whole_or(contextid)].add(whole_or(number))
        return {
            contextid: frozenset(numbers)
            for contextid, numbers in found.items()
            if numbers <= self.listed_elsewhere
        }

    @cached_property
    def listed_elsewhere(self) -> frozenset[int]:
        """The old ids of the categories that activities list which are left out, and nothing lists that is restored."""
        return frozenset(self._listed(included=False) - self._listed(included=True))

    @cached_property
    def categories(self) -> frozenset[int]:
        """The old ids of all these categories."""
        return frozenset().union(*self.by_context.values())

    def _listed(self, *, included: bool) -> set[int]:
        """Return the categories that the sections, activities and blocks list which are restored, or which are not.

        The course needs no category of an activity: an archive of ours may list the tops of them for it.
        """
        group, tag = GROUPS[CATEGORY]
        found: set[int] = set()
        for path in self.archive.members:
            folder, _, name = path.rpartition("/")
            if (
                name == layout.INFOREF
                and folder != COURSE_OWNER
                and self.selection.includes(folder) is included
            ):
                for entry in xml.parse(self.archive.read(path), member=path).iterfind(f"{group}/{tag}"):
                    number = entry.findtext("id") or ""
                    found |= {whole_or(number)} if xml.is_id(number) else set()
        return found
