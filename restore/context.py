"""Restoration: the state of one restore, from the archive that was opened to the course that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings as site
from lxml import etree

from archive import opaque
from archive.container import Archive
from archive.errors import HostileArchive
from archive.findings import Finding
from archive.manifest import ActivityEntry, Manifest, SectionEntry
from courses import activities, structure
from courses.bulk import reserve
from courses.fields import Reading
from courses.fields.numbers import INTEGER
from courses.file_areas import is_bank, is_userdata, option_of
from courses.models import Activity, Context, Course, File, RoleAssignment, RoleOverride, User
from courses.models.questions import Question
from restore.ids import IdMap
from restore.loader import Loader
from restore.match import review_override
from restore.targets import Target
from selection.settings import Settings

GIVEN = frozenset({"user", "role", "course"})
NUMBERS_ONLY = frozenset({"context", "tag"})
"""Kinds whose ids are new here and that have no records of their own."""


@dataclass
class RestoreContext:
    """What the steps of a restore share. Nothing is written outside the transaction but contents of the pool.

    `already_here` counts the people and roles of the archive that this site has, or has something for, and that are not
    written.
    """

    archive: Archive
    manifest: Manifest
    settings: Settings
    target: Target
    by: User | None
    may: frozenset[str]
    course: Course | None = None
    findings: list[Finding] = field(default_factory=list)
    contexts: dict[int, int] = field(default_factory=dict)
    skipped_contexts: set[int] = field(default_factory=set)
    own_contexts: set[str] = field(default_factory=set)
    contexts_without_userdata: set[int] = field(default_factory=set)
    users: dict[int, int] = field(default_factory=dict)
    joined: dict[tuple[str, int], int] = field(default_factory=dict)
    """By kind and new id, the record that one became part of."""

    files: int = 0
    already_here: int = 0

    @property
    def people(self) -> bool:
        """Whether people and their work come along."""
        return bool(self.settings.allows("users")) and "users.xml" in self.archive

    @cached_property
    def sections(self) -> list[SectionEntry]:
        """The sections that come along."""
        return [
            entry for entry in self.manifest.sections if self.settings.included(f"section_{entry.sectionid}")
        ]

    @cached_property
    def activities(self) -> list[ActivityEntry]:
        """The activities that come along, in the order of the archive."""
        return [entry for entry in self.manifest.activities if self.settings.included(folder(entry))]

    def with_userdata(self, entry: ActivityEntry) -> bool:
        """Whether people's work in an activity comes along."""
        return self.people and self.settings.userinfo(folder(entry))

    @cached_property
    def ids(self) -> IdMap:
        """The map of ids; kinds that a model describes, contexts and instances of types that none does are numbered."""
        described = {structure.item_type_of(model) for model in structure.archived_models()} - GIVEN
        types = {entry.modulename for entry in self.manifest.activities}
        ids = IdMap(_reserve, numbered=described | types | set(NUMBERS_ONLY) | {"subsection"})
        for item_type in GIVEN:
            # Who or what is not settled later is nobody here: an old number must never hit a record of this site.
            ids.give(item_type, {})
        return ids

    def claim_context(self, old: int, *, where: str) -> int:
        """The new contextid of an activity or person of the archive.

        Raises HostileArchive when it is said to be the site's, the course's or somebody else's: what is assigned there, such as
        a role, would hold in that place.
        """
        manifest = self.manifest
        taken = old in {manifest.original_system_contextid, manifest.original_course_contextid}
        new = None if taken else self.ids.claim("context", old)
        if new is None:
            raise self.taken_context(old, where=where)
        self.own_contexts.add(str(new))
        return new

    def taken_context(self, old: int, *, where: str) -> HostileArchive:
        """The error for a contextid that is more than one thing's."""
        return HostileArchive(
            f"The contextid {old} belongs to something else in the archive; it can be only one thing's own.",
            where=where,
            hint="The archive was changed after it was made; get it again.",
        )

    @cached_property
    def reading(self) -> Reading:
        """What the fields need to know."""
        moved = self.settings.text("startdate")
        start = self.manifest.original_course_startdate
        shift = int(moved) - start if moved and start else 0
        return Reading(
            self.ids,
            shift,
            lambda item_type, old: self._question_types.get(self.ids.mention(item_type, old) or 0),
        )

    @cached_property
    def _question_types(self) -> dict[int, str]:
        """The types of the course's questions, once they have come: what is in an attempt depends on them."""
        self.loader().flush()
        course = self.course.pk if self.course else 0
        found = Question.objects.filter(version__entry__category__course=course)
        return dict(found.values_list("pk", "qtype"))

    @cached_property
    def with_people(self) -> Loader:
        """The loader of what people made, and of all that is not people's work."""
        return self._loader(people=True)

    @cached_property
    def without_people(self) -> Loader:
        """The loader that leaves people's work out."""
        return self._loader(people=False)

    def loader(self, *, people: bool | None = None) -> Loader:
        """The loader for a member: with people's work, or without it; by default as the whole restore is."""
        return self.with_people if (self.people if people is None else people) else self.without_people

    def _loader(self, *, people: bool) -> Loader:
        off = [
            name for name in ("role_assignments", "groups", "customfield") if not self.settings.allows(name)
        ]
        return Loader(
            self.ids,
            reading=self.reading,
            course=self.course.pk if self.course else 0,
            preserve=self.preserve,
            people=people,
            nameless=not self.manifest.with_users,
            skipped=off,
            accepts={
                File._meta.db_table: lambda values, _: self._file_comes(values),
                RoleOverride._meta.db_table: lambda values, owner: self._override_comes(values, owner),
                RoleAssignment._meta.db_table: lambda _, owner: self._belongs_here(owner),
            },
        )

    def _file_comes(self, values: Mapping[Any, str | None]) -> bool:
        contextid = digits_of(values.get("contextid"))
        if is_bank(values.get("component") or "", values.get("filearea") or ""):
            return True
        if contextid in self.skipped_contexts or contextid == self.manifest.original_system_contextid:
            return False
        option = option_of(values.get("component") or "", values.get("filearea") or "")
        if option and not self.settings.allows(option):
            return False
        if self.people and contextid not in self.contexts_without_userdata:
            return True
        return not is_userdata(
            values.get("component") or "",
            values.get("filearea") or "",
            digits_of(values.get("itemid")),
            held=lambda model, item: self.ids.known(structure.item_type_of(model), item) is not None,
        )

    def _belongs_here(self, contextid: str) -> bool:
        """Whether a new contextid is of this restore. Raises HostileArchive: no role may hold beyond what came."""
        if contextid not in self.own_contexts:
            raise HostileArchive(
                "It gives a role where it has nothing to say.",
                where="roles",
                hint="The archive was changed after it was made; get it again.",
            )
        return True

    def _override_comes(self, values: Mapping[Any, str | None], contextid: str) -> bool:
        """An exception for a role comes when the role came, and when it allows nothing that the person may not."""
        self._belongs_here(contextid)
        if not INTEGER.match(values.get("roleid") or ""):
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

    def preserve(self, element: etree._Element, people: bool) -> str:
        """An element that nothing describes, as XML with this site's ids, and with people's work or without."""
        return opaque.rewrite_element(
            element, mapped=self.ids.mention, people=people or not self.manifest.with_users
        )

    def known(self, item_type: str, old: int) -> int | None:
        """The new id of what came along; the old one for kinds that stay as they are."""
        if item_type in GIVEN or item_type not in self.ids.numbered:
            return self.ids.mention(item_type, old)
        if item_type == "context":
            return self.ids.mention(item_type, old)
        return self.ids.known(item_type, old)

    @property
    def original_root(self) -> str:
        """The address of the site where the archive was made."""
        return self.manifest.original_wwwroot

    @property
    def root(self) -> str:
        """The address of this site."""
        return str(site.SITE_URL)


def digits_of(text: str | None) -> int:
    """A number for a first look at a record; 0 for what is none, about which reading the record complains."""
    return int(text) if text and INTEGER.match(text) else 0


def folder(entry: ActivityEntry) -> str:
    """The name of an activity's folder: `forum_7`."""
    return entry.directory.rpartition("/")[2]


def _reserve(item_type: str, count: int) -> int:
    model = structure.model_of_item_type(item_type)
    if model is None:
        model = Context if item_type == "context" else Activity  # type: ignore[assignment]
    return reserve(model, count)  # type: ignore[arg-type]


def described(modulename: str) -> bool:
    """Whether a model describes this type of activity."""
    return modulename in activities.types()
