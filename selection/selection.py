"""The one answer to "does this come along?": for both engines, the prechecks and the pages' counts.

A selection is the settled options together with what the archive or the course has. It is asked about a member of the
archive, a model or a file; nobody else looks at the options that govern them:

    selection.includes("forum_7")                       the forum itself
    selection.with_userdata("forum_7")                  what people made in it
    selection.comes(layout.find("activity", "comments.xml"), owner="forum_7")
    selection.comes(Badge)                              the rows of a model, by its `option`
    selection.comes(StoredFile("forum_7", "mod_forum", "post", 12), held=held)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, overload

from archive.layout import Member
from archive.manifest import ArchiveType
from courses.file_areas import is_bank, is_userdata, option_of
from courses.structure import Model
from selection.option import Operation
from selection.settings import Settings
from selection.table import ROOT

COURSE_OWNER = "course"
"""The owner of what belongs to the course itself, beside `section_12` and `forum_7`."""

Held = Callable[[Model, int], bool]
"""Whether a model has a record of an id; for file areas that hold both content and userdata."""


class StoredFile(NamedTuple):
    """A file as `files.xml` lists it.

    `owner` is what its context belongs to: `course`, `forum_7`, the folder of a block, or None when its owner stays behind.
    """

    owner: str | None
    component: str
    area: str
    item: int


@dataclass(frozen=True)
class Selection:
    """What comes along in one backup or restore.

    `archive_type` is that of the archive that is written or read. A restore says whether the archive has people in it and
    whether it goes `into_existing` course.
    """

    settings: Settings
    operation: Operation
    archive_type: ArchiveType
    archive_has_people: bool = True
    into_existing: bool = False

    @cached_property
    def people(self) -> bool:
        """Whether people and their userdata come along."""
        return self.archive_has_people and self.allows("users")

    @cached_property
    def anonymous(self) -> bool:
        """Whether people come along as pseudonyms."""
        return self.people and "anonymize" in self.settings and self.settings.on("anonymize")

    @cached_property
    def options_off(self) -> frozenset[str]:
        """The options whose rows and members stay behind."""
        return frozenset(name for name in ROOT if not self.allows(name))

    def allows(self, option: str) -> bool:
        """Whether what an option governs comes along; "" governs nothing.

        A choice between `never`, `with-users` and `always` is answered by whether people come. KeyError for a name that no
        option has.
        """
        if not option:
            return True
        setting = self.settings.get(option)
        if setting is not None and setting.option.kind == "choice":
            return setting.value != "never" and (setting.value != "with-users" or self.people)
        return self.settings.allows(option)

    def includes(self, owner: str) -> bool:
        """Whether the course, a section, an activity or a block comes along; a block does with its owner."""
        if "/blocks/" in owner and not self.allows("blocks"):
            return False
        owner = _owner_of_block(owner)
        name = f"{owner}_included"
        return owner == COURSE_OWNER or (name in self.settings and self.settings.on(name))

    def with_userdata(self, owner: str) -> bool:
        """Whether people's userdata in the course, a section, an activity or a block's owner comes along."""
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
        """Whether a member (of an owner), the rows of a model, or a file comes along."""
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
        if self.into_existing and member.whole:
            return False
        if member.scope == "block" and not self.allows("blocks"):
            return False
        return self.allows(member.option) and (not member.userdata or self.with_userdata(owner))

    def _file_comes(self, file: StoredFile, held: Held) -> bool:
        if not self.allows("files"):
            return False
        if is_bank(file.component, file.area):
            return self.allows("questionbank")
        if file.owner is None or not self.includes(file.owner):
            return False
        if not self.allows(option_of(file.component, file.area)):
            return False
        return self.with_userdata(file.owner) or not is_userdata(
            file.component, file.area, file.item, held=held
        )


def _owner_of_block(owner: str) -> str:
    """The course or activity that a block's folder is in: `forum_7` of `activities/forum_7/blocks/html_3`."""
    return owner.partition("/blocks/")[0].rpartition("/")[2]
