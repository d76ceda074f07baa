"""Links in texts to activities that are left out: they lead to the site of the archive, and are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from archive.findings import Finding
from archive.manifest import ActivityEntry
from courses.links import Known
from restore.owners import folder


class LostLinks:
    """Find new ids for links, and count the links that lead to an activity of the archive that does not come.

    `left_out` are these activities, `known` returns the new id of a record.
    """

    def __init__(self, left_out: Iterable[ActivityEntry], known: Known) -> None:
        self._left_out = {entry.moduleid: entry for entry in left_out}
        self._known = known
        self._found: Counter[int] = Counter()

    def known(self, item_type: str, old: int) -> int | None:
        """Return the new id of a record, None if there is none."""
        new = self._known(item_type, old)
        if new is None and item_type == "course_module" and old in self._left_out:
            self._found[old] += 1
        return new

    def findings(self) -> Iterator[Finding]:
        """Yield a warning for each activity that is left out and to which texts link."""
        for old, number in sorted(self._found.items()):
            entry = self._left_out[old]
            yield Finding(
                "warning",
                "link-lost",
                f"{number:,} {'link leads' if number == 1 else 'links lead'} to “{entry.title}”, which is left out:"
                f" {'it leads' if number == 1 else 'they lead'} to the site of the archive.",
                f"course_module {old}",
                "Bring the other along, or change the links in the restored course.",
                bring=folder(entry),
            )
