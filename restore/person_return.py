"""PersonReturn: what is known while the work of one person in one activity is brought back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from archive import layout
from archive.manifest import ActivityEntry
from courses import structure
from courses.models import Activity, File, User
from courses.structure import Model
from courses.summaries import numbers_with_nouns
from restore.context import RestoreContext
from restore.owners import folder
from restore.person_records import (
    HISTORY,
    Ids,
    PersonRecords,
    records_in,
)


@dataclass
class PersonReturn:
    """The return of a person's work in an activity. With `replace`, what the person has there now is replaced.

    `archived` are the person's rows of the archive, `here` those of this site. `brought` and `removed` count rows, `without`
    those that did not come because the record that they belong to or answer is gone. `loaded` are the members that were read,
    `landed` the rows that were added or changed. `digest` is that of the person's rows when a copy was stored;
    "" without a copy.
    """

    context: RestoreContext
    activity: Activity
    person: User
    replace: bool
    digest: str = ""
    archived: PersonRecords = field(default_factory=PersonRecords)
    here: PersonRecords = field(default_factory=PersonRecords)
    brought: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    loaded: set[str] = field(default_factory=set)
    landed: Ids = field(default_factory=lambda: PersonRecords().own)

    @property
    def unloaded(self) -> list[Model]:
        """The models of which the archive gave not all rows: a member is absent, or an option leaves rows out.

        What has happened is not among them: it is never removed.
        """
        allows = self.context.selection.allows
        found = [
            one.model
            for one in records_in(self.activity)
            if one.member not in HISTORY
            and not (one.member in self.loaded and allows(one.model.archive_meta.option, folder(self.entry)))
        ]
        return list(dict.fromkeys([*found, *([] if layout.FILES in self.loaded else [File])]))

    @property
    def entry(self) -> ActivityEntry:
        """The manifest's entry of the activity."""
        wanted = f"{self.activity.modulename}_{self.activity.pk}"
        return next(one for one in self.context.activities if folder(one) == wanted)

    @staticmethod
    def counted(rows: dict[Model, set[int]]) -> Counter[str]:
        """Return the numbers of rows by item type."""
        return Counter({structure.item_type_of(model): len(ids) for model, ids in rows.items() if ids})

    def report(self) -> dict[str, Any]:
        """Return the result for the job."""
        return {
            "course_id": self.activity.course_id,
            "activity_id": self.activity.pk,
            "activity": self.activity.title,
            "person": str(self.person),
            "records": self.brought.total(),
            "brought": numbers_with_nouns(self.brought),
            "removed": numbers_with_nouns(self.removed),
        }
