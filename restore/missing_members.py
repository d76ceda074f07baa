"""Members that an archive lacks although other members name records of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archive import layout, xml
from archive.findings import Finding
from archive.inforef import GROUPS
from archive.numbers import whole_or
from courses import members
from courses.summaries import number_with_noun
from restore.context import RestoreContext
from restore.owners import folder
from selection.selection import COURSE_OWNER


class Owner(NamedTuple):
    """A part of the archive with an `inforef.xml`: its name as an owner, its title and its folder."""

    name: str
    title: str
    directory: str


def lost_records(context: RestoreContext) -> Iterator[Finding]:
    """Yield a warning for each member that is missing, with the number of records that the restored parts need of it."""
    lost: dict[tuple[str, str], dict[int, str]] = {}
    for owner in _owners(context):
        missing = dict(_missing(context, owner))
        inforef = f"{owner.directory}/{layout.INFOREF}"
        if not missing or inforef not in context.archive:
            continue
        with context.archive.open(inforef) as stream:
            for entry in xml.records(stream, member=inforef, tags=tuple(missing)):
                number = entry.findtext("id") or ""
                if xml.is_id(number):
                    key = str(entry.tag), missing[str(entry.tag)]
                    lost.setdefault(key, {}).setdefault(whole_or(number), owner.title)
    for (item_type, path), records in lost.items():
        yield _finding(item_type, path, records)


def _owners(context: RestoreContext) -> Iterator[Owner]:
    """Yield the course, the sections and the activities that are restored."""
    yield Owner(COURSE_OWNER, "the course", "course")
    for section in context.sections:
        yield Owner(f"section_{section.sectionid}", f"“{section.title}”", section.directory)
    for activity in context.activities:
        yield Owner(folder(activity), f"“{activity.title}”", activity.directory)


def _missing(context: RestoreContext, owner: Owner) -> Iterator[tuple[str, str]]:
    """Yield the item types of which no member is there that an owner's records may be in, each with the first such member."""
    for item_type in GROUPS:
        paths = [
            one.path if one.scope == "archive" else f"{owner.directory}/{one.path}"
            for one in members.holding(item_type)
            if one.scope in ("archive", "course", "activity") and context.selection.comes(one, owner.name)
        ]
        if paths and not any(path in context.archive for path in paths):
            yield item_type, paths[0]


def _finding(item_type: str, path: str, records: dict[int, str]) -> Finding:
    """Return the warning about one missing member, by the old ids of its records and who names them first."""
    titles = list(dict.fromkeys(records.values()))
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return Finding(
        "warning",
        "member-missing",
        f"The member is missing. {number_with_noun(item_type, len(records))} in it, named by {titles[0]}{more},"
        f" {'does' if len(records) == 1 else 'do'} not come.",
        path,
        "Get the archive again, if what is in this member matters.",
    )
