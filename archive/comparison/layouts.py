"""Differences that follow from the Moodle for which an archive was written: 4.5 has no question banks, and shorter values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archive.comparison.locate import Difference
from archive.comparison.pairing import Pairs
from archive.manifest import Manifest
from archive.numbers import whole_or
from archive.releases import BANKS_SINCE
from archive.xml import NULL

BANK = "qbank"
SAYS = "Moodle 4.5 has question categories of the course where Moodle 5 has question banks."
SHORTER = "Moodle 4.5 takes no more characters."
OLDER = "Moodle 4.5 does not know the state."
IMAGE = "Moodle 5 has no authors of a badge's image; Moodle 4.5 needs the elements."
NUMBER = re.compile(r"\A'\d+' ")
LEVEL = re.compile(r"question_category:\\*'\d+\\*'")
CONTEXTS = re.compile(r"context:(?:module \d+|course|system)")
IMAGES = re.compile(r"badges\.xml badges/badge/imageauthor(?:name|email|url)\Z")
CATEGORY = "questions.xml question_categories/question_category"
PLACED = re.compile(rf"{CATEGORY}/(?:contextid|contextlevel|contextinstanceid|stamp)\Z")
BELOW = re.compile(rf"{CATEGORY}/.*(?:/contextid|/tag/contextid|@contextid)\Z")
HUNG = re.compile(
    rf"{CATEGORY}/(?:parent|name|question_bank_entries/question_bank_entry/questioncategoryid)\Z"
)
RANDOM = re.compile(r".*question_set_reference/(?:questionscontextid|filtercondition)\Z")
SAID_OF_BANK = re.compile(rf"{CATEGORY}/bank[a-z]+\Z")
FILE = re.compile(r"files\.xml files/file/contextid\Z")
INTRO = re.compile(r"files\.xml files/file/(?:filearea|itemid)\Z")
INTROS = {"intro", "formerintro"}
"""The areas of the files in the description of a bank, and of the category that it became (`backup/former_banks.py`)."""

SEQUENCE = re.compile(r"sections/section/section\.xml section/sequence\Z")
NAMES = re.compile(r".*/(?:name|title|fullname|itemname|issuername)\Z")
MODULE = re.compile(r"course_module:(\d+)")
ENTRY = "moodle_backup.xml moodle_backup/information/contents/activities/activity"


@dataclass(frozen=True, slots=True)
class Layouts:
    """The differences that the versions of two archives explain.

    `banks` are the places of question banks in the pairs of activities; `crossing` says that one archive has banks and the
    other is of a Moodle that has none; `older` that the second is of 4.5 and the first is not.
    """

    crossing: bool
    older: bool
    banks: frozenset[int]

    def explanation(self, difference: Difference, place: str) -> str:
        """Return why a difference at a place, a member and a path without ids, is one of the versions; "" if it is not."""
        first, second = difference.first or "", difference.second or ""
        if (
            IMAGES.match(place)
            and "is absent in the first archive" in difference.message
            and NULL in difference.message
        ):
            return IMAGE
        if self.older and NAMES.match(place) and difference.cut_to == _longest(place):
            return SHORTER
        if (
            self.older
            and place.endswith("/attempt/state")
            and ("submitted" in first and "finished" in second)
        ):
            return OLDER
        if self.older and place.endswith("/attempt") and "state='notstarted'" in difference.message:
            return OLDER
        return SAYS if self.crossing and self._is_of_banks(difference, place, first, second) else ""

    def _is_of_banks(self, difference: Difference, place: str, first: str, second: str) -> bool:
        if place.startswith(f"activities/{BANK}/") or (
            place == ENTRY and f"modulename='{BANK}'" in difference.message
        ):
            return True
        if SAID_OF_BANK.match(place):
            return True
        if INTRO.match(place):
            return {first, second} == INTROS or "'formerintro'" in difference.message
        if place == "*/inforef.xml file":
            return " 'mod_qbank' " in difference.message
        if PLACED.match(place) or BELOW.match(place) or RANDOM.match(place):
            return not place.endswith("filtercondition") or _plain(first) == _plain(second)
        if HUNG.match(place):
            return (
                "top" in (first, second) or "'top'" in difference.message or _plain(first) == _plain(second)
            )
        if place == CATEGORY:
            return (
                "is only in the second archive" in difference.message or "stamp='bank " in difference.message
            )
        if FILE.match(place):
            return any(f"context:module {number}'" in difference.message for number in self.banks)
        if SEQUENCE.match(place):
            shown = re.findall(r"\('([^']*)'\)", difference.message)
            return len({self._without_banks(one) for one in shown}) <= 1
        return place == "*/inforef.xml question_category"

    def _without_banks(self, tokens: str) -> tuple[str, ...]:
        return tuple(one for one in MODULE.findall(tokens) if whole_or(one) not in self.banks)


def layouts_of(manifests: tuple[Manifest, Manifest], pairs: Pairs) -> Layouts:
    """Return what the versions of two archives explain."""
    first, second = (manifest.backup_version >= BANKS_SINCE for manifest in manifests)
    banks = frozenset(
        number
        for number, (one, other) in enumerate(pairs.activities)
        if BANK in {entry.modulename for entry in (one, other) if entry is not None}
    )
    crossing = first != second or (bool(banks) and any(None in pairs.activities[number] for number in banks))
    return Layouts(crossing, first and not second, banks)


def _longest(place: str) -> int:
    """Return the number of characters that Moodle 4.5 takes for a name."""
    return 254 if place.endswith(" course/fullname") else 255


def _plain(text: str) -> str:
    """Return a value as a difference shows it, without its own id, and without the contexts and levels that it names."""
    return CONTEXTS.sub("context", LEVEL.sub("question_category", NUMBER.sub("", text)))
