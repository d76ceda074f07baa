"""Register the contexts of an archive: each belongs to one activity, block, person or the course, and to nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from archive.errors import HostileArchive
from archive.manifest import Manifest
from restore.ids import IdMap


@dataclass
class ContextClaims:
    """The contexts of the restored course, its activities, its blocks and the new people; `own` are their new ids, as text."""

    ids: IdMap
    manifest: Manifest
    own: set[str] = field(default_factory=set)

    def claim(self, old: int, *, where: str) -> int:
        """Register a context as owned by the caller's block or person, and return its new id.

        Raises HostileArchive if it is the context of the site, of the course or of something else: roles that are assigned
        in it would hold there.
        """
        taken = old in {self.manifest.original_system_contextid, self.manifest.original_course_contextid}
        new = None if taken else self.ids.claim("context", old)
        if new is None:
            raise self.error(old, where=where)
        self.own.add(str(new))
        return new

    def claim_or_make(self, old: int) -> tuple[int, bool]:
        """Register a new context for an activity, and return it and whether its old one belongs to something else too.

        Some programs that write the format give all activities the same context. The new one is nobody else's, so what is
        assigned in the activity's own members holds there and nowhere else.
        """
        taken = old in {self.manifest.original_system_contextid, self.manifest.original_course_contextid}
        new = None if taken else self.ids.claim("context", old)
        shared = new is None
        own = next(self._fresh) if new is None else new
        self.own.add(str(own))
        return own, shared

    @cached_property
    def _fresh(self) -> Iterator[int]:
        return self.ids.fresh("context")

    def error(self, old: int, *, where: str) -> HostileArchive:
        """Return the error for a context that two things in the archive claim."""
        return HostileArchive(
            f"The context {old} belongs to something else in the archive; it can be only one thing's own.",
            where=where,
            hint="The archive was changed after it was made; get it again.",
        )
