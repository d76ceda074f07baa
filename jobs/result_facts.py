"""The result of a restore, or of its rehearsal, as lines for people: pages and commands show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

KINDS = 12
"""So many kinds of new records are named, the largest numbers first; the others are counted."""

PEOPLE = (
    ("matched", "have an account here"),
    ("created", "get a new account"),
    ("left_out", "are left out"),
    ("in_conflict", "are in conflict with somebody here"),
)


class Fact(NamedTuple):
    """A line about a restore: its name, and its text."""

    name: str
    text: str


def facts(result: Mapping[str, Any]) -> list[Fact]:
    """Return the lines about a result (`restore/report.py`), or about the part of it that is known; none for other results."""
    if "people_by" not in result:
        return []
    parts = (
        ("Course", _names(result)),
        ("Dates", _dates(result)),
        ("Removed", _removed(result)),
        ("New", _new(result)),
        ("Difference", _difference(result)),
        ("Activities", _activities(result)),
        ("Here already", _here(result)),
        ("Changed", _changed(result)),
        ("Files", _files(result)),
        ("People", _people(result)),
        ("Does not come", _stays_away(result)),
    )
    return [Fact(name, text) for name, text in parts if text]


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines about a result for a command."""
    for fact in facts(result):
        yield f"{fact.name}: {fact.text}"


def _names(result: Mapping[str, Any]) -> str:
    if "shortname" not in result:
        return ""
    archive = result["archive"]
    text = f"{result['fullname']} ({result['shortname']})"
    if (result["fullname"], result["shortname"]) == (archive["fullname"], archive["shortname"]):
        return text
    return f"{text}; in the archive {archive['fullname']} ({archive['shortname']})"


def _dates(result: Mapping[str, Any]) -> str:
    if "startdate" not in result:
        return ""
    parts = []
    for name, noun in (("startdate", "start"), ("enddate", "end")):
        now, before = result[name], result["archive"][name]
        if now or before:
            was = f" (in the archive {_day(before)})" if now != before else ""
            parts.append(f"{noun} {_day(now)}{was}")
    if days := result["days_moved"]:
        parts.append(f"the dates in the archive move by {days:+,} {_noun(abs(days), 'day')}")
    return ", ".join(parts)


def _removed(result: Mapping[str, Any]) -> str:
    return _numbers(result.get("removed") or ())


def _new(result: Mapping[str, Any]) -> str:
    new = result.get("new")
    return "" if new is None else _numbers(new) or "nothing"


def _numbers(found: Sequence[Mapping[str, Any]]) -> str:
    """Return numbers of records by kind as text: the first ones by name, the others as one number."""
    named = [one["text"] for one in found[:KINDS]]
    if rest := found[KINDS:]:
        number = sum(abs(one["number"]) for one in rest)
        named.append(f"{number:,} {_noun(number, 'record')} of {len(rest)} other kinds")
    return ", ".join(named)


def _activities(result: Mapping[str, Any]) -> str:
    """Return which activities of a replaced course come back, changed or not, go for good, or are added."""
    found = result.get("replaced")
    if not found:
        return ""
    parts = [
        f"{found[name]:,} {words}{_titles(found[f'{name}_titles'], found[name])}"
        for name, words in (
            ("changed", "of these with other settings or texts"),
            ("gone", "of the course are not in the archive and go"),
            ("added", "are in the archive only and are added"),
        )
        if found[name]
    ]
    return "; ".join([f"{found['return']:,} come back under the same name", *parts])


def _titles(titles: Sequence[str], number: int) -> str:
    """Return titles in brackets, with the number of those that are not named."""
    more = f" and {number - len(titles):,} more" if number > len(titles) else ""
    return f" ({', '.join(f'“{title}”' for title in titles)}{more})"


def _difference(result: Mapping[str, Any]) -> str:
    """Return how many records more or fewer of each kind a replaced course has then."""
    if not result.get("replaced") or result.get("difference") is None:
        return ""
    return _numbers(result["difference"]) or "as many records of each kind as before"


def _here(result: Mapping[str, Any]) -> str:
    """Return what the course has already, so that it does not come again."""
    parts = [
        f"{one['matched']:,} {one['title'].lower()}" for one in result.get("matching", []) if one["matched"]
    ]
    return ", ".join(filter(None, [_numbers(result.get("merged", [])), *parts]))


def _changed(result: Mapping[str, Any]) -> str:
    """Return what the course has too, but different, with what the restore does about it."""
    parts = []
    for one in result.get("matching", []):
        stays, differs, title = one.get("stays", 0), one["differs"], one["title"].lower()
        if differs - stays:
            parts.append(f"{differs - stays:,} {title} differ from the course's and come as new ones")
        if stays:
            parts.append(f"{stays:,} {title} differ from the course's, which stay")
    if changed := _numbers(result.get("changed", [])):
        parts.append(f"values of the archive go into {changed} of the course")
    return "; ".join(parts)


def _files(result: Mapping[str, Any]) -> str:
    if not result.get("files"):
        return ""
    here = result["contents_here"]
    new = max(0, result["contents"] - here)
    return (
        f"{result['files']:,} {_noun(result['files'], 'file')}: {new:,} new contents, {here:,} here already"
    )


def _people(result: Mapping[str, Any]) -> str:
    found = result.get("people_by") or {}
    return ", ".join(f"{found[name]:,} {words}" for name, words in PEOPLE if found.get(name))


def _stays_away(result: Mapping[str, Any]) -> str:
    found = result.get("stays_away") or {}
    parts = []
    for name, noun in (("sections", "section"), ("activities", "activity")):
        if number := found.get(name):
            titles = found["section_titles" if name == "sections" else "activity_titles"]
            parts.append(f"{number:,} {_noun(number, noun)}{_titles(titles, number)}")
    parts += [f"{label}, which the archive has" for label in found.get("options", [])]
    return "; ".join(parts)


def _day(seconds: int) -> str:
    """Return the day of epoch seconds, in UTC; `none` for 0 and for what no calendar has."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}" if seconds else "none"
    except (ValueError, OverflowError, OSError):
        return "none"


def _noun(number: int, noun: str) -> str:
    if number == 1:
        return noun
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun != "day" else f"{noun}s"
