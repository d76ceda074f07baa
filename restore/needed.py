"""Decide which records of the course a restore of chosen activities needs: people, groups, questions, badges and the like.

A forum of a course with 53 activities brings who wrote in it, the groups that it names, the scale that it is rated on, and
nothing else. A record is needed if

- a chosen section or activity, or a block of one, names it, in a record or in its `inforef.xml`;
- a needed record names it: a grouping its groups, a group its members, an outcome its scale, a question its author;
- it names activities itself, and all of these are chosen: a badge for an activity, a block that shows one.

Enrolments, roles, completion, comments and logs of the course come for the people who are needed. Events of the course, which
nothing names, stay away; so does the gradebook if an activity with grades is left out, as in Moodle
(`restore_gradebook_structure_step::execute_condition`), which would compute other totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from archive import layout, xml
from archive.container import Archive
from archive.inforef import GROUPS, read_inforef
from archive.manifest import ActivityEntry, Manifest
from archive.numbers import natural, whole_or
from courses import activities, members, registry, structure
from courses.fields import Ref, plain_number
from courses.models import Activity, Block, Course, Section
from courses.structure import Element, Wrapper
from restore.mentions import Mentions, Record, mentions_in
from restore.owners import BLOCK, attributes_of, block_owner, folder, owner_folders
from restore.unneeded_banks import CATEGORY, UnneededBanks
from selection.selection import COURSE_OWNER, Selection

USER, ROLE, MODULE, BADGE = "user", "role", "course_module", "badge"
CRITERION = "course_completion_criteria"
SHARED = ("groups.xml", "scales.xml", "outcomes.xml", "questions.xml", "badges.xml")
"""The members whose records come if they are needed."""

OF_PEOPLE = ("course/roles.xml", "course/enrolments.xml")
"""The members whose records of people come if these are needed, and then need their roles."""

OF_COURSE = f"{COURSE_OWNER}/"
BLOCKS_OF_COURSE = f"{OF_COURSE}blocks/"
COMPLETION, CALENDAR = "completion.xml", "course/calendar.xml"
OF_GRADES = frozenset({"gradebook.xml", "grade_history.xml"})
GOVERNED = frozenset({USER, ROLE, "group", "grouping", "scale", "outcome", CATEGORY, BADGE})
"""Item types of which only the needed records come."""

FOLLOWED = GOVERNED | {MODULE}
Needs = dict[Record, set[Record]]
"""The records that each record names."""


@dataclass
class NeededRecords:
    """The records of an archive that the chosen activities need; read when they are first asked for.

    `banks` are the question categories that only activities use which are left out.
    """

    archive: Archive
    manifest: Manifest
    selection: Selection
    banks: UnneededBanks
    _blocks: dict[str, bool] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """Whether only needed records come: activities are left out and others are not, and nobody asked for all."""
        return self.selection.is_part

    def comes(self, item_type: str, old: int) -> bool:
        """Whether a record of the course comes, by its old id. Raises DamagedArchive for a member that cannot be read."""
        if item_type == CATEGORY and old in self.banks.categories:
            return False
        if not self.limited or item_type not in GOVERNED:
            return True
        return (item_type, old) in self._needed

    def file_comes(self, component: str, area: str, item: int, *, owner: str) -> bool:
        """Whether a file comes with its record: a group's picture, a badge's image; or with the block that owns it."""
        if not self.limited:
            return True
        if owner.startswith(BLOCKS_OF_COURSE):
            return self.block_comes(f"{owner}/block.xml")
        item_type = registry.item_types("files").get((component, area), "")
        if not item_type or item_type == USER:
            return True
        if item_type in GOVERNED:
            return self.comes(item_type, item)
        holding = [one.path for one in members.holding(item_type) if one.scope in ("archive", "course")]
        return owner != COURSE_OWNER or not holding or any(map(self.member_comes, holding))

    def bank_comes(self, contextid: int) -> bool:
        """Whether the question categories of a context come, and so their files."""
        if contextid in self.banks.by_context:
            return False
        return not self.limited or contextid in self._bank_contexts

    def member_comes(self, path: str) -> bool:
        """Whether a member of the course that the options include comes with the chosen activities."""
        if not self.limited or path not in {CALENDAR, COMPLETION, *OF_GRADES}:
            return True
        if path in OF_GRADES:
            return not self.left_out_with_grades
        return path == COMPLETION and self._is_about_chosen(
            set().union(
                *(named for (item_type, _), named in self._completion.items() if item_type == CRITERION)
            )
        )

    def block_comes(self, path: str) -> bool:
        """Whether a block of the course comes: it shows activities, and all of them are chosen. `path` is its own member."""
        if not self.limited:
            return True
        if path not in self._blocks:
            named = set().union(*self._mentions(path, (structure.element(Block),), people=False).values())
            self._blocks[path] = self._is_about_chosen(
                {(MODULE, number) for number in self._modules_of(named)}
            )
        return self._blocks[path]

    @cached_property
    def left_out_with_grades(self) -> list[ActivityEntry]:
        """The activities that are left out and have an item in the gradebook."""
        left_out = [one for one in self.manifest.activities if not self.selection.includes(folder(one))]
        return [entry for entry in left_out if self._has_grades(f"{entry.directory}/grades.xml")]

    def left_out_among(self, item_type: str, olds: Collection[int]) -> list[ActivityEntry]:
        """Return the activities that are left out among records of an item type: activities, or instances of a type of them."""
        if item_type == MODULE:
            modules = set(olds)
        else:
            modules = (
                {self._instances.get((item_type, old), 0) for old in olds}
                if item_type in self._types
                else set()
            )
        return [
            one for one in self.manifest.activities if one.moduleid in modules and one not in self._chosen
        ]

    @cached_property
    def _types(self) -> frozenset[str]:
        return frozenset(entry.modulename for entry in self.manifest.activities)

    def _has_grades(self, path: str) -> bool:
        if path not in self.archive:
            return False
        with self.archive.open(path) as stream:
            return any(True for _ in xml.events(stream, member=path, events=("start",), tags=("grade_item",)))

    @cached_property
    def _chosen(self) -> list[ActivityEntry]:
        return [entry for entry in self.manifest.activities if self.selection.includes(folder(entry))]

    def _is_about_chosen(self, named: Iterable[Record]) -> bool:
        """Whether records name activities, and only chosen ones."""
        modules = {number for item_type, number in named if item_type == MODULE}
        return bool(modules) and modules <= {entry.moduleid for entry in self._chosen}

    def _modules_of(self, named: Iterable[Record]) -> Iterator[int]:
        """Yield the modules of the activity instances among records; 0 for one that is not in the archive."""
        types = registry.activity_types()
        for record in named:
            if record[0] in types:
                yield self._instances.get(record, 0)

    @cached_property
    def _instances(self) -> dict[Record, int]:
        """The module of each activity in the archive, by its type and instance."""
        found: dict[Record, int] = {}
        for entry in self.manifest.activities:
            main = f"{entry.directory}/{entry.modulename}.xml"
            if main in self.archive:
                number = natural(plain_number(attributes_of(self.archive, main).get("id", "")))
                found[entry.modulename, number or 0] = entry.moduleid
        return found

    @cached_property
    def _records(self) -> Needs:
        """The records that each record of the shared members names."""
        found: Needs = {}
        for path in SHARED:
            if self.selection.allows(layout.find("archive", path).option):
                body = structure.elements_in(Course, path)
                found |= self._mentions(path, body, people=self.selection.people)
        return found

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return how many records come and how many the archive has, by item type; of blocks, those of the course."""
        found: defaultdict[str, list[bool]] = defaultdict(list)
        for item_type, number in (*self._records, *self._people()):
            if item_type in GOVERNED:
                found[item_type].append(self.comes(item_type, number))
        for path in self.archive.members:
            if (
                (match := BLOCK.match(path))
                and match["owner"] == OF_COURSE
                and self.selection.allows("blocks")
            ):
                found["block_instance"].append(self.block_comes(path))
        return {item_type: (sum(come), len(come)) for item_type, come in found.items()}

    def _people(self) -> Iterator[Record]:
        """Yield the people of the archive, if people come."""
        path = "users.xml"
        if self.selection.people and path in self.archive:
            with self.archive.open(path) as stream:
                for record in xml.records(stream, member=path, tags=(USER,)):
                    if record.get("contextid") is not None:
                        yield USER, whole_or(record.get("id"))

    @cached_property
    def _needed(self) -> frozenset[Record]:
        """All needed records of the followed item types."""
        records, needed = self._records, set[Record]()
        waiting = [*self._named_by_chosen(), *self._badges_of_chosen(records)]
        if self.member_comes(COMPLETION):
            waiting += set().union(*self._completion.values())
        while waiting:
            record = waiting.pop()
            if record not in needed:
                needed.add(record)
                # What an activity needs decides who chose it, not who names it.
                waiting += records.get(record, ()) if record[0] in GOVERNED else ()
        return frozenset(needed | self._roles_of(needed))

    def _roles_of(self, needed: set[Record]) -> set[Record]:
        """Return the roles that needed people have in the course, and those that enrolment methods give."""
        found: set[Record] = set()
        for path in OF_PEOPLE:
            body = structure.elements_in(Course, path)
            if self.selection.comes(layout.find("course", path)):
                for one in self._read(path, body, people=self.selection.people):
                    people = {record for record in one.named if record[0] == USER}
                    if not people or people & needed:
                        found |= {record for record in one.named if record[0] == ROLE}
        return found

    def _badges_of_chosen(self, records: Needs) -> Iterator[Record]:
        """Yield the badges whose criteria name activities, all of them chosen, and no badge that stays away."""
        badges = {
            one: named for one, named in records.items() if one[0] == BADGE and self._is_about_chosen(named)
        }
        while lost := [
            one
            for one, named in badges.items()
            if any(other[0] == BADGE and other not in badges for other in named)
        ]:
            for one in lost:
                del badges[one]
        yield from badges

    @cached_property
    def _completion(self) -> Needs:
        """The records that those of the completion of the course name, without those of people."""
        return self._mentions(COMPLETION, structure.elements_in(Course, COMPLETION), people=False)

    @cached_property
    def _bank_contexts(self) -> frozenset[int]:
        """The old contexts of the needed question categories."""
        found: set[int] = set()
        path = "questions.xml"
        if path in self.archive:
            with self.archive.open(path) as stream:
                for record in xml.records(stream, member=path, tags=(CATEGORY, "question_bank_entry")):
                    if record.tag == CATEGORY and self.comes(CATEGORY, whole_or(record.get("id"))):
                        found.add(whole_or(record.findtext("contextid")))
        return frozenset(found)

    def _named_by_chosen(self) -> Iterator[Record]:
        """Yield what the chosen sections and activities name, and the blocks of these."""
        for section in self.manifest.sections:
            if self.selection.includes(f"section_{section.sectionid}"):
                yield from self._listed(section.directory, people=False)
                path = f"{section.directory}/section.xml"
                yield from self._named(path, (structure.element(Section),), people=False)
        for entry in self._chosen:
            people = self.selection.with_userdata(folder(entry))
            listed = set(self._listed(entry.directory, people=people))
            yield from listed
            if registry.uses_questions(entry.modulename) and not any(one[0] == CATEGORY for one in listed):
                yield from self._unlisted_categories()
            yield from self._named_by_activity(entry, people=people)
        folders = owner_folders(self.manifest)
        for path in self.archive.members:
            match = BLOCK.match(path)
            if match is not None and match["owner"] != OF_COURSE:
                owner = block_owner(match, folders)
                if self.selection.includes(owner):
                    people = self.selection.with_userdata(owner)
                    yield from self._listed(match["folder"].rstrip("/"), people=people)

    def _named_by_activity(self, entry: ActivityEntry, *, people: bool) -> Iterator[Record]:
        """Yield what the records of an activity name."""
        model = activities.types().get(entry.modulename)
        if model is not None:
            main = f"{entry.directory}/{entry.modulename}.xml"
            off = self.selection.options_off_at(folder(entry))
            yield from self._named(main, (structure.element(model),), people=people, off=off)
        yield from self._named(f"{entry.directory}/module.xml", (structure.element(Activity),), people=people)
        for member in structure.members_of(Activity):
            if self.selection.comes(layout.find("activity", member), folder(entry)):
                body = structure.elements_in(Activity, member)
                yield from self._named(f"{entry.directory}/{member}", body, people=people)

    def _unlisted_categories(self) -> Iterator[Record]:
        """Yield all question categories but those that only activities list which are left out.

        Other programs write archives without the lists of categories.
        """
        path = "questions.xml"
        if path in self.archive:
            with self.archive.open(path) as stream:
                for record in xml.records(stream, member=path, tags=(CATEGORY, "question_bank_entry")):
                    number = whole_or(record.get("id"))
                    if record.tag == CATEGORY and number not in self.banks.listed_elsewhere:
                        yield CATEGORY, number

    def _listed(self, directory: str, *, people: bool) -> Iterator[Record]:
        """Yield what an `inforef.xml` lists; the people only if the owner's userdata comes."""
        path = f"{directory}/{layout.INFOREF}"
        if path not in self.archive:
            return
        wanted = {
            group: (item_type, tag)
            for item_type, (group, tag) in GROUPS.items()
            if item_type in GOVERNED and (people or item_type != USER)
        }
        root = read_inforef(self.archive, path, comes=wanted.__contains__)
        for group, (item_type, tag) in wanted.items():
            for entry in root.iterfind(f"{group}/{tag}/id"):
                if xml.is_id(entry.text or ""):
                    yield item_type, whole_or(entry.text)

    def _named(
        self,
        path: str,
        body: tuple[Wrapper | Element, ...],
        *,
        people: bool,
        off: frozenset[str] | None = None,
    ) -> set[Record]:
        """Return what all records of a member name."""
        return set().union(*(one.named for one in self._read(path, body, people=people, off=off)))

    def _mentions(self, path: str, body: tuple[Wrapper | Element, ...], *, people: bool) -> Needs:
        """Return what each record of a member names, with what nests in it."""
        found: defaultdict[Record, set[Record]] = defaultdict(set)
        for one in self._read(path, body, people=people):
            found[one.top] |= one.named
        return found

    def _read(
        self,
        path: str,
        body: tuple[Wrapper | Element, ...],
        *,
        people: bool,
        off: frozenset[str] | None = None,
    ) -> Iterator[Mentions]:
        return mentions_in(
            self.archive,
            path,
            body,
            item_types=FOLLOWED,
            userdata=people,
            without=self.selection.options_off if off is None else off,
        )


@registry.derived
def owners_in_course() -> tuple[tuple[structure.Model, str, str], ...]:
    """Return the models of the course's members whose rows come with a person or group only.

    Each has the item type of that owner and the name of the element that holds its id.
    """
    found: dict[structure.Model, tuple[str, str]] = {}
    for one in members.described():
        if one.member.scope in ("course", "archive") and one.member.path != "users.xml":
            for element in one.elements():
                meta = element.model.archive_meta
                if meta.userdata:
                    found[element.model] = USER, meta.person or "userid"
                elif field := _owner_field(element, of_groups=one.member.path == "groups.xml"):
                    found[element.model] = field.refers or "", field.tag
    return tuple((model, item_type, tag) for model, (item_type, tag) in found.items())


def _owner_field(element: Element, *, of_groups: bool) -> Ref | None:
    """Return the field with the group to which records belong; in `groups.xml` also that with the grouping."""
    fields = (
        field for field in element.leaves if isinstance(field, Ref) and field.refers in {"group", "grouping"}
    )
    return next((field for field in fields if field.owning or of_groups), None)
