"""Selection: whether a member, a model's rows or a file is included, for both engines, the prechecks and the counts on pages.

A selection combines the resolved options with the content of the archive or course. Only this module reads the options
that govern a member, a model or a file:

    selection.includes("forum_7")                       the forum itself
    selection.with_userdata("forum_7")                  its userdata
    selection.comes(layout.find("activity", "comments.xml"), owner="forum_7")
    selection.comes(Badge)                              the rows of a model, by its `option`
    selection.comes(StoredFile("forum_7", "mod_forum", "post", 12), held=held)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, overload

from archive.layout import Member
from archive.manifest import ArchiveType
from archive.numbers import whole_or
from courses.file_areas import is_bank, is_userdata, members_of_area, option_of
from courses.structure import Model
from selection.option import OWN, Operation
from selection.settings import Settings
from selection.table import OF_TYPE, ROOT, governs

COURSE_OWNER = "course"
"""The owner of content of the course itself, beside `section_12` and `forum_7`."""

_ACTIVITY = ("activity", "included")
"""The level and the name of the option that includes an activity."""

Held = Callable[[Model, int], bool]
"""Whether a model has a record with an id; needed for file areas that hold both content and userdata."""


class StoredFile(NamedTuple):
    """A file as `files.xml` lists it.

    `owner` is the owner of its context: `course`, `forum_7`, the folder of a block, or None if the owner is left out.
    """

    owner: str | None
    component: str
    area: str
    item: int


@dataclass(frozen=True)
class Selection:
    """The content that one backup or restore includes.

    `archive_type` is the type of the archive that is written or read. `archive_has_people` and `into_existing` (the
    target is a course that exists) matter for restores only. `part` says whether it is a part, if that was decided before.
    """

    settings: Settings
    operation: Operation
    archive_type: ArchiveType
    archive_has_people: bool = True
    into_existing: bool = False
    part: bool | None = None

    def with_settings(self, settings: Settings) -> Selection:
        """Return the selection with other settings; it is a part of the course if this one is."""
        return replace(self, settings=settings, part=self.is_part)

    @cached_property
    def people(self) -> bool:
        """Whether people and their userdata are included."""
        return self.archive_has_people and self.allows("users")

    @cached_property
    def anonymous(self) -> bool:
        """Whether people are included under pseudonyms."""
        return self.people and "anonymize" in self.settings and self.settings.on("anonymize")

    @cached_property
    def start_date(self) -> int | None:
        """The start date to which the dates of a restore move, in seconds since 1970; None if they stay."""
        asked = self.settings.text("course_startdate")
        return None if asked == "" or (asked == OWN and self.into_existing) else whole_or(asked)

    @cached_property
    def is_part(self) -> bool:
        """Whether at most half of the activities are chosen, so that only what they need comes along.

        Who leaves a few activities out wants the rest of the course as it is. Activities that an option leaves out, as the
        question bank does with quizzes, do not count.
        """
        if self.part is not None:
            return self.part
        every = [one for one in self.settings.values() if (one.option.level, one.option.name) == _ACTIVITY]
        chosen = sum(one.value is True for one in every)
        left_out = sum(one.value is False and one.lock in (None, "hierarchy") for one in every)
        return 0 < chosen <= left_out and self.settings.allows("only_needed")

    @cached_property
    def options_off(self) -> frozenset[str]:
        """Root options whose rows and members are left out."""
        return frozenset(name for name in ROOT if not self.allows(name))

    def options_off_at(self, owner: str) -> frozenset[str]:
        """Options whose rows are left out of an activity: those of the whole archive, and those of the activity's type."""
        own = OF_TYPE.get(owner.rpartition("_")[0], {})
        return self.options_off.union(name for name in own if not self.allows(name, owner))

    @cached_property
    def overwrites_settings(self) -> bool:
        """Whether a restore into a course that exists gives it the settings and names in the archive."""
        asked = "overwrite_conf" in self.settings and self.settings.on("overwrite_conf")
        return self.into_existing and self.archive_type == "course" and asked

    def allows(self, option: str, owner: str = "") -> bool:
        """Whether content governed by an option is included; "" governs nothing and is always included.

        `owner` is the activity that an option of its type is asked for. The choice `with-users` includes the content if people
        are included. Raises KeyError for an unknown option.
        """
        if not option:
            return True
        if option not in ROOT and governs(option):
            of_type = self.settings.get(f"{owner}_{option}")
            return of_type is None or bool(of_type.value)
        setting = self.settings.get(option)
        if setting is not None and setting.option.kind == "choice":
            return setting.value != "never" and (setting.value != "with-users" or self.people)
        return self.settings.allows(option)

    def includes(self, owner: str) -> bool:
        """Whether the course, a section, an activity or a block is included; a block is with its owner."""
        if "/blocks/" in owner and not self.allows("blocks"):
            return False
        owner = _owner_of_block(owner)
        name = f"{owner}_included"
        return owner == COURSE_OWNER or (name in self.settings and self.settings.on(name))

    def with_userdata(self, owner: str) -> bool:
        """Whether userdata of the course, a section, an activity or a block's owner is included."""
        name = f"{_owner_of_block(owner)}_userinfo"
        return self.people and (name not in self.settings or self.settings.on(name))

    @overload
    def comes(self, what: Member, owner: str = COURSE_OWNER) -> bool: ...

    @overload
    def comes(self, what: Model) -> bool: ...

    @overload
    def comes(self, what: StoredFile, *, held: Held) -> bool: ...

    def comes(
        self, what: Member | Model | StoredFile, owner: str = COURSE_OWNER, *, held: Held | None = None
    ) -> bool:
        """Whether a member (of an owner), the rows of a model, or a file is included. `held` is required for a file."""
        if isinstance(what, Member):
            return self._member_comes(what, owner)
        if isinstance(what, StoredFile):
            assert held is not None
            return self._file_comes(what, held)
        meta = what.archive_meta
        return self.allows(meta.option) and not (meta.personal and self.anonymous)

    def _member_comes(self, member: Member, owner: str) -> bool:
        limited = self.operation == "backup" or self.into_existing
        if limited and self.archive_type not in member.archive_types:
            return False
        if self.into_existing and member.whole and self.archive_type != "course":
            return False
        if member.scope == "block" and not self.allows("blocks"):
            return False
        return self.allows(member.option, owner) and (not member.userdata or self.with_userdata(owner))

    def _file_comes(self, file: StoredFile, held: Held) -> bool:
        if is_bank(file.component, file.area):
            return self.allows("questionbank")
        if file.owner is None or not self.includes(file.owner):
            return False
        if not self.allows(option_of(file.component, file.area), file.owner):
            return False
        if self.into_existing and not self._record_comes(file):
            return False
        if self.with_userdata(file.owner) and self.allows("texts"):
            return True
        return not is_userdata(file.component, file.area, file.item, held=held)

    def _record_comes(self, file: StoredFile) -> bool:
        """Whether the member that holds a file's record comes, such as `badges.xml` for the image of a badge."""
        holding = members_of_area(file.component, file.area)
        return not holding or any(self._member_comes(member, COURSE_OWNER) for member in holding)


def _owner_of_block(owner: str) -> str:
    """Return the course or activity that a block's folder is in: `forum_7` of `activities/forum_7/blocks/html_3`."""
    return owner.partition("/blocks/")[0].rpartition("/")[2]
