"""The ids that the members of a backup mention: they say what must come along, and what each `inforef.xml` lists.

Moodle calls this annotating (`backup_structure_dbops::annotate_ids`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from backup.weave import References


@dataclass
class NotedReferences:
    """References by owner: `course`, `section_12`, `forum_7`, a block's folder, or the path of a member of the archive.

    `files` are the ids of the files that an owner lists, `other` the groups of its preserved `inforef.xml` that no model
    describes, as XML. `banks` are the contexts whose question categories come along.
    """

    by_owner: defaultdict[str, References] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    files: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    other: defaultdict[str, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    banks: set[int] = field(default_factory=set)

    def mentioned(self, item_type: str) -> set[int]:
        """Return all ids of an item type that any owner mentions."""
        return set().union(*(references[item_type] for references in list(self.by_owner.values())))

    def listed_files(self) -> dict[int, list[str]]:
        """Return the owners whose preserved lists name a file, by the id of the file."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for owner, references in list(self.by_owner.items()):
            for number in references.get("file", ()):
                found[number].append(owner)
        return dict(found)
